/** Signatures under certificate requests. Source: RFC 5280 and the algorithms' own; Go's `crypto/x509`. */
import { constants, createPublicKey, verify } from "node:crypto";
import type { IsSigned } from "../core/kinds/rules.ts";

/** The hash of each algorithm, by its object identifier; null: the algorithm has its own. */
const HASHES: Readonly<Record<string, string | null>> = {
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
const PSS = "1.2.840.113549.1.1.10";

export const isSigned: IsSigned = ({ bytes, algorithm, publicKey, signature }) => {
  const hash = Object.hasOwn(HASHES, algorithm) ? HASHES[algorithm] : undefined;
  if (hash === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    const padding = algorithm === PSS ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
    return verify(hash, bytes, { key, ...padding }, signature);
  } catch {
    // A key or a signature that OpenSSL can't read has signed nothing.
    return false;
  }
};
