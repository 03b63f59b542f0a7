/** Bootstrap tokens, as "Authenticating with Bootstrap Tokens" of Kubernetes has them. */
import { expect, it } from "vitest";
import {
  bootstrapToken,
  secretOfToken,
  userOfBootstrapToken,
} from "../../../../../actors/api-server/core/tokens/bootstrap-token.ts";

const NOW_MS = Date.parse("2026-11-29T12:00:00Z");
const token = bootstrapToken("abcdef.0123456789abcdef")!;
const DATA: Readonly<Record<string, string>> = {
  "token-id": "abcdef",
  "token-secret": "0123456789abcdef",
  expiration: "2026-11-29T12:00:01Z",
  "usage-bootstrap-authentication": "true",
  "auth-extra-groups": "system:bootstrappers:a,system:bootstrappers:kubeadm:default-node-token",
};

function userWith(changes: Readonly<Record<string, string | undefined>>, type = "bootstrap.kubernetes.io/token") {
  const data = Object.entries({ ...DATA, ...changes }).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, btoa(text)] as const],
  );
  return userOfBootstrapToken(token, { type, data: Object.fromEntries(data) }, NOW_MS);
}

it.each([
  "abcdef.0123456789abcde",
  "ABCDEF.0123456789abcdef",
  "abcdef0123456789abcdef",
  "abcdef.0123456789abcdef0",
  "",
])("is none: %j", (text) => expect(bootstrapToken(text)).toBeUndefined());

it("names the Secret that it stands or falls with", () => {
  expect(secretOfToken(token)).toBe("kube-system/bootstrap-token-abcdef");
});

it("is system:bootstrap:ID, in its Secret's groups", () => {
  const extra = ["system:bootstrappers:a", "system:bootstrappers:kubeadm:default-node-token"];
  expect(userWith({})).toEqual({
    user: "system:bootstrap:abcdef",
    groups: ["system:bootstrappers", ...extra, "system:authenticated"],
  });
  const { groups } = userWith({ "auth-extra-groups": undefined, expiration: undefined })!;
  expect(groups).toEqual(["system:bootstrappers", "system:authenticated"]);
});

it.each([
  ["another secret", { "token-secret": "0123456789abcdee" }],
  ["a secret that begins like it", { "token-secret": "0123456789abcde" }],
  ["another id", { "token-id": "abcdeg" }],
  ["an end that has come", { expiration: "2026-11-29T12:00:00Z" }],
  ["an end that is no time", { expiration: "tomorrow" }],
  ["another use", { "usage-bootstrap-authentication": "false" }],
  ["no use", { "usage-bootstrap-authentication": undefined }],
  ["a group that is none of bootstrappers", { "auth-extra-groups": "system:masters" }],
])("is nobody with %s", (_what, changes) => expect(userWith(changes)).toBeUndefined());

it("is nobody by a Secret of another type, one that is being deleted, or none", () => {
  expect(userWith({}, "Opaque")).toBeUndefined();
  expect(userOfBootstrapToken(token, undefined, NOW_MS)).toBeUndefined();
  const data = Object.fromEntries(Object.entries(DATA).map(([name, text]) => [name, btoa(text)]));
  const metadata = { deletionTimestamp: "2026-11-29T11:59:59Z" };
  const kept = { type: "bootstrap.kubernetes.io/token", data, metadata };
  expect(userOfBootstrapToken(token, kept, NOW_MS)).toBeUndefined();
});
