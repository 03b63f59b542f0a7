/** Faults of Kubernetes' own level in the simulated cluster: each does what it says, is told, and ends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../../../runtime/faults/plan.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import { deployments, nodes, pods, services } from "../../../actors/client/resources.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { PriorityClass } from "../../../protocols/kubernetes/types/scheduling-v1.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const REPLICAS = 4;
const LIMIT_MS = 120_000;
const WAIT_MS = 20_000;
const priorityClasses: Resource<PriorityClass> = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false,
};
const LABELS = { app: "web" };

let cluster: SimulatedCluster;
let told: string[] = [];

beforeEach(async () => {
  told = [];
  cluster = new SimulatedCluster({
    seed: 5,
    masters: 1,
    workers: 2,
    faults: { faults: [] },
    onFault: ({ id }, what) => told.push(`${id} ${what}`),
  });
  watchCrashes(cluster.host);
  await cluster.start();
  await inWorld(async () => {
    const template = { metadata: { labels: LABELS }, spec: { containers: [{ name: "web", image: "nginx:1" }] } };
    const spec = { replicas: REPLICAS, selector: { matchLabels: LABELS }, template };
    await cluster.client.create(deployments, { metadata: { name: "web", namespace: "default" }, spec });
    const ports = [{ port: 80 }];
    const metadata = { name: "web", namespace: "default" };
    await cluster.client.create(services, { metadata, spec: { selector: LABELS, ports } });
    await available(REPLICAS);
  });
});
afterEach(() => cluster.host.stop());

const inWorld = <T>(work: () => Promise<T>): Promise<T> => cluster.run(work, LIMIT_MS);

async function available(count: number): Promise<void> {
  await cluster.waitFor(deployments, "web", "default", ({ status }) => status?.availableReplicas === count, WAIT_MS);
}

const listed = async (): Promise<readonly Pod[]> => (await cluster.client.list(pods, { namespace: "default" })).items;
const restartsOf = ({ status }: Pod): number => status?.containerStatuses?.[0]?.restartCount ?? 0;
const restarts = async (): Promise<number> => (await listed()).map(restartsOf).reduce((sum, count) => sum + count, 0);

function begin(...faults: readonly Fault[]): void {
  cluster.host.applyFaults({ faults });
}

describe("pod-kill", () => {
  it("kills one pod at each strike, which is started again with its exit told as 137", async () => {
    begin({ id: "kill", kind: "pod-kill", pod: "default/web-*", everyMs: 15_000, forMs: 20_000 });
    await inWorld(async () => {
      await cluster.until("two restarts", 40_000, async () => (await restarts()) === 2);
      await available(REPLICAS);
      const ended = (await listed()).filter((pod) => restartsOf(pod) > 0);
      for (const { status } of ended) {
        expect(status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
      }
    });
    expect(told).toEqual([
      expect.stringMatching(/^kill kills default\/web-\S+ \(web\)$/),
      expect.stringMatching(/^kill kills default\/web-\S+ \(web\)$/),
    ]);
  });

  it("kills all that match when it is for all, on every node", async () => {
    begin({ id: "kill", kind: "pod-kill", pod: "*/web-*", victims: "all" });
    await inWorld(() => cluster.until("a restart of each", WAIT_MS, async () => (await restarts()) === REPLICAS));
    expect(new Set((await inWorld(listed)).map(({ spec }) => spec?.nodeName)).size).toBe(2);
    expect(told).toHaveLength(2);
  });

  it("tells when there is no such pod", async () => {
    begin(
      { id: "kill", kind: "pod-kill", pod: "default/db-*" },
      { id: "all", kind: "pod-kill", pod: "shop/*", victims: "all" },
    );
    await inWorld(() => cluster.clock.sleep(100));
    expect(told.sort()).toEqual(["all finds nothing to hit", "kill finds nothing to hit"]);
  });
});

it("image-gone keeps containers of the image from starting until it ends, and those that run go on", async () => {
  begin(
    { id: "gone", kind: "image-gone", image: "nginx*", forMs: 30_000 },
    { id: "kill", kind: "pod-kill", pod: "default/web-*", fromMs: 100 },
  );
  await inWorld(async () => {
    const waiting = ({ status }: Pod): string | undefined => status?.containerStatuses?.[0]?.state?.waiting?.reason;
    await cluster.until("a pod without its image", WAIT_MS, async () =>
      (await listed()).some((pod) => /^(ErrImagePull|ImagePullBackOff)$/.test(waiting(pod) ?? "")),
    );
    expect((await listed()).filter((pod) => waiting(pod) === undefined)).toHaveLength(REPLICAS - 1);
    await cluster.waitFor(deployments, "web", "default", "RolledOut", 60_000);
  });
  expect(told).toContainEqual(expect.stringMatching(/^gone keeps nginx:1 from worker-\d\/container-runtime$/));
  expect(told).toContain("gone ends");
});

describe("node-loss", () => {
  it("takes all actors of a worker down at once, and brings them back after their time", async () => {
    begin({ id: "loss", kind: "node-loss", at: "worker-1", downMs: 15_000 });
    await inWorld(async () => {
      await cluster.clock.sleep(100);
      expect(cluster.host.actors.filter((name) => name.startsWith("worker-1/"))).toEqual([]);
      await cluster.waitFor(nodes, "worker-1", undefined, "Ready=Unknown", WAIT_MS);
      await cluster.waitFor(nodes, "worker-1", undefined, "Ready", 30_000);
      await available(REPLICAS);
    });
    expect(told).toEqual(["loss hits worker-1", "loss lets worker-1 come back"]);
  });

  it("lasts until the plan ends, unless it says otherwise, and takes nobody twice", async () => {
    begin({ id: "loss", kind: "node-loss", at: "worker-*", victims: "all", everyMs: 5_000 });
    await inWorld(() => cluster.clock.sleep(6_000));
    expect(cluster.host.actors.filter((name) => name.startsWith("worker-"))).toEqual([]);
    cluster.host.endFaults();
    await inWorld(() => cluster.nodesReady(2));
    expect(told).toEqual([
      ...["loss hits worker-0", "loss hits worker-1"],
      ...["loss finds worker-0 down already", "loss finds worker-1 down already"],
      ...["loss lets worker-0 come back", "loss lets worker-1 come back"],
    ]);
  });
});

it("node-upgrade restarts the actors of a master one after the other", async () => {
  const ups: string[] = [];
  const stop = cluster.host.supervisor.onEvent((event) => {
    if (event.type === "up" || event.type === "down") ups.push(`${event.name} ${event.type}`);
  });
  begin({ id: "upgrade", kind: "node-upgrade", at: "master-0" });
  await inWorld(() => cluster.clock.sleep(5_000));
  stop();
  const actors = ["etcd-0", "api-server-0", "scheduler-0", "controller-manager-0"];
  expect(ups).toEqual(actors.flatMap((name) => [`${name} down`, `${name} up`]));
  await inWorld(() => available(REPLICAS));
});

describe("memory-pressure", () => {
  const isEvicted = ({ status }: Pod): boolean => status?.reason === "Evicted";
  const short = { id: "memory", kind: "memory-pressure", at: "worker-0" } as const;
  const evictions = (): readonly string[] => told.filter((line) => line.startsWith("memory evicts"));

  async function create(name: string, spec: Partial<Pod["spec"]> = {}, memory?: string): Promise<void> {
    const resources = memory === undefined ? {} : { requests: { memory } };
    const containers = [{ name: "main", image: "x:1", resources }];
    await cluster.client.create(pods, {
      metadata: { name, namespace: "default" },
      spec: { nodeName: "worker-0", containers, ...spec },
    });
    await cluster.waitFor(pods, name, "default", ({ status }) => status?.phase !== "Pending", WAIT_MS);
  }

  it("is told by the node, which gets its taint, and both go in the end", async () => {
    const taints = async (): Promise<readonly string[]> =>
      ((await cluster.client.get(nodes, "worker-0")).spec?.taints ?? []).map(({ key }) => key);
    begin({ ...short, forMs: 10_000 });
    await inWorld(async () => {
      await cluster.waitFor(nodes, "worker-0", undefined, "MemoryPressure", WAIT_MS);
      await cluster.until("the taint", WAIT_MS, async () =>
        (await taints()).includes("node.kubernetes.io/memory-pressure"),
      );
      await cluster.waitFor(nodes, "worker-0", undefined, "MemoryPressure=False", WAIT_MS);
      await cluster.until("no taint", WAIT_MS, async () => (await taints()).length === 0);
    });
    expect(told[0]).toBe("memory begins");
    expect(told.at(-1)).toBe("memory ends");
  });

  it("evicts pods one at a time, who asked for nothing first, then by priority, and others take their place", async () => {
    await inWorld(async () => {
      for (const [name, value] of Object.entries({ high: 100, low: -1 })) {
        await cluster.client.create(priorityClasses, { metadata: { name }, value });
      }
      await create("asked-high", { priorityClassName: "high" }, "1Mi");
      await create("asked-low", { priorityClassName: "low" }, "1Mi");
      await create("critical", { priorityClassName: "system-node-critical" });
      const doomed = (await listed()).filter(({ spec }) => spec?.nodeName === "worker-0");
      expect(doomed).toHaveLength(5);
      begin(short);
      const times: number[] = [];
      for (let count = 1; count <= 4; count++) {
        await cluster.until(`eviction ${count}`, WAIT_MS, () => Promise.resolve(evictions().length === count));
        times.push(cluster.clock.monotonicMs());
      }
      for (const [index, atMs] of times.slice(1).entries()) expect(atMs - times[index]!).toBeGreaterThan(900);
      await available(REPLICAS);
      await cluster.clock.sleep(5_000);
      const evicted = (await listed()).filter(isEvicted);
      expect(evicted).toHaveLength(4);
      for (const { status } of evicted) {
        const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
        expect(condition).toMatchObject({ status: "True", reason: "TerminationByKubelet" });
        expect(status).toMatchObject({ phase: "Failed", message: "The node was low on resource: memory. " });
      }
      const running = (await listed()).filter((pod) => !isEvicted(pod) && pod.spec?.nodeName === "worker-0");
      expect(running.map(({ metadata }) => metadata?.name)).toEqual(["critical"]);
    });
    expect(evictions().slice(2)).toEqual([
      "memory evicts default/asked-low from worker-0",
      "memory evicts default/asked-high from worker-0",
    ]);
  });

  it("keeps what is bound to the node past its taint from running, and evicts no more once it is over", async () => {
    begin({ ...short, forMs: 2_500 });
    await inWorld(async () => {
      await cluster.waitFor(nodes, "worker-0", undefined, "MemoryPressure", WAIT_MS);
      await create("late");
      const { status } = await cluster.client.get(pods, "late", "default");
      expect(status).toMatchObject({ phase: "Failed", reason: "Evicted" });
      expect(status?.message).toContain("MemoryPressure");
      await cluster.waitFor(nodes, "worker-0", undefined, "MemoryPressure=False", WAIT_MS);
      const count = evictions().length;
      await create("later");
      await cluster.clock.sleep(5_000);
      expect((await cluster.client.get(pods, "later", "default")).status?.phase).toBe("Running");
      expect(evictions()).toHaveLength(count);
    });
    expect(told).toContain("memory keeps default/late from worker-0");
  });
});

describe("node-drain", () => {
  const schedulable = async (): Promise<boolean> =>
    (await cluster.client.get(nodes, "worker-0")).spec?.unschedulable !== true;

  it("moves the pods away, and lets the node take pods again in the end", async () => {
    begin({ id: "drain", kind: "node-drain", at: "worker-0", forMs: 15_000 });
    await inWorld(async () => {
      await cluster.until("the node is empty", WAIT_MS, async () =>
        (await listed()).every(({ spec }) => spec?.nodeName === "worker-1"),
      );
      expect(await schedulable()).toBe(false);
      await available(REPLICAS);
      await cluster.until("pods may come", WAIT_MS, schedulable);
      expect((await cluster.client.get(nodes, "worker-0")).metadata?.annotations).toEqual(undefined);
    });
    expect(told).toContain("drain cordons worker-0");
    expect(told).toContainEqual(expect.stringMatching(/^drain evicts default\/web-\S+ from worker-0$/));
  });

  it("is undone by a kubelet that was down when it ended", async () => {
    begin({ id: "drain", kind: "node-drain", at: "worker-0" });
    await inWorld(async () => {
      await cluster.until("the node is cordoned", WAIT_MS, async () => !(await schedulable()));
      await cluster.killNode("worker-0");
      cluster.host.endFaults();
      await cluster.restoreNode("worker-0");
      await cluster.until("pods may come", WAIT_MS, schedulable);
    });
  });

  it("leaves a node cordoned that was so before", async () => {
    await inWorld(() => cluster.client.patch(nodes, "worker-0", undefined, { spec: { unschedulable: true } }));
    begin({ id: "drain", kind: "node-drain", at: "worker-0", forMs: 5_000 });
    await inWorld(() => cluster.clock.sleep(10_000));
    expect(await inWorld(schedulable)).toBe(false);
  });
});

describe("what waits for a moment", () => {
  it("begins with it, whoever's it is", async () => {
    const scaled = { on: "write", phase: "after", by: "kubernetes-admin", of: "deployments.apps/default/web" } as const;
    const bound = { on: "write", phase: "after", of: "pods/default/web-*", verb: "create" } as const;
    begin(
      { id: "loss", kind: "node-loss", at: "worker-0", when: scaled, downMs: 3_000 },
      { id: "kill", kind: "pod-kill", pod: "default/web-*", when: { seq: [scaled, bound, { atMs: 6_000 }] } },
    );
    await inWorld(async () => {
      await cluster.clock.sleep(5_000);
      expect(told).toEqual([]);
      await cluster.client.patch(deployments, "web", "default", { spec: { replicas: REPLICAS + 1 } });
      await cluster.until("a kill", WAIT_MS, () => Promise.resolve(told.length >= 5));
      await available(REPLICAS + 1);
    });
    expect(told).toEqual([
      expect.stringMatching(/^loss is triggered after patch deployments.apps default\/web by kubernetes-admin$/),
      "loss hits worker-0",
      "loss lets worker-0 come back",
      "kill is triggered",
      expect.stringMatching(/^kill kills default\/web-/),
    ]);
  });

  it("never begins where it does not come, and ends with the plan", async () => {
    begin({ id: "drain", kind: "node-drain", at: "worker-0", when: { on: "write", of: "pods/default/db-*" } });
    await inWorld(() => cluster.clock.sleep(5_000));
    cluster.host.endFaults();
    await inWorld(() =>
      cluster.client.create(pods, {
        metadata: { name: "db-0", namespace: "default" },
        spec: { containers: [{ name: "db", image: "db:1" }] },
      }),
    );
    await inWorld(() => cluster.clock.sleep(5_000));
    expect(told).toEqual([]);
  });
});

describe("object-flip", () => {
  it("changes a stored field behind the API, which controllers then act on", async () => {
    const generation = async (): Promise<number | undefined> =>
      (await cluster.client.get(deployments, "web", "default")).metadata?.generation;
    const before = await inWorld(generation);
    begin({ id: "flip", kind: "object-flip", of: "deployments.apps/default/web", field: "spec.replicas", to: 6 });
    await inWorld(async () => {
      await available(6);
      // Nobody has asked for it: the API would have counted the change.
      expect(await generation()).toBe(before);
    });
    expect(told).toEqual(["flip flips spec.replicas from 4 to 6 of deployments/default/web"]);
  });

  it("without a value flips a bit, the same one by the same seed", async () => {
    begin({ id: "flip", kind: "object-flip", of: "deployments.apps", field: "spec.replicas" });
    await inWorld(() => cluster.until("the flip", WAIT_MS, () => Promise.resolve(told.length > 0)));
    const [, after] = /from 4 to (\d+)/.exec(told[0]!)!;
    expect([5, 6, 0, 12]).toContain(Number(after));
    expect((await inWorld(() => cluster.client.get(deployments, "web", "default"))).spec?.replicas).toBe(Number(after));
  });

  it("tells when no object has such a field", async () => {
    begin({ id: "flip", kind: "object-flip", of: "deployments.apps", field: "spec.nothing" });
    await inWorld(() => cluster.clock.sleep(100));
    expect(told).toEqual(["flip finds nothing to hit"]);
  });
});

it("dns-fail takes a Service's name from the containers of the nodes that it is for", async () => {
  const hostsOf = (worker: string): string => {
    const file = cluster.host.disk(`${worker}/kube-proxy`).find("hosts.json")!.read(0, Infinity);
    return new TextDecoder().decode(file);
  };
  begin({ id: "dns", kind: "dns-fail", service: "default/web", at: "worker-0", fromMs: 500, forMs: 1_000 });
  await inWorld(() => cluster.clock.sleep(1_000));
  expect(JSON.parse(hostsOf("worker-0"))).toMatchObject({ failing: ["web.default"] });
  expect(JSON.parse(hostsOf("worker-1"))).not.toHaveProperty("failing");
  await inWorld(() => cluster.clock.sleep(1_000));
  expect(JSON.parse(hostsOf("worker-0"))).not.toHaveProperty("failing");
  expect(told).toEqual(["dns begins", "dns hides default/web from worker-0", "dns ends"]);
});
