/** Tokens of ServiceAccounts with real keys: the words and the claims are those of kube-apiserver 1.37.1. */
import { generateKeyPairSync } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { tokenKeys } from "../../../../../actors/api-server/io/token-keys.ts";
import { SERVICE_ACCOUNT_DEFAULTS } from "../../../../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { TokenRequestSpec } from "../../../../../protocols/kubernetes/types/authentication-v1.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

const ISSUER = "https://kubernetes.default.svc.cluster.local";
const authority = makeAuthority("test-ca", Date.now());
const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
const pem = { type: "pkcs8", format: "pem" } as const;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const serviceAccounts = {
  ...SERVICE_ACCOUNT_DEFAULTS,
  signingKey: privateKey.export(pem) as string,
  verifyingKeys: [rsa.publicKey.export({ type: "spki", format: "pem" }) as string],
};

let server: TestServer;
let port: number;

beforeAll(async () => {
  server = await startServer({ tls, serviceAccounts }, httpsDoor(), new FakeEtcd(), tokenKeys);
  port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
  await create("serviceaccounts", { metadata: { name: "web" } });
});
afterAll(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
});

type Json = { readonly [field: string]: any }; // oxlint-disable-line typescript/no-explicit-any -- answers of every kind

const targetOf = (resource: string, name?: string): Json => ({
  group: "",
  version: "v1",
  resource,
  ...(resource === "nodes" ? {} : { namespace: "default" }),
  ...(name === undefined ? {} : { name }),
});

async function create(resource: string, object: Json): Promise<Json> {
  return (await server.request({ verb: "create", target: targetOf(resource) as never, object })) as Json;
}

async function remove(resource: string, name: string): Promise<void> {
  const options = { gracePeriodSeconds: 0 };
  await server.request({ verb: "delete", target: targetOf(resource, name) as never, options });
}

async function order(account: string, spec: TokenRequestSpec = {}, metadata: Json = {}): Promise<Json> {
  const target = { ...targetOf("serviceaccounts", account), subresource: "token" };
  const object = { metadata, spec } as KubernetesObject;
  return (await server.request({ verb: "create", target: target as never, object })) as Json;
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  const status = await asked.then(
    () => undefined,
    (error: unknown) => statusOf(error),
  );
  return `${status?.code} ${status?.message}`;
}

async function tokenOf(account: string, spec: TokenRequestSpec = {}): Promise<string> {
  return (await order(account, spec))["status"].token as string;
}

async function review(token: string, audiences?: readonly string[]): Promise<Json> {
  const target = { group: "authentication.k8s.io", version: "v1", resource: "tokenreviews" };
  const spec = { token, ...(audiences === undefined ? {} : { audiences }) };
  return ((await server.request({ verb: "create", target, object: { spec } as KubernetesObject })) as Json)["status"];
}

function ask(path: string, token: string, method = "GET", body?: string): Promise<{ status: number; json: Json }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const asked = httpsRequest({ host: "127.0.0.1", port, path, method, ca: authority.certificate, headers });
    asked.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, json: JSON.parse(text) as Json }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const podOf = (name: string, more: Json = {}): Json => ({
  metadata: { name },
  spec: { serviceAccountName: "web", containers: [{ name: "a", image: "i" }], ...more },
});
const boundTo = (kind: string, name: string, uid?: string): TokenRequestSpec => ({
  boundObjectRef: { apiVersion: "v1", kind, name, ...(uid === undefined ? {} : { uid }) },
});

describe("a token request", () => {
  it("is answered with a token of an hour for the API servers", async () => {
    const answer = await order("web");
    expect(answer).toMatchObject({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name: "web", namespace: "default" },
      spec: { audiences: [ISSUER], expirationSeconds: 3_600, boundObjectRef: null },
    });
    const claims = decodeJwt(answer["status"].token as string);
    const { uid } = answer["metadata"] as Json;
    expect(claims).toEqual({
      aud: [ISSUER],
      exp: Number(claims.iat) + 3_600,
      iat: claims.iat,
      iss: ISSUER,
      jti: expect.any(String) as string,
      "kubernetes.io": { namespace: "default", serviceaccount: { name: "web", uid } },
      nbf: claims.iat,
      sub: "system:serviceaccount:default:web",
    });
    expect(Date.parse(answer["status"].expirationTimestamp as string)).toBe(Number(claims.exp) * 1_000);
  });

  it.each<[string, TokenRequestSpec, Json, string]>([
    [
      "web",
      { expirationSeconds: 10 },
      {},
      '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
    ],
    [
      "web",
      { expirationSeconds: 99_999_999_999 },
      {},
      '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 99999999999: may not specify a duration larger than 2^32 seconds',
    ],
    [
      "web",
      { attestations: { a: ["b"] } },
      {},
      '422 TokenRequest.authentication.k8s.io "" is invalid: spec.attestations: Invalid value: {"a":["b"]}: attestations may only be specified with a webhook bound object reference',
    ],
    [
      "web",
      {},
      { name: "x" },
      '422 TokenRequest.authentication.k8s.io "web" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified',
    ],
    [
      "web",
      {},
      { namespace: "x" },
      "400 the namespace of the provided object does not match the namespace sent on the request",
    ],
    ["nope", {}, {}, '404 serviceaccounts "nope" not found'],
    ["web", boundTo("Pod", "nope"), {}, '404 pods "nope" not found'],
    ["web", boundTo("Node", "nope"), {}, '404 nodes "nope" not found'],
    ["web", boundTo("Secret", "nope"), {}, '404 secrets "nope" not found'],
    ["web", boundTo("ConfigMap", "nope"), {}, "400 cannot bind token to object of type /v1, Kind=ConfigMap"],
    ["web", { boundObjectRef: {} }, {}, "400 cannot bind token to object of type /, Kind="],
    [
      "web",
      { boundObjectRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } },
      {},
      "400 cannot bind token to object of type apps/v1, Kind=Deployment",
    ],
  ])("for %s with %j and %j is refused in kube-apiserver's words", async (account, spec, metadata, words) => {
    expect(await refusal(order(account, spec, metadata))).toBe(words);
  });

  it("binds to a pod of that account and that uid only, and names its node", async () => {
    await create("nodes", { metadata: { name: "n" } });
    const node = { name: "n", uid: (await ask("/api/v1/nodes/n", "secret")).json["metadata"].uid as string };
    const { uid } = (await create("pods", podOf("bound", { nodeName: "n" })))["metadata"] as Json;
    await create("serviceaccounts", { metadata: { name: "other" } });
    expect(await refusal(order("other", boundTo("Pod", "bound")))).toBe(
      '400 cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.',
    );
    expect(await refusal(order("web", boundTo("Pod", "bound", "abc")))).toBe(
      '409 Operation cannot be fulfilled on Pod "bound": the UID in the bound object reference (abc) does not match the UID in record. The object might have been deleted and then recreated',
    );
    const claims = decodeJwt(await tokenOf("web", boundTo("Pod", "bound", uid as string)));
    expect(claims["kubernetes.io"]).toMatchObject({ node, pod: { name: "bound", uid } });
  });

  it("of a pod's own volume lives for a year, and says after what it should have been read anew", async () => {
    await create("pods", podOf("long"));
    const answer = await order("web", { ...boundTo("Pod", "long"), expirationSeconds: 3_607 });
    const { exp, iat, ...claims } = decodeJwt(answer["status"].token as string);
    expect(exp).toBe(Number(iat) + 365 * 24 * 3_600);
    expect(claims["kubernetes.io"]).toMatchObject({ warnafter: Number(iat) + 3_607 });
    expect(Date.parse(answer["status"].expirationTimestamp as string)).toBe((Number(iat) + 3_607) * 1_000);
    const elsewhere = { ...boundTo("Pod", "long"), expirationSeconds: 3_607, audiences: ["x"] };
    const short = decodeJwt(await tokenOf("web", elsewhere));
    expect(Number(short.exp) - Number(short.iat)).toBe(3_607);
    const both = decodeJwt(await tokenOf("web", { ...elsewhere, audiences: [ISSUER, "x"] }));
    expect(Number(both.exp) - Number(both.iat)).toBe(3_607);
  });
});

describe("the token of an account", () => {
  it("lets it in at the door, with its groups and what it is bound to", async () => {
    const { uid: podUid } = (await create("pods", podOf("caller")))["metadata"] as Json;
    const token = await tokenOf("web", boundTo("Pod", "caller"));
    const { json } = await ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", token, "POST", "{}");
    const { jti } = decodeJwt(token);
    const user = {
      username: "system:serviceaccount:default:web",
      uid: expect.any(String) as string,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: {
        "authentication.kubernetes.io/credential-id": [`JTI=${jti}`],
        "authentication.kubernetes.io/pod-name": ["caller"],
        "authentication.kubernetes.io/pod-uid": [podUid],
      },
    };
    expect(json["status"].userInfo).toEqual(user);
    expect(await review(token)).toEqual({ authenticated: true, user, audiences: [ISSUER] });
    expect((await review(token, ["z", ISSUER]))["audiences"]).toEqual([ISSUER]);
    expect((await ask("/api/v1/namespaces/default/pods", token)).json["kind"]).toBe("PodList");
  });

  it("is no longer good when its pod, its Secret, its node or its account is another one, or is gone", async () => {
    await create("pods", podOf("gone"));
    await create("secrets", { metadata: { name: "gone" } });
    await create("nodes", { metadata: { name: "gone" } });
    await create("serviceaccounts", { metadata: { name: "gone" } });
    const pod = await tokenOf("web", boundTo("Pod", "gone"));
    const secret = await tokenOf("web", boundTo("Secret", "gone"));
    const node = await tokenOf("web", boundTo("Node", "gone"));
    const account = await tokenOf("gone");
    for (const token of [pod, secret, node, account]) expect((await ask("/api", token)).status).toBe(200);
    await Promise.all(["pods", "secrets", "nodes", "serviceaccounts"].map((resource) => remove(resource, "gone")));
    for (const token of [pod, secret, node, account]) expect((await ask("/api", token)).status).toBe(401);
    const invalidated = "[invalid bearer token, service account token has been invalidated]";
    for (const token of [pod, secret, node]) {
      expect(await review(token)).toEqual({ user: {}, error: invalidated });
    }
    expect((await review(account))["error"]).toBe('[invalid bearer token, serviceaccounts "gone" not found]');
    const again = (await create("pods", podOf("gone")))["metadata"].uid as string;
    const { "kubernetes.io": own } = decodeJwt(pod) as Json;
    expect((await review(pod))["error"]).toBe(
      `[invalid bearer token, pod UID (${again}) does not match service account pod ref claim (${own.pod.uid})]`,
    );
  });

  it("is good at a server that has not heard of the account yet", async () => {
    const other = await startServer({ serviceAccounts }, undefined, server.etcd, tokenKeys);
    server.etcd.hold();
    await create("serviceaccounts", { metadata: { name: "new" } });
    const token = await tokenOf("new");
    const target = { group: "authentication.k8s.io", version: "v1", resource: "tokenreviews" };
    const looks = (): number => server.etcd.calls.get("readIndex") ?? 0;
    const before = looks();
    const asked = other.request({ verb: "create", target, object: { spec: { token } } as KubernetesObject });
    let isAnswered = false;
    void asked.then(() => (isAnswered = true));
    // It asks what a quorum has, or has not and knows all the same.
    await expect.poll(() => isAnswered || looks() > before).toBe(true);
    server.etcd.release();
    expect(await asked).toMatchObject({ status: { authenticated: true } });
    await other.stop();
  });

  it("is for its own audiences", async () => {
    const token = await tokenOf("web", { audiences: ["vault"] });
    expect((await ask("/api", token)).status).toBe(401);
    expect((await review(token))["error"]).toBe(
      `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${ISSUER}"]]`,
    );
    expect(await review(token, ["vault"])).toMatchObject({ authenticated: true, audiences: ["vault"] });
  });

  it("is refused when it has expired, is not valid yet, or was signed or issued by somebody else", async () => {
    const claims = decodeJwt(await tokenOf("web"));
    const signed = (more: object, key = rsa.privateKey): Promise<string> =>
      new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: "RS256" }).sign(key);
    const now = Math.floor(Date.now() / 1_000);
    expect(await review(await signed({}))).toMatchObject({ authenticated: true });
    expect((await review(await signed({ exp: now - 120 })))["error"]).toContain("service account token has expired");
    expect((await review(await signed({ nbf: now + 120 })))["error"]).toContain("is not valid yet");
    expect((await review(await signed({ iss: "https://elsewhere" })))["error"]).toBe("invalid bearer token");
    const stranger = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
    expect((await review(await signed({}, stranger)))["error"]).toBe(
      "[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]",
    );
    for (const token of ["garbage", "a.b.c", "..", "e30.e30.e30"]) {
      expect((await review(token))["error"]).toBe("invalid bearer token");
    }
  });

  it("is checked by others with the keys that are published", async () => {
    const { json: discovered } = await ask("/.well-known/openid-configuration", "secret");
    expect(discovered).toEqual({
      issuer: ISSUER,
      jwks_uri: `https://127.0.0.1:${port}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256", "RS256"],
    });
    const { json: keys } = await ask("/openid/v1/jwks", "secret");
    expect(keys["keys"].map(({ kty, use, d }: Json) => [kty, use, d])).toEqual([
      ["EC", "sig", undefined],
      ["RSA", "sig", undefined],
    ]);
    const { payload } = await jwtVerify(await tokenOf("web"), createLocalJWKSet(keys as never), { issuer: ISSUER });
    expect(payload.sub).toBe("system:serviceaccount:default:web");
  });
});
