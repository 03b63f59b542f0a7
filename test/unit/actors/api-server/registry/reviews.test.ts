import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ tokens: [{ token: "secret", user: "jane", groups: ["devs"] }] });
});
afterAll(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
});

function review(group: string, resource: string, spec: object, namespace?: string): Promise<KubernetesObject> {
  const where = namespace === undefined ? {} : { namespace };
  const target = { group: `${group}.k8s.io`, version: "v1", resource, ...where };
  return server.request({ verb: "create", target, object: { spec } as KubernetesObject });
}

async function causes(asked: Promise<unknown>): Promise<readonly string[]> {
  const status = await asked.then(
    () => undefined,
    (error: unknown) => statusOf(error),
  );
  return (status?.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
}

const PODS = { resourceAttributes: { resource: "pods", verb: "list", namespace: "default" } };

describe("a review", () => {
  it("says who asks", async () => {
    expect(await review("authentication", "selfsubjectreviews", {})).toMatchObject({
      kind: "SelfSubjectReview",
      status: {
        userInfo: { username: expect.any(String), groups: expect.arrayContaining(["system:authenticated"]) as unknown },
      },
    });
  });

  it("says whose a token is, or that it is nobody's", async () => {
    expect(await review("authentication", "tokenreviews", { token: "secret" })).toMatchObject({
      status: {
        authenticated: true,
        user: { username: "jane", groups: ["devs", "system:authenticated"] },
        audiences: ["https://kubernetes.default.svc.cluster.local"],
      },
    });
    expect(await review("authentication", "tokenreviews", { token: "secret", audiences: ["a"] })).toMatchObject({
      status: { user: {}, error: "invalid bearer token" },
    });
    const unknown = await review("authentication", "tokenreviews", { token: "guessed" });
    expect(unknown).toMatchObject({ status: { error: "invalid bearer token" } });
    expect((unknown as { readonly status?: { readonly authenticated?: boolean } }).status?.authenticated).not.toBe(
      true,
    );
  });

  it("says that who is known may do everything, and that nobody else may", async () => {
    expect(await review("authorization", "selfsubjectaccessreviews", PODS)).toMatchObject({
      status: { allowed: true },
    });
    expect(await review("authorization", "subjectaccessreviews", { ...PODS, user: "jane" })).toMatchObject({
      status: { allowed: true },
    });
    expect(await review("authorization", "subjectaccessreviews", { ...PODS, user: "system:anonymous" })).toMatchObject({
      status: { allowed: false },
    });
    const local = await review("authorization", "localsubjectaccessreviews", { ...PODS, user: "jane" }, "default");
    expect(local).toMatchObject({ metadata: { namespace: "default" }, status: { allowed: true } });
    expect(await review("authorization", "selfsubjectrulesreviews", { namespace: "default" })).toMatchObject({
      status: { resourceRules: [{ verbs: ["*"] }], incomplete: false },
    });
  });

  it("is refused where it does not say what is asked, in kube-apiserver's words", async () => {
    expect(await causes(review("authorization", "selfsubjectaccessreviews", {}))).toEqual([
      "spec: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    ]);
    expect(await causes(review("authorization", "subjectaccessreviews", PODS))).toEqual([
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ]);
    const elsewhere = review("authorization", "localsubjectaccessreviews", { ...PODS, user: "jane" }, "kube-system");
    expect(await causes(elsewhere)).toEqual([
      'spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
    ]);
    await expect(review("authentication", "tokenreviews", {})).rejects.toMatchObject({ details: { code: 400 } });
  });

  it("is stored nowhere", async () => {
    const target = { group: "authentication.k8s.io", version: "v1", resource: "tokenreviews" };
    await expect(server.request({ verb: "list", target })).rejects.toMatchObject({ details: { code: 405 } });
  });
});
