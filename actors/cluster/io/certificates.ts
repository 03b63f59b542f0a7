/**
 * The cluster's certificate authority: P-256 keys from Node, certificates as DER through the ASN.1 schemas of X.509.
 * Source: RFC 5280 (certificates), RFC 5758 (ECDSA with SHA-256), Kubernetes' "PKI certificates and requirements".
 */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  id_kp_serverAuth,
} from "@peculiar/asn1-x509";

/** A certificate and its private key, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  /** CN: the user's name. */
  readonly commonName: string;
  /** O: the user's groups. */
  readonly organizations?: readonly string[];
}

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";
/** Ten years, as kubeadm gives its authority; a year for what it signs would be a trap in a data directory. */
const VALIDITY_MS = 10 * 365 * 24 * 3_600_000;
/** A client whose clock is a little behind must not refuse a certificate made just now. */
const BACKDATE_MS = 3_600_000;

/** A self-signed authority. `nowMs` since the Unix epoch. */
export function makeAuthority(commonName: string, nowMs: number): Credential {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true })),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature)),
  ];
  const name = makeName({ commonName });
  return { certificate: issue(name, name, publicKey, privateKey, extensions, nowMs), key: keyPem(privateKey) };
}

/** A certificate for both server and client use. `hosts`: DNS names and IPv4 addresses that it vouches for. */
export function makeCertificate(
  authority: Credential,
  subject: Subject,
  hosts: readonly string[],
  nowMs: number,
): Credential {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth])),
  ];
  if (hosts.length > 0) {
    const names = hosts.map((host) => new GeneralName(isIPv4(host) ? { iPAddress: host } : { dNSName: host }));
    extensions.push(extension(id_ce_subjectAltName, new SubjectAlternativeName(names)));
  }
  const authorityName = makeName({ commonName: commonNameOf(authority.certificate) });
  const signer = createPrivateKey(authority.key);
  const certificate = issue(makeName(subject), authorityName, publicKey, signer, extensions, nowMs);
  return { certificate, key: keyPem(privateKey) };
}

function issue(
  subject: Name,
  issuer: Name,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Extension[],
  nowMs: number,
): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const serialNumber = randomBytes(16);
  // A serial number is a positive integer.
  serialNumber[0] = (serialNumber[0]! & 0x7f) | 0x40;
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(serialNumber),
    signature: algorithm,
    issuer,
    validity: new Validity({ notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + VALIDITY_MS) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
    extensions: new Extensions([...extensions]),
  });
  const signature = sign("sha256", Buffer.from(AsnConvert.serialize(body)), signer);
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm,
    signatureValue: toArrayBuffer(signature),
  });
  return pem("CERTIFICATE", Buffer.from(AsnConvert.serialize(certificate)));
}

function makeName(subject: Subject): Name {
  const part = (type: string, value: string): RelativeDistinguishedName =>
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String: value }) }),
    ]);
  const organizations = (subject.organizations ?? []).map((organization) => part(ORGANIZATION, organization));
  return new Name([...organizations, part(COMMON_NAME, subject.commonName)]);
}

function commonNameOf(certificate: string): string {
  const parsed = AsnConvert.parse(pemBytes(certificate), Certificate);
  for (const relative of parsed.tbsCertificate.subject) {
    for (const { type, value } of relative) if (type === COMMON_NAME) return value.toString();
  }
  throw new Error("the authority's certificate has no common name");
}

function extension(id: string, value: object): Extension {
  return new Extension({
    extnID: id,
    critical: id === id_ce_basicConstraints || id === id_ce_keyUsage,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}

function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function pemBytes(text: string): ArrayBuffer {
  return toArrayBuffer(Buffer.from(text.replace(/-----[^-]+-----|\s/g, ""), "base64"));
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
