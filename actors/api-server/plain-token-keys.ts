/** For the simulation, which has no cryptography: a token carries its claims in the open, and its maker's word for a signature. */
import { encodeBase64 } from "./core/machinery/base64.ts";
import type { OpenTokenKeys, SignedPayload } from "./token-keys.ts";

const HEADER = part({ alg: "none", typ: "simulated" });
const SIGNATURE = "c2ltdWxhdGVk";

export const plainTokenKeys: OpenTokenKeys = () => ({
  sign: (claims) => Promise.resolve(`${HEADER}.${part(claims)}.${SIGNATURE}`),
  verify: (token): Promise<SignedPayload> => Promise.resolve(read(token)),
  published: () => Promise.resolve({ keys: [], algorithms: [] }),
  isSigned: () => true,
});

function part(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function read(token: string): SignedPayload {
  const [header, payload = "", signature] = token.split(".");
  if (header !== HEADER || signature !== SIGNATURE) return {};
  const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return { payload: JSON.parse(new TextDecoder().decode(bytes)) as unknown };
}
