/**
 * The cluster's certificate authority: P-256 keys from Node, certificates as DER written by hand. What libraries there are
 * put names on `globalThis`, which is the embedder's.
 * Source: RFC 5280 (certificates), RFC 5480 and 5758 (ECDSA with SHA-256), X.690 (DER), Kubernetes' "PKI certificates and
 * requirements".
 */
import type { KeyObject } from "node:crypto";
import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from "node:crypto";
import { isIPv4 } from "node:net";
import {
  bitString,
  boolean,
  context,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../../protocols/der.ts";

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
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
/** Bits 0 and, for an authority, 5 (RFC 5280, section 4.2.1.3). */
const DIGITAL_SIGNATURE = bitString(Buffer.of(0x80), 7);
const DIGITAL_SIGNATURE_AND_CERT_SIGN = bitString(Buffer.of(0x84), 2);
/** Ten years, as kubeadm gives its authority; a year for what it signs would be a trap in a data directory. */
const VALIDITY_MS = 10 * 365 * 24 * 3_600_000;
/** A client whose clock is a little behind must not refuse a certificate made just now. */
const BACKDATE_MS = 3_600_000;

/** A self-signed authority. `nowMs` since the Unix epoch. */
export function makeAuthority(commonName: string, nowMs: number): Credential {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(BASIC_CONSTRAINTS, sequence(boolean(true))),
    extension(KEY_USAGE, DIGITAL_SIGNATURE_AND_CERT_SIGN),
  ];
  const name = makeName({ commonName });
  const certificate = issue({ subject: name, issuer: name, publicKey, signer: privateKey, extensions, nowMs });
  return { certificate, key: keyPem(privateKey) };
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
    extension(KEY_USAGE, DIGITAL_SIGNATURE),
    extension(EXTENDED_KEY_USAGE, sequence(objectIdentifier(SERVER_AUTH), objectIdentifier(CLIENT_AUTH))),
    ...(hosts.length === 0 ? [] : [extension(SUBJECT_ALTERNATIVE_NAME, sequence(...hosts.map(generalName)))]),
  ];
  const certificate = issue({
    subject: makeName(subject),
    issuer: makeName({ commonName: commonNameOf(authority.certificate) }),
    publicKey,
    signer: createPrivateKey(authority.key),
    extensions,
    nowMs,
  });
  return { certificate, key: keyPem(privateKey) };
}

/** A request for a certificate (PKCS #10, RFC 2986) with the key that it is for, both PEM. */
export function makeCertificateRequest(subject: Subject): { readonly request: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = sequence(
    integer(Buffer.of(0)), // v1
    makeName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    context(0, Buffer.alloc(0)),
  );
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256));
  const request = sequence(body, algorithm, bitString(sign("sha256", body, privateKey), 0));
  return { request: pem("CERTIFICATE REQUEST", request), key: keyPem(privateKey) };
}

/** A P-256 key to sign with: PEM, PKCS #8. */
export function makeSigningKey(): string {
  return keyPem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
}

/** Whether a certificate vouches for a host: a DNS name or an IPv4 address. */
export function vouchesFor(certificate: string, host: string): boolean {
  const parsed = new X509Certificate(certificate);
  return (isIPv4(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined;
}

interface Issue {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly nowMs: number;
}

/** PEM. */
function issue({ subject, issuer, publicKey, signer, extensions, nowMs }: Issue): string {
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256));
  const serialNumber = randomBytes(16);
  // A serial number is a positive integer.
  serialNumber[0] = (serialNumber[0]! & 0x7f) | 0x40;
  const keyIds = [
    extension(SUBJECT_KEY_IDENTIFIER, octetString(keyIdentifier(publicKey))),
    // Strict clients (Python 3.13) insist on it.
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(context(0, keyIdentifier(createPublicKey(signer)), "primitive"))),
  ];
  const body = sequence(
    context(0, integer(Buffer.of(2))), // v3
    integer(serialNumber),
    algorithm,
    issuer,
    sequence(time(new Date(nowMs - BACKDATE_MS)), time(new Date(nowMs + VALIDITY_MS))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    context(3, sequence(...extensions, ...keyIds)),
  );
  return pem("CERTIFICATE", sequence(body, algorithm, bitString(sign("sha256", body, signer), 0)));
}

function makeName({ commonName, organizations = [] }: Subject): Buffer {
  const part = (type: string, value: string): Buffer => setOf(sequence(objectIdentifier(type), utf8String(value)));
  return sequence(...organizations.map((name) => part(ORGANIZATION, name)), part(COMMON_NAME, commonName));
}

/** Of an authority that `makeAuthority` made: its whole subject. */
function commonNameOf(certificate: string): string {
  const { subject } = new X509Certificate(certificate);
  if (!/^CN=[^\n]*$/.test(subject)) throw new Error(`the authority's certificate is not ours: ${subject}`);
  return subject.slice("CN=".length);
}

function generalName(host: string): Buffer {
  return isIPv4(host)
    ? context(7, Buffer.from(host.split(".").map(Number)), "primitive")
    : context(2, Buffer.from(host, "ascii"), "primitive");
}

function extension(id: string, value: Buffer): Buffer {
  const critical = id === BASIC_CONSTRAINTS || id === KEY_USAGE ? [boolean(true)] : [];
  return sequence(objectIdentifier(id), ...critical, octetString(value));
}

/** SHA-1 of the key, as RFC 5280, section 4.2.1.2 proposes: a name, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  // The point of a P-256 key is the last 65 bytes of its SubjectPublicKeyInfo.
  const point = publicKey.export({ type: "spki", format: "der" }).subarray(-65);
  return createHash("sha1").update(point).digest();
}

function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
