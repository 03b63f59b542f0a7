import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SLOTS, addressesOf, nodeAddress, podRange } from "../../../../actors/cluster/addresses.ts";
import type { TopologyOptions } from "../../../../actors/cluster/topology.ts";
import {
  EMBEDDER,
  HEAP_LIMITS_MB,
  TRACE_COLLECTOR,
  heartbeat,
  makeTopology,
} from "../../../../actors/cluster/topology.ts";
import { checkSpec } from "../../../../runtime/supervisor/core/check-spec.ts";
import type { SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { actorsOf, isSupervisor } from "../../../../runtime/supervisor/spec.ts";
import { SUPERVISOR } from "../../../../runtime/trace/lives.ts";

function options(masters: number, workers: number): TopologyOptions {
  return {
    masters,
    workers,
    addresses: addressesOf(0),
    clusterId: "test",
    apiServer: { tokens: [], kubeletToken: "" },
    containerRuntime: {},
    kubelet: {},
    controllerManager: {},
    etcd: {},
  };
}

const rings = (names: readonly string[]): Record<string, SharedArrayBuffer> =>
  Object.fromEntries(names.map((name) => [name, new SharedArrayBuffer(64)]));

describe("the tree of a cluster", () => {
  it("is sound for any number of masters and workers, with and without a trace collector", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 5, 7),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        (masters, workers, traced) => {
          const tree = makeTopology({ ...options(masters, workers), ...(traced ? { rings } : {}) });
          checkSpec(tree, [EMBEDDER]);
          expect(actorsOf(tree)).toHaveLength(masters * 4 + workers * 3 + (traced ? 1 : 0));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("keeps what holds state out of the crash loops of what does not: etcd and the containers live on", () => {
    const tree = makeTopology(options(3, 2));
    const groupOf = (name: string): string | undefined => {
      const visit = (spec: SupervisorSpec): string | undefined => {
        for (const child of spec.children) {
          const found = isSupervisor(child) ? visit(child) : child.name === name ? spec.name : undefined;
          if (found !== undefined) return found;
        }
        return undefined;
      };
      return visit(tree);
    };
    expect(groupOf("etcd-1")).toBe("master-1");
    for (const role of ["api-server", "scheduler", "controller-manager"])
      expect(groupOf(`${role}-1`)).toBe("master-1/control-plane");
    expect(groupOf("worker-1/container-runtime")).toBe("worker-1");
    for (const role of ["kubelet", "kube-proxy"]) expect(groupOf(`worker-1/${role}`)).toBe("worker-1/agents");
  });

  it("has neither schedulers nor controllers when it is asked for the API alone", () => {
    const actors = actorsOf(makeTopology({ ...options(1, 0), controllers: false }));
    expect(actors.map(({ name }) => name)).toEqual(["etcd-0", "api-server-0"]);
  });

  it("lets only API servers talk to etcd, besides etcd itself", () => {
    for (const { name, actor, links } of actorsOf(makeTopology(options(3, 3)))) {
      const talks = links.some((link) => link.startsWith("etcd-"));
      expect(talks, name).toBe(actor === "etcd" || actor === "api-server");
    }
  });

  it("shows each second that a node is alive, and less often when there are hundreds, always three times in what counts as lost", () => {
    expect(heartbeat(3)).toEqual({
      kubelet: { leaseRenewMs: 1_000, leaseDurationSeconds: 3 },
      controllerManager: { nodeMonitorGraceMs: 3_000, nodeStartupGraceMs: 10_000 },
    });
    expect(heartbeat(300)).toEqual({
      kubelet: { leaseRenewMs: 10_000, leaseDurationSeconds: 30 },
      controllerManager: { nodeMonitorGraceMs: 30_000, nodeStartupGraceMs: 30_000 },
    });
    const kubelet = actorsOf(makeTopology(options(3, 90))).find(({ name }) => name === "worker-7/kubelet");
    expect(kubelet?.options).toMatchObject({ leaseRenewMs: 3_000, leaseDurationSeconds: 9 });
  });

  it("has no Lease that is good for less than what counts as lost, nor a new node lost before its renewals count", () => {
    for (let workers = 0; workers <= 1_000; workers++) {
      const { kubelet, controllerManager } = heartbeat(workers);
      expect(kubelet.leaseDurationSeconds * 1_000).toBeGreaterThanOrEqual(controllerManager.nodeMonitorGraceMs);
      expect(controllerManager.nodeStartupGraceMs).toBeGreaterThanOrEqual(controllerManager.nodeMonitorGraceMs);
    }
  });

  it("spreads the workers over the API servers, and puts real containers on no thread of others", () => {
    const actors = actorsOf(makeTopology({ ...options(3, 4), nodesPerThread: 2 }));
    const optionsOf = (name: string) =>
      actors.find((actor) => actor.name === name)?.options as { apiServers: string[] };
    const first = [0, 1, 2, 3].map((index) => optionsOf(`worker-${index}/kubelet`).apiServers[0]);
    expect(first).toEqual(["api-server-0", "api-server-1", "api-server-2", "api-server-0"]);
    const threads = actors.filter(({ thread }) => thread !== undefined).map(({ name, thread }) => [name, thread]);
    expect(threads.filter(([name]) => name?.includes("container-runtime"))).toEqual([]);
    expect(threads).toContainEqual(["worker-3/kubelet", "workers-1"]);
  });

  it("states for every actor what its heap may hold, unless it shares its thread", () => {
    const limits = (given: Partial<TopologyOptions>): readonly (readonly [string, number | undefined])[] =>
      actorsOf(makeTopology({ ...options(1, 1), rings, ...given })).map(({ actor, heapLimitMb }) => [
        actor,
        heapLimitMb,
      ]);
    expect(Object.fromEntries(limits({}))).toEqual(HEAP_LIMITS_MB);
    expect(Object.fromEntries(limits({ heapLimitsMb: { etcd: 2_048, kubelet: 128 } }))).toEqual({
      ...HEAP_LIMITS_MB,
      etcd: 2_048,
      kubelet: 128,
    });
    const shared = limits({ nodesPerThread: 5, containerRuntime: { pods: "simulated" } });
    expect(shared.filter(([, limitMb]) => limitMb === undefined).map(([actor]) => actor)).toEqual([
      "container-runtime",
      "kubelet",
      "kube-proxy",
    ]);
  });

  it.each([
    ["half of a member's heap", 1_024, {}, 512],
    ["what is asked for", 1_024, { quotaBytes: 1_048_576 }, 1],
    ["etcd's own quota at most", 65_536, {}, 2_048],
  ])("lets a store hold %s", (_, etcd, given, expectedMb) => {
    const [member] = actorsOf(makeTopology({ ...options(1, 0), heapLimitsMb: { etcd }, etcd: given }));
    expect(member?.options).toMatchObject({ quotaBytes: expectedMb * 1_048_576 });
  });

  it("prefers an actor's own master", () => {
    const scheduler = actorsOf(makeTopology(options(3, 0))).find(({ name }) => name === "scheduler-1")!;
    expect((scheduler.options as { readonly apiServers: readonly string[] }).apiServers).toEqual([
      "api-server-1",
      "api-server-2",
      "api-server-0",
    ]);
  });

  it("gives the collector the recorder of every actor, of the supervisor and of the embedding program", () => {
    const tree = makeTopology({ ...options(1, 1), rings });
    const collector = actorsOf(tree).find(({ name }) => name === TRACE_COLLECTOR)!;
    const names = Object.keys((collector.options as { readonly rings: object }).rings);
    expect(new Set(names)).toEqual(new Set([EMBEDDER, SUPERVISOR, ...actorsOf(tree).map(({ name }) => name)]));
  });
});

describe("the addresses of a cluster", () => {
  it("are different for each node of each cluster on a machine", () => {
    const seen = new Set<string>();
    for (let slot = 0; slot < SLOTS; slot += 2) {
      const addresses = addressesOf(slot);
      for (let index = 0; index < 250; index++) {
        for (const value of [podRange(addresses, index), nodeAddress(addresses, index)]) {
          expect(value).toMatch(/^127\.(\d+)\.(\d+)\.(\d+)(\/24)?$/);
          expect(seen.has(value), value).toBe(false);
          seen.add(value);
        }
      }
    }
  });
});
