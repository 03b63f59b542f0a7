import { describe, expect, it } from "vitest";
import { ClusterState } from "../../../../../../actors/cluster/simulation/checks/cluster-state.ts";
import type { Deployment } from "../../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Node, Pod, Service } from "../../../../../../protocols/kubernetes/types/core-v1.ts";

function service(clusterIP: string, nodePort: number): Service {
  return { kind: "Service", spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, nodePort }] } };
}

function pod(nodeName: string, podIP: string, ready: "True" | "False" = "True"): Pod {
  const status = { podIP, conditions: [{ type: "Ready", status: ready }] };
  return { kind: "Pod", metadata: { name: "p" }, spec: { nodeName, containers: [] }, status };
}

function owned(name: string): Pod {
  const ownerReferences = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "u", controller: true }];
  return { kind: "Pod", metadata: { name, ownerReferences }, spec: { containers: [] } };
}

const replicaSet = (replicas: number): object => ({ kind: "ReplicaSet", metadata: { uid: "u" }, spec: { replicas } });

function deployment(strategy: object, replicas: number, availableReplicas: number): Deployment {
  const conditions = [{ type: "Available", status: "True" }];
  return {
    kind: "Deployment",
    metadata: { name: "d", generation: 3 },
    spec: { replicas, strategy, selector: {}, template: {} },
    status: { observedGeneration: 3, availableReplicas, conditions },
  } as unknown as Deployment;
}

function state(...objects: readonly (readonly [string, object | undefined, number?])[]): () => void {
  return () => {
    const checked = new ClusterState();
    for (const [key, object, atMs = 0] of objects) checked.set(key, object, atMs);
  };
}

describe("the state of the cluster", () => {
  it("has each cluster IP and node port once", () => {
    const first = ["a", service("10.0.0.1", 30_000)] as const;
    expect(state(first, ["b", service("10.0.0.2", 30_001)])).not.toThrow();
    expect(state(first, ["a", undefined], ["b", service("10.0.0.1", 30_000)])).not.toThrow();
    expect(state(first, ["b", service("10.0.0.1", 30_001)])).toThrow("a both have cluster IP 10.0.0.1");
    expect(state(first, ["b", service("10.0.0.2", 30_000)])).toThrow("a both have node port 30000/TCP");
    expect(state(["a", service("None", 0)], ["b", service("None", 0)])).not.toThrow();
  });

  it("has each address of a node at one ready pod", () => {
    expect(state(["a", pod("n", "1.1")], ["b", pod("m", "1.1")])).not.toThrow();
    expect(state(["a", pod("n", "1.1", "False")], ["b", pod("n", "1.1")])).not.toThrow();
    expect(state(["a", pod("n", "1.1")], ["b", pod("n", "1.1")])).toThrow("are Ready at 1.1 on n");
  });

  it("has no more pods of a ReplicaSet than it asks for, or asked for a moment ago", () => {
    const pods = [
      ["p1", owned("p1"), 10],
      ["p2", owned("p2"), 10],
    ] as const;
    expect(state(["r", replicaSet(2)], ...pods)).not.toThrow();
    expect(state(["r", replicaSet(2)], ["r", replicaSet(1), 5], ...pods)).not.toThrow();
    expect(state(["r", replicaSet(1)], ...pods)).toThrow("p2 is the 2th pod of a ReplicaSet that asks for 1");
    expect(
      state(["r", replicaSet(2)], ["r", replicaSet(1), 5], ["p1", owned("p1"), 9_000], ["p2", owned("p2"), 9_000]),
    ).toThrow("asks for 1");
  });

  it("has no pod that stays unready on a Ready node with all containers ready", () => {
    const said = { name: "c", image: "i", imageID: "i", restartCount: 0 };
    const containerStatuses = [{ ...said, ready: true }];
    const conditions = [{ type: "Ready", status: "False" }];
    const unready: Pod = {
      kind: "Pod",
      spec: { nodeName: "n", containers: [{ name: "c" }] },
      status: { phase: "Running", conditions, containerStatuses },
    };
    const waiting = [{ ...said, ready: false }];
    const starting: Pod = { ...unready, status: { ...unready.status, containerStatuses: waiting } };
    const node: Node = {
      kind: "Node",
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    };
    const checked = new ClusterState();
    checked.set("p", unready, 0);
    expect(() => checked.checkOverdue(60_000)).not.toThrow();
    checked.set("n", node, 30_000);
    expect(() => checked.checkOverdue(49_000)).not.toThrow();
    expect(() => checked.checkOverdue(51_000)).toThrow("p is unready for 21000 ms on a Ready node");
    checked.set("p", starting, 51_000);
    expect(() => checked.checkOverdue(90_000)).not.toThrow();
  });

  it("has no container that is said to run long after it has ended by itself", () => {
    const running = (containerID: string): Pod => ({
      kind: "Pod",
      metadata: { annotations: { "inkube.dev/simulated-exit-after-ms": "5000" } },
      spec: { nodeName: "n", containers: [] },
      status: {
        containerStatuses: [
          { name: "c", image: "i", imageID: "i", ready: true, restartCount: 0, containerID, state: { running: {} } },
        ],
      },
    });
    const node: Node = {
      kind: "Node",
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    };
    const checked = new ClusterState();
    checked.set("n", node, 0);
    checked.set("p", running("a"), 1_000);
    checked.set("p", running("a"), 4_000);
    expect(() => checked.checkOverdue(26_000)).not.toThrow();
    expect(() => checked.checkOverdue(26_001)).toThrow("p is said to run a, which has ended at 6000 ms");
    checked.set("p", running("b"), 26_001);
    expect(() => checked.checkOverdue(51_001)).not.toThrow();
    expect(() => checked.checkOverdue(51_002)).toThrow("p is said to run b");
  });

  it("has no Deployment that is Available with too few pods", () => {
    const rolling = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
    expect(state(["d", deployment(rolling, 3, 2)])).not.toThrow();
    expect(state(["d", deployment(rolling, 3, 1)])).toThrow("Available with 1 available pods of at least 2");
    expect(state(["d", deployment({ type: "RollingUpdate" }, 4, 3)])).not.toThrow();
    expect(state(["d", deployment({ type: "Recreate" }, 2, 2)])).not.toThrow();
    expect(state(["d", deployment({ type: "Recreate" }, 2, 1)])).toThrow(
      "Available with 1 available pods of at least 2",
    );
  });
});
