/** Tokens of ServiceAccounts as JSON Web Tokens (RFC 7519), signed with the cluster's key. */
import type { KeyObject } from "node:crypto";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { CompactSign, compactVerify, decodeJwt, decodeProtectedHeader, errors } from "jose";
import { isSigned } from "./signatures.ts";
import type { OpenTokenKeys, SignedPayload } from "../token-keys.ts";

interface VerifyingKey {
  readonly key: KeyObject;
  readonly id: string;
  readonly algorithm: string;
}

/** Algorithm by the curve of the key (RFC 7518, section 3.4), under Node's names of them. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };
/** What go-jose says, whose words kube-apiserver passes on. */
const NOT_SIGNED = "go-jose/go-jose: error in cryptographic primitive";

/** Keys are read when first needed: an API server starts without. Throws, then, over a key that is none. */
export const tokenKeys: OpenTokenKeys = ({ issuer, signingKey, verifyingKeys }) => {
  let read: ReturnType<typeof readKeys> | undefined;
  const keys = (): ReturnType<typeof readKeys> => (read ??= readKeys(signingKey, verifyingKeys));
  return {
    sign: async (claims) => {
      const { signer, all } = keys();
      const [own] = all;
      if (signer === undefined || own === undefined) throw new Error("there is no key to sign tokens with");
      const payload = new TextEncoder().encode(JSON.stringify(claims));
      return await new CompactSign(payload).setProtectedHeader({ alg: own.algorithm, kid: own.id }).sign(signer);
    },
    verify: async (token) => {
      const candidates = candidatesOf(token, issuer, keys().all);
      return candidates === undefined ? {} : await verify(token, candidates);
    },
    published: async () => {
      const { all } = keys();
      const jwks = all.map(({ key, id, algorithm }) => {
        const { kty, ...parameters } = key.export({ format: "jwk" });
        return { use: "sig", kty, kid: id, alg: algorithm, ...parameters };
      });
      return { keys: jwks, algorithms: [...new Set(all.map(({ algorithm }) => algorithm))] };
    },
    isSigned,
  };
};

function readKeys(
  signingKey: string,
  verifyingKeys: readonly string[],
): { readonly signer: KeyObject | undefined; readonly all: readonly VerifyingKey[] } {
  const signer = signingKey === "" ? undefined : createPrivateKey(signingKey);
  const all = [...(signer === undefined ? [] : [createPublicKey(signer)]), ...verifyingKeys.map(createPublicKey)];
  const byId = new Map(all.map((key) => [keyId(key), key]));
  return { signer, all: [...byId].map(([id, key]) => ({ id, key, algorithm: algorithmOf(key) })) };
}

/** Source: `keyIDFromPublicKey` of `pkg/serviceaccount`: SHA-256 of the DER form. */
function keyId(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64url");
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === "rsa") return "RS256";
  const algorithm = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (algorithm === undefined) throw new Error("keys of tokens are RSA, or ECDSA on P-256, P-384 or P-521");
  return algorithm;
}

/** The keys that may have signed it; undefined for what is no token of this issuer. */
function candidatesOf(
  token: string,
  issuer: string,
  all: readonly VerifyingKey[],
): readonly VerifyingKey[] | undefined {
  try {
    if (decodeJwt(token).iss !== issuer) return undefined;
    const { kid } = decodeProtectedHeader(token);
    const named = all.filter(({ id }) => id === kid);
    return named.length > 0 ? named : all;
  } catch (error) {
    // jose throws a TypeError for a header that can't be read, and an error of its own for claims.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

async function verify(token: string, candidates: readonly VerifyingKey[]): Promise<SignedPayload> {
  for (const { key, algorithm } of candidates) {
    try {
      await compactVerify(token, key, { algorithms: [algorithm] });
      return { payload: decodeJwt(token) };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return { error: NOT_SIGNED };
}
