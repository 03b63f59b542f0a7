/** Bearer tokens: whatever a client sends as one, and whatever a key of ours has signed, it names an account or nobody. */
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { CompactSign } from "jose";
import { expect, it } from "vitest";
import { faultOfClaims, readClaims, userOfClaims } from "../../../../../actors/api-server/core/tokens/claims.ts";
import { tokenKeys } from "../../../../../actors/api-server/io/token-keys.ts";
import { SERVICE_ACCOUNT_DEFAULTS } from "../../../../../actors/api-server/spec.ts";
import { hostileJson, hostileText, RUNS } from "./hostile.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signingKey = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const keys = tokenKeys({ ...SERVICE_ACCOUNT_DEFAULTS, signingKey });
const { issuer } = SERVICE_ACCOUNT_DEFAULTS;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value) ?? "").toString("base64url");
const names = ["alg", "kid", "crit", "b64", "iss", "aud", "exp", "kubernetes.io", "namespace", "serviceaccount", "pod"];
const header = fc.oneof(
  hostileJson(names),
  fc.record({ alg: fc.constantFrom("none", "ES256", "HS256", "RS256"), kid: hostileText() }, { requiredKeys: [] }),
);
const claimed = fc.oneof(fc.record({ name: hostileText(), uid: hostileText() }, { requiredKeys: [] }), hostileJson());
const claims = fc.record({
  iss: fc.constant(issuer),
  aud: fc.oneof(fc.constant([issuer]), hostileJson()),
  exp: fc.oneof(fc.integer(), hostileJson()),
  sub: fc.oneof(hostileText(), hostileJson()),
  "kubernetes.io": fc.oneof(
    fc.record(
      { namespace: hostileText(), serviceaccount: claimed, pod: claimed, secret: claimed, node: claimed },
      { requiredKeys: [] },
    ),
    hostileJson(names),
  ),
});

it("a text that nobody has signed is no token, whatever it says of itself", async () => {
  const token = fc.oneof(
    hostileText([".", "e30", part({ alg: "none" }), part({ iss: issuer })]),
    fc
      .tuple(header, fc.oneof(claims, hostileJson(names)), hostileText())
      .map(([head, payload, signature]) => `${part(head)}.${part(payload)}.${signature}`),
  );
  await fc.assert(
    fc.asyncProperty(token, async (text) => {
      expect((await keys.verify(text)).payload).toBeUndefined();
    }),
    RUNS,
  );
});

it("what is signed names an account whole, or is no account's", async () => {
  await fc.assert(
    fc.asyncProperty(claims, async (payload) => {
      const text = new TextEncoder().encode(JSON.stringify(payload));
      const token = await new CompactSign(text).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
      const found = readClaims((await keys.verify(token)).payload);
      if (found === undefined) return;
      expect(typeof userOfClaims(found).user).toBe("string");
      expect(typeof faultOfClaims(found, 0, () => undefined)).toBe("string");
    }),
    RUNS,
  );
});

it("an object that a token is bound to has a name", () => {
  const payload = { aud: [], exp: 0, iss: issuer, sub: "s" };
  const read = (bound: object): unknown =>
    readClaims({ ...payload, "kubernetes.io": { namespace: "n", serviceaccount: { name: "a" }, ...bound } });
  expect(read({ pod: { name: "p" }, node: null })).toMatchObject({ "kubernetes.io": { pod: { name: "p" } } });
  for (const bound of [{ pod: 1 }, { secret: {} }, { node: "n" }, { pod: { name: 1 } }, { pod: [] }]) {
    expect(read(bound)).toBeUndefined();
  }
});
