import { describe, expect, it } from "vitest";
import { FLOW_SCHEMAS } from "../../../../../actors/api-server/core/bootstrap/flow-control.ts";
import { Classification, distinguisher } from "../../../../../actors/api-server/core/flow/classification.ts";
import type { UserInfo } from "../../../../../actors/api-server/core/identity.ts";
import { splitPath } from "../../../../../actors/api-server/core/rest/path.ts";
import { parseQuery } from "../../../../../actors/api-server/core/rest/query.ts";
import type { RequestInfo } from "../../../../../actors/api-server/core/rest/request-info.ts";
import { isUncounted, requestInfo } from "../../../../../actors/api-server/core/rest/request-info.ts";
import type { FlowSchema } from "../../../../../protocols/kubernetes/types/flowcontrol-v1.ts";

const AUTHENTICATED = "system:authenticated";
const initial: readonly FlowSchema[] = Object.entries(FLOW_SCHEMAS).map(([name, spec]) => ({
  metadata: { name },
  spec,
}));

function info(request: string): RequestInfo {
  const [method = "", url = ""] = request.split(" ");
  const [path = "", query = ""] = url.split("?");
  return requestInfo(method, { path, segments: splitPath(path) }, parseQuery(query));
}

function user(name: string, ...groups: readonly string[]): UserInfo {
  return { user: name, groups: [...groups, AUTHENTICATED] };
}

describe("what a request is about", () => {
  const lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n";
  it.each([
    ["GET /healthz", "get", undefined],
    ["GET /api/v1", "get", undefined],
    ["GET /apis/apps/v1", "get", undefined],
    ["GET /api/v1/pods", "list", { group: "", name: "pods", namespace: "" }],
    ["GET /api/v1/pods?watch=1", "watch", { group: "", name: "pods", namespace: "" }],
    ["GET /api/v1/watch/namespaces/a/pods", "watch", { group: "", name: "pods", namespace: "a" }],
    ["HEAD /api/v1/nodes/n", "get", { group: "", name: "nodes", namespace: "" }],
    ["PATCH /api/v1/nodes/n/status", "patch", { group: "", name: "nodes/status", namespace: "" }],
    ["GET /api/v1/namespaces/a", "get", { group: "", name: "namespaces", namespace: "a" }],
    ["PUT /api/v1/namespaces/a/finalize", "update", { group: "", name: "namespaces/finalize", namespace: "a" }],
    [`PUT ${lease}`, "update", { group: "coordination.k8s.io", name: "leases", namespace: "kube-node-lease" }],
    ["DELETE /apis/a.b/v1/widgets", "deletecollection", { group: "a.b", name: "widgets", namespace: "" }],
  ])("%s", (request, verb, resource) => {
    expect(info(request)).toMatchObject({ verb, resource });
  });

  it("may last, and is not counted then", () => {
    const pod = "/api/v1/namespaces/a/pods/p";
    const uncounted = [`GET ${pod}/log`, `POST ${pod}/exec`, "GET /api/v1/nodes/n/proxy/a"];
    expect(uncounted.map((each) => isUncounted(info(each)))).toEqual([true, true, true]);
    expect([`GET ${pod}`, "GET /api/v1/pods?watch=1", "GET /proxy/log"].some((each) => isUncounted(info(each)))).toBe(
      false,
    );
  });
});

describe("the schema of a request", () => {
  const classification = new Classification(initial);
  // As kube-apiserver 1.37.1 classifies them.
  it.each([
    ["exempt", "admin", ["system:masters"], "GET /api/v1/pods"],
    ["probes", "anybody", [], "GET /readyz"],
    ["global-default", "anybody", [], "GET /readyz/ping"],
    ["global-default", "anybody", [], "GET /api/v1/pods"],
    ["service-accounts", "system:serviceaccount:a:b", ["system:serviceaccounts"], "GET /api/v1/pods"],
    ["probes", "system:serviceaccount:a:b", ["system:serviceaccounts"], "GET /healthz"],
    ["kube-system-service-accounts", "system:serviceaccount:kube-system:b", ["system:serviceaccounts"], "GET /api"],
    ["system-leader-election", "system:kube-scheduler", [], "PUT /apis/coordination.k8s.io/v1/namespaces/a/leases/x"],
    ["kube-scheduler", "system:kube-scheduler", [], "DELETE /apis/coordination.k8s.io/v1/namespaces/a/leases/x"],
    ["system-node-high", "system:node:n", ["system:nodes"], "PATCH /api/v1/nodes/n/status"],
    ["system-node-high", "system:node:n", ["system:nodes"], "PUT /apis/coordination.k8s.io/v1/namespaces/a/leases/n"],
    ["system-nodes", "system:node:n", ["system:nodes"], "GET /api/v1/pods"],
  ])("is %s for what %s asks: %s %s", (schema, name, groups, request) => {
    const found = classification.of(user(name, ...groups), () => info(request));
    expect(found?.schema.metadata?.name).toBe(schema);
  });

  it("is that of an anonymous client, too", () => {
    const nobody = { user: "system:anonymous", groups: ["system:unauthenticated"] };
    expect(classification.of(nobody, () => info("GET /api"))?.schema.metadata?.name).toBe("global-default");
  });

  it("is found without looking at the request, of a user all of whose requests it takes", () => {
    const never = (): never => expect.unreachable("looked at");
    expect(classification.of(user("admin", "system:masters"), never)?.schema.metadata?.name).toBe("exempt");
  });

  it("goes by the user's groups of this time", () => {
    classification.of(user("admin", "system:masters"), () => info("GET /api"));
    expect(classification.of(user("admin"), () => info("GET /api"))?.schema.metadata?.name).toBe("global-default");
  });

  it("tells flows apart by user or by namespace", () => {
    const request = (): RequestInfo => info("GET /api/v1/namespaces/a/pods");
    const of = (who: UserInfo): string => distinguisher(classification.of(who, request)!, request);
    expect(of(user("anybody"))).toBe("anybody");
    expect(of(user("system:kube-scheduler"))).toBe("a");
    expect(of(user("admin", "system:masters"))).toBe("");
  });

  it("is of those that match the first by precedence, then by name", () => {
    const rules = FLOW_SCHEMAS["global-default"]!.rules!;
    const schema = (name: string, matchingPrecedence: number): FlowSchema => ({
      metadata: { name },
      spec: { priorityLevelConfiguration: { name: "global-default" }, matchingPrecedence, rules },
    });
    const mine = new Classification([...initial, schema("b", 200), schema("a", 200), schema("z", 100)]);
    expect(mine.of(user("anybody"), () => info("GET /api"))?.schema.metadata?.name).toBe("z");
    const without = new Classification([schema("b", 200), schema("a", 200)]);
    expect(without.of(user("anybody"), () => info("GET /api"))?.schema.metadata?.name).toBe("a");
  });
});
