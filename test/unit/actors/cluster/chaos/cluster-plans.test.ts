/** Which pods and nodes of a run can suffer without the end being another whatever a controller does, and from when on. */
import { describe, expect, it } from "vitest";
import { clusterPlans, sufferersIn } from "../../../../../actors/cluster/chaos/cluster-plans.ts";
import { History } from "../../../../../actors/cluster/chaos/history.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const encoder = new TextEncoder();
const BEGAN_MS = 10;

type Metadata = NonNullable<Pod["metadata"]>;

/** Pods that are created, bound and run, one after the other, as the API servers and etcd tell of them. */
class Run {
  readonly history = new History(["operator"]);
  private revision = 0;
  private atMs = 0;

  constructor() {
    this.history.beganMs = BEGAN_MS;
  }

  write(by: string, verb: "create" | "patch", pod: Pod, subresource?: string): void {
    const { name = "", namespace = "" } = pod.metadata ?? {};
    const [revision, atMs] = [++this.revision, ++this.atMs];
    const at = { resource: "pods", namespace, name, ...(subresource === undefined ? {} : { subresource }) };
    this.history.request({ atMs, by, verb, code: 201, revision, cause: "", ...at });
    this.history.wrote(revision, by === "operator" ? "inkube:operator" : by);
    const value = encoder.encode(JSON.stringify({ apiVersion: "v1", kind: "Pod", ...pod }));
    const version = verb === "create" && subresource === undefined ? 1 : 2;
    const kv = { key: `/registry/pods/${namespace}/${name}`, value, createRevision: 1, modRevision: revision, version };
    this.history.take({ header: { revision } as never, events: [{ type: "put", kv: { ...kv, lease: "0" } }] }, atMs);
  }

  pod(by: string, name: string, node: string, more: Metadata = {}): this {
    const metadata = { name, namespace: "default", uid: `uid-${name}`, ...more };
    const spec = { containers: [{ name: "main", image: `${name.split("-")[0]}:1` }] };
    this.write(by, "create", { metadata, spec });
    const bound = { ...spec, nodeName: node };
    this.write("scheduler", "create", { metadata, spec: bound }, "binding");
    this.write(`${node}/kubelet`, "patch", { metadata, spec: bound, status: { phase: "Pending" } }, "status");
    this.write(`${node}/kubelet`, "patch", { metadata, spec: bound, status: { phase: "Running" } }, "status");
    this.write(`${node}/kubelet`, "patch", { metadata, spec: bound, status: { phase: "Running" } }, "status");
    return this;
  }

  at(atMs: number): this {
    this.atMs = atMs;
    return this;
  }
}

const owned = (kind: string): Metadata => ({
  ownerReferences: [{ apiVersion: "v1", kind, name: "x", uid: "x", controller: true }],
});

describe("the sufferers of a run", () => {
  it("are pods that a controller under test made, from the first write on that tells that one runs", () => {
    const { history } = new Run().at(BEGAN_MS).pod("operator", "db-0", "worker-0").pod("operator", "db-1", "worker-0");
    expect(sufferersIn(history, ["operator"])).toEqual({
      pods: [0, 1].map((index) => ({
        name: `default/db-${index}`,
        image: "db:1",
        created: { on: "write", phase: "before", verb: "create", of: `pods/default/db-${index}` },
        runs: { on: "write", phase: "after", verb: "patch", of: `pods/default/db-${index}`, nth: 2 },
      })),
      nodes: [
        {
          name: "worker-0",
          runs: { on: "write", phase: "after", verb: "patch", of: "pods/default/db-1", nth: 2 },
        },
      ],
      sparedNodes: [],
    });
  });

  it("are one for all pods of a generated name, counted among all of that name", () => {
    const web = { generateName: "web-", ...owned("ReplicaSet") };
    const { history } = new Run()
      .at(BEGAN_MS)
      .pod("controller-manager", "web-aaaaa", "worker-0", web)
      .pod("controller-manager", "web-bbbbb", "worker-1", web);
    const { pods, nodes } = sufferersIn(history, ["operator"]);
    expect(pods.map(({ name, runs }) => [name, runs.nth])).toEqual([["default/web-*", 2]]);
    expect(nodes.map(({ name, runs }) => [name, runs.nth])).toEqual([
      ["worker-0", 2],
      ["worker-1", 5],
    ]);
  });

  it.each<[string, string, Metadata]>([
    ["the workload made, and nobody else would", "kubernetes-admin", {}],
    ["belong to a Job, which counts those that fail", "controller-manager", owned("Job")],
  ])("are not those that %s, nor the nodes where they run", (_what, by, more) => {
    const { history } = new Run()
      .at(BEGAN_MS)
      .pod("operator", "db-0", "worker-0")
      .pod(by, "other", "worker-0", more)
      .pod("operator", "db-1", "worker-1");
    const found = sufferersIn(history, ["operator"]);
    expect(found.pods.map(({ name }) => name)).toEqual(["default/db-0", "default/db-1"]);
    expect(found.nodes.map(({ name }) => name)).toEqual(["worker-1"]);
    expect(clusterPlans(found).pruned.map(({ pattern, place }) => `${pattern} ${place}`)).toEqual([
      "node-loss node worker-0",
      "node-drain node worker-0",
      "memory-pressure node worker-0",
      "node-upgrade node worker-0",
    ]);
  });

  it("are not those of before the workload, nor those that never ran", () => {
    const run = new Run().pod("operator", "old", "worker-0").at(BEGAN_MS);
    run.write("operator", "create", { metadata: { name: "stuck", namespace: "default", uid: "s" } });
    expect(sufferersIn(run.history, ["operator"])).toEqual({ pods: [], nodes: [], sparedNodes: [] });
    expect(clusterPlans({ pods: [], nodes: [], sparedNodes: [] })).toEqual({ plans: [], pruned: [] });
  });
});
