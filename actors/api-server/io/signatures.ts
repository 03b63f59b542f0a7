/** Signatures under certificate requests. Source: RFC 5280 and the algorithms' own; Go's `crypto/x509`. */
import { constants, createPublicKey, verify } from "node:crypto";
import { SIGNATURE_HASHES } from "../core/kinds/certificates/x509.ts";
import type { IsSigned } from "../core/kinds/rules.ts";

const PSS = "1.2.840.113549.1.1.10";

export const isSigned: IsSigned = ({ bytes, algorithm, publicKey, signature }) => {
  const hash = Object.hasOwn(SIGNATURE_HASHES, algorithm) ? SIGNATURE_HASHES[algorithm] : undefined;
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
