/** What is read of certificates and of requests for them. Source: RFC 5280, RFC 2986; Go's `crypto/x509`, whose words the problems have. */
import type { DerValue } from "../../../../../protocols/der-reader.ts";
import {
  DerError,
  DerTruncated,
  bitsOf,
  isSequence,
  objectIdentifier,
  partsOf,
  readDer,
} from "../../../../../protocols/der-reader.ts";
import type { SignedBytes } from "../rules.ts";
import { parseTimeMs } from "../../machinery/time.ts";

export interface PublicKey {
  /** As a SubjectPublicKeyInfo. */
  readonly bytes: Uint8Array;
  readonly kind: "ecdsa" | "ed25519" | "rsa" | "unknown";
  /** Of an ECDSA key, as Go calls it. */
  readonly curve: string;
  /** Of an RSA key. */
  readonly bits: number;
}

export interface CertificateRequest {
  readonly key: PublicKey;
  readonly signed: SignedBytes;
}

export interface Certificate {
  readonly key: PublicKey;
  readonly isAuthority: boolean;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const CURVES: Readonly<Record<string, string>> = {
  "1.2.840.10045.3.1.7": "P-256",
  "1.3.132.0.33": "P-224",
  "1.3.132.0.34": "P-384",
  "1.3.132.0.35": "P-521",
};

function publicKeyOf(info: DerValue | undefined): PublicKey {
  if (!isSequence(info)) throw new DerError("x509: malformed public key");
  const [algorithm, bits] = partsOf(info.content);
  const [identifier, parameters] = isSequence(algorithm) ? partsOf(algorithm.content) : [];
  const key = bitsOf(bits);
  const unknown: PublicKey = { bytes: info.whole, kind: "unknown", curve: "", bits: 0 };
  if (key === undefined) throw new DerError("x509: malformed public key");
  switch (objectIdentifier(identifier)) {
    case "1.3.101.112":
      return { ...unknown, kind: "ed25519" };
    case "1.2.840.10045.2.1":
      return { ...unknown, kind: "ecdsa", curve: CURVES[objectIdentifier(parameters)] ?? "" };
    case "1.2.840.113549.1.1.1": {
      const [modulus] = partsOf(readDer(key).value.content);
      const bytes = modulus?.content ?? new Uint8Array();
      return { ...unknown, kind: "rsa", bits: (bytes[0] === 0 ? bytes.length - 1 : bytes.length) * 8 };
    }
  }
  return unknown;
}

const PARAMETERS =
  "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}";

/** @throws DerError where Go does */
function sequence(value: DerValue | undefined, length: number, name: string): DerValue {
  if (value === undefined) throw new DerError("asn1: syntax error: sequence truncated");
  const found = `{class:${value.class} tag:${value.tag} length:${length} isCompound:${value.compound}}`;
  if (isSequence(value)) return value;
  throw new DerError(`asn1: structure error: tags don't match (16 vs ${found}) ${PARAMETERS} ${name} @2`);
}

/** @throws DerError */
export function parseCertificateRequest(bytes: Uint8Array): CertificateRequest {
  const { value, end } = outermost(bytes);
  const [info, algorithm, signature] = partsOf(sequence(value, value.content.length, "certificateRequest").content);
  const [, , key] = partsOf(sequence(info, info?.content.length ?? 0, "tbsCertificateRequest").content);
  if (end < bytes.length) throw new DerError("asn1: syntax error: trailing data");
  const bits = bitsOf(signature);
  if (info === undefined || bits === undefined) throw new DerError("asn1: syntax error: sequence truncated");
  const publicKey = publicKeyOf(key);
  const identifier = objectIdentifier(isSequence(algorithm) ? partsOf(algorithm.content)[0] : undefined);
  return {
    key: publicKey,
    signed: { bytes: info.whole, algorithm: identifier, publicKey: publicKey.bytes, signature: bits },
  };
}

/** Go looks at the tag before it looks whether there is enough of the value. */
function outermost(bytes: Uint8Array): ReturnType<typeof readDer> {
  try {
    return readDer(bytes);
  } catch (error) {
    if (error instanceof DerTruncated) sequence(error.value, error.length, "certificateRequest");
    throw error;
  }
}

const NOT_SIGNED: Readonly<Record<PublicKey["kind"], string>> = {
  ecdsa: "x509: ECDSA verification failure",
  ed25519: "x509: Ed25519 verification failure",
  rsa: "crypto/rsa: verification error",
  unknown: "x509: cannot verify signature: algorithm unimplemented",
};

/** The hash of each algorithm that signs, by its object identifier; null: the algorithm has its own. */
export const SIGNATURE_HASHES: Readonly<Record<string, string | null>> = {
  "1.2.840.10045.4.1": "sha1",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.2.840.113549.1.1.5": "sha1",
  "1.2.840.113549.1.1.10": "sha256",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.3.101.112": null,
};

/** Of a request that is not signed as it says. */
export function signatureProblem({ key, signed }: CertificateRequest): string {
  return NOT_SIGNED[Object.hasOwn(SIGNATURE_HASHES, signed.algorithm) ? key.kind : "unknown"];
}

const BASIC_CONSTRAINTS = "2.5.29.19";

/** undefined for what is no certificate. */
export function parseCertificate(bytes: Uint8Array): Certificate | undefined {
  try {
    const { value, end } = readDer(bytes);
    if (!isSequence(value) || end < bytes.length) return undefined;
    const [info] = partsOf(value.content);
    if (!isSequence(info)) return undefined;
    const fields = partsOf(info.content);
    // The version may be left out.
    const versioned = fields[0]?.class === 2 ? fields.slice(1) : fields;
    const [, , , validity, , key, ...others] = versioned;
    if (!isSequence(validity)) return undefined;
    const [notBeforeMs, notAfterMs] = partsOf(validity.content).map(timeOf);
    if (notBeforeMs === undefined || notAfterMs === undefined) return undefined;
    const extensions = others.find((field) => field.class === 2 && field.tag === 3);
    return { key: publicKeyOf(key), isAuthority: isAuthority(extensions), notBeforeMs, notAfterMs };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function isAuthority(extensions: DerValue | undefined): boolean {
  const [list] = extensions === undefined ? [] : partsOf(extensions.content);
  for (const extension of list === undefined ? [] : partsOf(list.content)) {
    const parts = partsOf(extension.content);
    if (objectIdentifier(parts[0]) !== BASIC_CONSTRAINTS) continue;
    const text = parts.at(-1);
    const [first] = text === undefined ? [] : partsOf(readDer(text.content).value.content);
    return first?.tag === 1 && first.content[0] === 0xff;
  }
  return false;
}

export function sameKey(a: PublicKey, b: PublicKey): boolean {
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

/** UTCTime or GeneralizedTime in ms; undefined for what is neither. */
export function timeOf(value: DerValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  const text = new TextDecoder().decode(value.content);
  const [, year = "", month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const full = value.tag === 23 && year.length === 2 ? `${Number(year) < 50 ? 20 : 19}${year}` : year;
  if (full.length !== 4) return undefined;
  return parseTimeMs(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
