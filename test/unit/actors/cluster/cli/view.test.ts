import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ActorStatus } from "../../../../../actors/cluster/cluster.ts";
import type { ViewState } from "../../../../../actors/cluster/cli/view.ts";
import { duration, renderView } from "../../../../../actors/cluster/cli/view.ts";
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";
import type { Node, Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const ROLES = ["etcd", "api-server", "scheduler", "controller-manager"];

function actorsOf(masters: number, workers: number): ActorStatus[] {
  const names = [
    "root",
    ...Array.from({ length: masters }, (_, i) => [`master-${i}`, ...ROLES.map((role) => `${role}-${i}`)]).flat(),
    ...Array.from({ length: workers }, (_, i) => [
      `worker-${i}`,
      ...["kubelet", "kube-proxy", "container-runtime"].map((role) => `worker-${i}/${role}`),
    ]).flat(),
  ];
  return names.map((name) => ({ name, state: "up", restarts: 0, inARow: 0 }));
}

function pod(name: string, ready: boolean): Pod {
  return {
    metadata: { name, namespace: "default", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { nodeName: "worker-0", containers: [{ name: "main", image: "nginx" }] },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [
        {
          name: "main",
          image: "nginx",
          imageID: "",
          ready,
          restartCount: 0,
          state: { running: { startedAt: "2026-01-01T00:00:01Z" } },
        },
      ],
    },
  };
}

const node = (name: string): Node => ({
  metadata: { name },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
const lease = (holderIdentity: string): Lease => ({ metadata: { name: "kube-scheduler" }, spec: { holderIdentity } });

function state(changes: Partial<ViewState> = {}): ViewState {
  return {
    server: "https://127.0.0.1:41233",
    kubeconfig: "inkube.kubeconfig",
    upMs: 62_000,
    nowMs: Date.parse("2026-01-01T00:01:00Z"),
    actors: actorsOf(3, 2),
    nodes: [node("worker-0")],
    pods: [pod("web-1", true), pod("web-2", false)],
    leases: [lease("scheduler-1")],
    etcdLeader: "etcd-2",
    history: ["00:00:59 etcd-0 is down (killed)"],
    ...changes,
  };
}

describe("the live view", () => {
  it("shows who is up, who leads, which nodes and pods are Ready, and what happened last", () => {
    const actors = actorsOf(3, 2).map((actor) =>
      actor.name === "etcd-0" ? { ...actor, state: "starting" as const, restarts: 1 } : actor,
    );
    expect(renderView(state({ actors }), { columns: 80, rows: 40 })).toEqual([
      "inkube  https://127.0.0.1:41233  up 1 m 02 s",
      "kubectl --kubeconfig inkube.kubeconfig get pods -A",
      "",
      "MASTER    ETCD          API-SERVER  SCHEDULER  CONTROLLER-MANAGER",
      "master-0  starting (1)  up          up         up",
      "master-1  up            up          leads      up",
      "master-2  leads         up          up         up",
      "",
      "WORKER    NODE      KUBELET  KUBE-PROXY  CONTAINER-RUNTIME  PODS",
      "worker-0  Ready     up       up          up                 2",
      "worker-1  NotReady  up       up          up                 0",
      "",
      "PODS 1 of 2 ready",
      "default/web-2  0/1  Running  0  worker-0",
      "default/web-1  1/1  Running  0  worker-0",
      "",
      "00:00:59 etcd-0 is down (killed)",
      "",
      "Ctrl-C stops the cluster.",
    ]);
  });

  it("fits any terminal, whatever it shows", () => {
    const cases = fc.record({
      columns: fc.integer({ min: 1, max: 200 }),
      rows: fc.integer({ min: 1, max: 100 }),
      workers: fc.integer({ min: 0, max: 50 }),
      pods: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(cases, ({ columns, rows, workers, pods }) => {
        const many = Array.from({ length: pods }, (_, i) => pod(`a-pod-with-a-rather-long-name-${i}`, i % 3 > 0));
        const lines = renderView(state({ actors: actorsOf(3, workers), pods: many }), { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }),
      { numRuns: 200 },
    );
  });

  it("says how many pods it leaves out", () => {
    const pods = Array.from({ length: 100 }, (_, i) => pod(`web-${i}`, true));
    const lines = renderView(state({ pods }), { columns: 80, rows: 30 });
    const shown = lines.filter((line) => line.startsWith("default/web-")).length;
    expect(lines).toContain(`… and ${100 - shown} more pods`);
    expect(lines.at(-1)).toBe("Ctrl-C stops the cluster.");
  });

  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1_500, "1.5 s"],
    [59_000, "59 s"],
    [61_000, "1 m 01 s"],
    [3_600_000 * 26, "26 h 00 m"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
