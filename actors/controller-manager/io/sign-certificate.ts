/**
 * Signs certificates with the cluster's authority, whose key may be EC or RSA.
 * Source: RFC 5280, RFC 5758 (ECDSA with SHA-256), RFC 4055 (RSA with SHA-256).
 */
import type { KeyObject } from "node:crypto";
import { X509Certificate, createHash, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import {
  bitString,
  boolean,
  context,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
} from "../../../protocols/der.ts";
import type { SignCertificate } from "../controllers/certificate-signing.ts";

const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
/** Its parameters are NULL. */
const RSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.113549.1.1.11"), Buffer.of(0x05, 0x00));
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const EXTENDED: Readonly<Record<string, string>> = {
  "client auth": "1.3.6.1.5.5.7.3.2",
  "server auth": "1.3.6.1.5.5.7.3.1",
};
/** Bits of the first byte (RFC 5280, section 4.2.1.3). */
const USAGE_BITS: Readonly<Record<string, number>> = { "digital signature": 0x80, "key encipherment": 0x20 };

export const signCertificate: SignCertificate = ({ request, usages, notBeforeMs, notAfterMs }, authority) => {
  const issuer = new X509Certificate(authority.certificate);
  const key = createPrivateKey(authority.key);
  const algorithm = key.asymmetricKeyType === "rsa" ? RSA_WITH_SHA256 : ECDSA_WITH_SHA256;
  const serialNumber = randomBytes(16);
  // A serial number is a positive integer.
  serialNumber[0] = (serialNumber[0]! & 0x7f) | 0x40;
  const publicKey = Buffer.from(request.publicKey);
  const bits = usages.reduce((sum, usage) => sum | (USAGE_BITS[usage] ?? 0), 0);
  const extended = usages.flatMap((usage) => EXTENDED[usage] ?? []);
  const names = request.alternativeNames;
  const extensions = [
    ...(bits === 0 ? [] : [extension(KEY_USAGE, bitString(Buffer.of(bits), unusedIn(bits)), true)]),
    ...(extended.length === 0 ? [] : [extension(EXTENDED_KEY_USAGE, sequence(...extended.map(objectIdentifier)))]),
    extension(BASIC_CONSTRAINTS, sequence(), true),
    extension(
      SUBJECT_KEY_IDENTIFIER,
      octetString(keyIdentifier(createPublicKey({ key: publicKey, format: "der", type: "spki" }))),
    ),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(context(0, keyIdentifier(createPublicKey(key)), "primitive"))),
    ...(names === undefined ? [] : [extension(SUBJECT_ALTERNATIVE_NAME, Buffer.from(names))]),
  ];
  // Nothing that an authority signs outlives it.
  const endMs = Math.min(notAfterMs, Date.parse(issuer.validTo));
  const body = sequence(
    context(0, integer(Buffer.of(2))), // v3
    integer(serialNumber),
    algorithm,
    subjectOf(issuer.raw),
    sequence(time(new Date(notBeforeMs)), time(new Date(endMs))),
    Buffer.from(request.subject),
    publicKey,
    context(3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, bitString(sign("sha256", body, key), 0));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
};

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function unusedIn(bits: number): number {
  let unused = 0;
  while (((bits >> unused) & 1) === 0) unused++;
  return unused;
}

/** SHA-1 of the key's bits (RFC 5280, section 4.2.1.2): a name, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const info = publicKey.export({ type: "spki", format: "der" });
  const [, bits] = partsOf(contentOf(info));
  return createHash("sha1")
    .update(contentOf(bits ?? info).subarray(1))
    .digest();
}

/** The sixth part of what is signed of a certificate of version 3: whose it is. */
function subjectOf(certificate: Buffer): Buffer {
  const [signed] = partsOf(contentOf(certificate));
  const subject = signed === undefined ? undefined : partsOf(contentOf(signed))[5];
  if (subject === undefined) throw new Error("the authority's certificate has no subject");
  return subject;
}

function contentOf(value: Buffer): Buffer {
  const length = value[1] ?? 0;
  return value.subarray(length < 128 ? 2 : 2 + (length - 128));
}

function partsOf(content: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length;) {
    const first = content[at + 1] ?? 0;
    const count = first < 128 ? 0 : first - 128;
    const length = count === 0 ? first : content.readUIntBE(at + 2, count);
    const end = at + 2 + count + length;
    parts.push(content.subarray(at, end));
    at = end;
  }
  return parts;
}
