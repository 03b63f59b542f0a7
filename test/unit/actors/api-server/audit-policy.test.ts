/** Which rule of an audit policy a request falls under, and what is wrong with one. Source: apiserver `pkg/audit/policy`, `pkg/apis/audit/validation`. */
import { describe, expect, it } from "vitest";
import type { AuditedRequest, AuditPolicy } from "../../../../actors/api-server/core/audit/policy.ts";
import { AuditRules, readPolicy } from "../../../../actors/api-server/core/audit/policy.ts";
import { told } from "../../../../actors/api-server/core/audit/event.ts";

const HEAD = { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
const JANE = { user: "jane", groups: ["admins", "system:authenticated"] };
const POD = { group: "", version: "v1", resource: "pods", subresource: "", namespace: "shop", name: "web" };

const about = (resource: Partial<typeof POD>, verb = "get"): AuditedRequest => ({
  verb,
  path: "",
  resource: { ...POD, ...resource },
});
const at = (path: string): AuditedRequest => ({ verb: "get", path, resource: undefined });

describe("a rule of an audit policy", () => {
  const deployments = { group: "apps", resource: "deployments", name: "web" };
  it.each<[object, AuditedRequest, boolean]>([
    [{}, about({}), true],
    [{ users: ["jane"] }, about({}), true],
    [{ users: ["joe"] }, about({}), false],
    [{ userGroups: ["none", "admins"] }, about({}), true],
    [{ userGroups: ["none"] }, about({}), false],
    [{ verbs: ["watch"] }, about({}, "watch"), true],
    [{ verbs: ["watch"] }, about({}), false],
    [{ namespaces: ["shop"] }, about({}), true],
    [{ namespaces: ["shop"] }, about({ namespace: "" }), false],
    [{ namespaces: [""] }, about({ namespace: "" }), true],
    [{ namespaces: ["shop"] }, at("/healthz"), false],
    [{ resources: [{}] }, about({}), true],
    [{ resources: [{}] }, about(deployments), false],
    [{ resources: [{ group: "apps" }] }, about(deployments), true],
    [{ resources: [{ resources: ["pods"] }] }, about({ subresource: "log" }), false],
    [{ resources: [{ resources: ["pods/log"] }] }, about({ subresource: "log" }), true],
    [{ resources: [{ resources: ["pods/*"] }] }, about({ subresource: "log" }), true],
    [{ resources: [{ resources: ["*/log"] }] }, about({ subresource: "log" }), true],
    [{ resources: [{ resources: ["*"] }] }, about({ subresource: "log" }), true],
    [{ resources: [{ resources: ["*/log"] }] }, about({}), false],
    [{ resources: [{ resources: ["pods"], resourceNames: ["web"] }] }, about({}), true],
    [{ resources: [{ resources: ["pods"], resourceNames: ["db"] }] }, about({}), false],
    [{ nonResourceURLs: ["/healthz"] }, at("/healthz"), true],
    [{ nonResourceURLs: ["/healthz"] }, at("/healthz/etcd"), false],
    [{ nonResourceURLs: ["/healthz*"] }, at("/healthz/etcd"), true],
    [{ nonResourceURLs: ["*"] }, at("/any"), true],
    [{ nonResourceURLs: ["*"] }, about({}), false],
  ])("%j, of %j: %s", (rule, request, matches) => {
    const rules = new AuditRules({ rules: [{ level: "Metadata", ...rule }] } as AuditPolicy);
    expect(rules.termsFor(request, JANE).level).toBe(matches ? "Metadata" : "None");
  });

  it("is the first that matches, with the stages that it and the policy leave out", () => {
    const rules = new AuditRules({
      omitStages: ["RequestReceived"],
      omitManagedFields: true,
      rules: [
        { level: "Request", users: ["jane"], omitStages: ["Panic"], omitManagedFields: false },
        { level: "Metadata" },
      ],
    });
    const terms = rules.termsFor(about({}), JANE);
    expect([terms.level, [...terms.omitStages], terms.omitManagedFields]).toEqual([
      "Request",
      ["RequestReceived", "Panic"],
      false,
    ]);
    expect(rules.termsFor(about({}), undefined)).toMatchObject({ level: "Metadata", omitManagedFields: true });
  });
});

describe("an audit policy", () => {
  // As kube-apiserver 1.37 answered to this very file.
  it("is refused in kube-apiserver's words", () => {
    const policy = {
      ...HEAD,
      omitStages: ["Nope"],
      rules: [
        { level: "Wrong" },
        { users: ["a"] },
        { level: "None", nonResourceURLs: ["x", "/a*b"] },
        {
          level: "None",
          nonResourceURLs: ["/a"],
          namespaces: ["b"],
          resources: [{ group: "Upper_", resourceNames: ["x"] }],
          omitStages: ["Foo"],
        },
      ],
    };
    expect(readPolicy(policy)).toEqual({
      problem:
        `[omitStages[0]: Invalid value: "Nope": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic, ` +
        `rules[0].level: Unsupported value: "Wrong": supported values: "None", "Metadata", "Request", "RequestResponse", ` +
        `rules[1].level: Required value, ` +
        `rules[2].nonResourceURLs[0]: Invalid value: "x": non-resource URL rules must begin with a '/' character, ` +
        `rules[2].nonResourceURLs[1]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule, ` +
        `rules[3].resources.group: Invalid value: "Upper_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), ` +
        `rules[3].resources.resourceNames: Invalid value: ["x"]: using resourceNames requires at least one resource, ` +
        `rules[3].omitStages[0]: Invalid value: "Foo": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic, ` +
        `rules[3].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs]`,
    });
  });

  it.each<[unknown, string]>([
    [7, "a policy is a map"],
    [null, "a policy is a map"],
    [{ rules: [] }, 'no kind "" is registered for version ""'],
    [{ ...HEAD, kind: "Other" }, 'no kind "Other" is registered for version "audit.k8s.io/v1"'],
    [HEAD, "loaded illegal policy with 0 rules"],
    [{ ...HEAD, rules: 7 }, "rules must be a list"],
    [{ ...HEAD, rules: [7] }, "rules[0] must be a map"],
    [{ ...HEAD, rules: [{ level: "None", users: "jane" }] }, "rules[0].users must be a list of texts"],
    [
      { ...HEAD, rules: [{ level: "None", resources: [{ resource: "pods" }] }] },
      "rules[0].resources must be a list of",
    ],
    [
      { ...HEAD, foo: 1, rules: [{ level: "None", levle: 1 }] },
      'strict decoding error: unknown field "foo", unknown field "rules[0].levle"',
    ],
  ])("that is %j is refused", (value, problem) => {
    expect(readPolicy(value)).toEqual({ problem: expect.stringContaining(problem) as string });
  });

  it("is taken as it is when nothing is wrong with it", () => {
    const policy = { ...HEAD, metadata: { name: "a" }, rules: [{ level: "None" }] };
    expect(readPolicy(policy)).toEqual({ policy });
  });
});

describe("a body in the audit log", () => {
  const object = { metadata: { name: "a", managedFields: [{}] }, data: { a: "b" } };
  const bare = { metadata: { name: "a" }, data: { a: "b" } };
  it("has managedFields unless the policy leaves them out: of objects, lists and tables", () => {
    expect(told(object, POD, false)).toBe(object);
    expect(told(object, POD, true)).toEqual(bare);
    expect(told({ items: [object] }, POD, true)).toEqual({ items: [bare] });
    expect(told({ rows: [{ cells: [1], object }] }, POD, true)).toEqual({ rows: [{ cells: [1], object: bare }] });
    expect(told("text", POD, true)).toBe("text");
  });

  it("has no token that lets somebody in", () => {
    const token = { ...POD, resource: "serviceaccounts", subresource: "token" };
    expect(told({ status: { token: "secret", expirationTimestamp: "t" } }, token, false)).toEqual({
      status: { expirationTimestamp: "t" },
    });
    const review = { ...POD, group: "authentication.k8s.io", resource: "tokenreviews" };
    expect(told({ spec: { token: "secret", audiences: [] } }, review, false)).toEqual({ spec: { audiences: [] } });
  });
});
