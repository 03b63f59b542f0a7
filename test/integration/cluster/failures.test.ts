import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { FaultPlan } from "../../../actors/cluster/index.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import type { ConfigMap, Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { effectsBeforeCauses } from "../../fixtures/trace-order.ts";
import { until } from "../../fixtures/until.ts";

const { configMaps, deployments, pods } = inkube;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 3, workers: 3, pods: "simulated" });
});
afterAll(() => cluster?.stop());

const isReady = (pod: Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

async function allUp(): Promise<void> {
  await until("every actor is up", () => cluster.actors().every(({ state }) => state === "up"));
}

function deployment(name: string, replicas: number): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image: "any" }] } },
    },
  };
}

/** Writes without pause until it is stopped; remembers what was acknowledged. */
class Writer {
  readonly acknowledged: string[] = [];
  private going = true;
  private readonly done: Promise<void>;

  constructor(name: string) {
    this.done = this.run(name);
  }

  async stop(): Promise<void> {
    this.going = false;
    await this.done;
  }

  private async run(writer: string): Promise<void> {
    for (let index = 0; this.going; index++) {
      const name = `${writer}-${index}`;
      const object: ConfigMap = { metadata: { name, namespace: "default" }, data: { value: name } };
      try {
        await cluster.client.create(configMaps, object);
        this.acknowledged.push(name);
      } catch (error) {
        // It may have been carried out by the try whose answer was lost: that counts as unacknowledged, and it goes on.
        if (!inkube.hasReason(error, "AlreadyExists") && !inkube.hasCode(error)) throw error;
      }
    }
  }
}

describe("failures", () => {
  it("lose no acknowledged write when the etcd leader is killed under load, twice", async () => {
    const writers = Array.from({ length: 8 }, (_, index) => new Writer(`write-${index}`));
    for (let kill = 0; kill < 2; kill++) {
      const before = writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
      const leader = await until("there is a leader", () => cluster.leader("etcd"));
      await until(
        "writes go on",
        () => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0) > before + 50,
      );
      await cluster.kill(leader);
      await until("another leads", async () => (await cluster.leader("etcd")) !== leader);
      await allUp();
    }
    await Promise.all(writers.map((writer) => writer.stop()));
    const acknowledged = writers.flatMap((writer) => writer.acknowledged);
    expect(acknowledged.length).toBeGreaterThan(100);
    const stored = (await cluster.client.list(configMaps, { namespace: "default" })).items;
    const values = new Map(stored.map(({ metadata, data }) => [metadata?.name, data?.["value"]]));
    expect(acknowledged.filter((name) => values.get(name) !== name)).toEqual([]);
    await cluster.client.deleteCollection(configMaps, "default");
  });

  it("by a plan: the etcd leader is cut off and an API server runs out of memory, and no acknowledged write is lost", async () => {
    const writers = Array.from({ length: 4 }, (_, index) => new Writer(`planned-${index}`));
    const acknowledged = (): readonly string[] => writers.flatMap((writer) => writer.acknowledged);
    const leader = await until("there is a leader", () => cluster.leader("etcd"));
    const hits: string[] = [];
    const plan = cluster.applyFaults(
      {
        faults: [
          { id: "cut", kind: "partition", from: leader, to: "etcd-*" },
          { id: "full", kind: "actor-oom", at: "api-server-*", fromMs: 300 },
        ],
      },
      (fault, what) => void hits.push(`${fault.id} ${what}`),
    );
    await until("another leads", async () => ![undefined, leader].includes(await cluster.leader("etcd")));
    await until("an API server ran out of memory", () =>
      cluster.actors().some(({ lastDown }) => lastDown?.reason === "out-of-memory"),
    );
    const before = acknowledged().length;
    await until("writes go on", () => acknowledged().length > before + 50);
    await plan.stop();
    await allUp();
    await Promise.all(writers.map((writer) => writer.stop()));
    expect(hits).toEqual(["cut begins", expect.stringMatching(/^full hits api-server-\d$/), "cut ends"]);
    const stored = (await cluster.client.list(configMaps, { namespace: "default" })).items;
    const names = new Set(stored.map(({ metadata }) => metadata?.name));
    expect(acknowledged().filter((name) => !names.has(name))).toEqual([]);
    await cluster.client.deleteCollection(configMaps, "default");
  });

  it("of each master in turn leave the API, its data and the controllers working", async () => {
    await cluster.apply(deployment("masters", 2));
    await cluster.waitFor("deployment/masters", "RolledOut");
    for (let index = 0; index < 3; index++) {
      await cluster.kill(`master-${index}`);
      const replicas = 3 + index;
      await cluster.apply(deployment("masters", replicas));
      await cluster.waitFor("deployment/masters", "RolledOut");
      const listed = await cluster.client.list(pods, { namespace: "default", labelSelector: "app=masters" });
      expect(listed.items.filter(isReady)).toHaveLength(replicas);
      const answer = await until("HTTPS answers", () => fetchReadyz(cluster));
      expect(answer).toBe("ok");
      await cluster.restore(`master-${index}`);
      await allUp();
    }
    await cluster.client.delete(deployments, "masters", "default");
  });

  it("of each kind of actor are healed by replacing that actor alone", async () => {
    const names = ["etcd-0", "api-server-1", "scheduler-2", "controller-manager-0", "trace-collector"];
    const workers = ["worker-0/kubelet", "worker-1/kube-proxy", "worker-2/container-runtime"];
    const restarts = (): ReadonlyMap<string, number> =>
      new Map(cluster.actors().map(({ name, restarts: count }) => [name, count]));
    for (const name of [...names, ...workers]) {
      const before = restarts();
      await cluster.kill(name);
      await allUp();
      const changed = [...restarts()].filter(([actor, count]) => count !== before.get(actor));
      expect(changed).toEqual([[name, (before.get(name) ?? 0) + 1]]);
    }
    await cluster.apply(deployment("after", 3));
    await cluster.waitFor("deployment/after", "RolledOut");
    await cluster.client.delete(deployments, "after", "default");
  });

  it("of a worker move its pods to the others, and it takes part again when it is back", async () => {
    await cluster.apply(deployment("moving", 6));
    await cluster.waitFor("deployment/moving", "RolledOut");
    const list = async (): Promise<readonly Pod[]> =>
      (await cluster.client.list(pods, { namespace: "default", labelSelector: "app=moving" })).items.filter(isReady);
    const worker = (await list())[0]!.spec!.nodeName!;
    await cluster.kill(worker);
    await until("six Ready pods elsewhere", async () => {
      const ready = (await list()).filter(({ spec }) => spec?.nodeName !== worker);
      return ready.length === 6;
    });
    await cluster.restore(worker);
    await cluster.waitFor(`node/${worker}`, "Ready");
    // A moment later the taint goes that kept pods away while it was lost.
    await cluster.waitFor(`node/${worker}`, (node) => ((node as Node).spec?.taints ?? []).length === 0);
    await cluster.apply(deployment("moving", 12));
    await cluster.waitFor("deployment/moving", "RolledOut");
    await until("a pod on the worker that came back", async () =>
      (await list()).some(({ spec }) => spec?.nodeName === worker),
    );
  });

  it("are told apart: an actor that is not there, and a wait that takes too long", async () => {
    await expect(cluster.kill("etcd-9")).rejects.toMatchObject({ code: "NO_SUCH_ACTOR" });
    await expect(cluster.waitFor("pod/nobody", "Ready", { timeoutMs: 50 })).rejects.toMatchObject({
      code: "WAIT_TIMEOUT",
    });
  });

  it("appear in the trace with their causes", async () => {
    const events = await cluster.trace.events({ object: "pods/default/moving", kind: "scheduled" });
    expect(events.length).toBeGreaterThan(0);
  });

  it("leave the trace in the order of causes when clocks are off", async () => {
    const plan = cluster.applyFaults({
      faults: [
        { id: "ahead", kind: "clock-skew", at: "api-server-*", byMs: 30_000 },
        { id: "behind", kind: "clock-skew", at: "worker-*/kubelet", byMs: -30_000 },
      ],
    });
    const told: TraceEvent[] = [];
    const following = cluster.trace.follow({ object: "skewed" }, (events) => told.push(...events), 20);
    await cluster.apply(deployment("skewed", 6));
    await cluster.waitFor("deployment/skewed", "RolledOut");
    await cluster.client.delete(deployments, "skewed", "default");
    const events = await cluster.trace.events();
    following.stop();
    await plan.stop();
    expect(events.filter(({ subject, cause }) => subject.includes("skewed") && cause !== "").length).toBeGreaterThan(
      12,
    );
    expect(effectsBeforeCauses(events)).toEqual([]);
    expect(told.length).toBeGreaterThan(12);
    expect(effectsBeforeCauses(told)).toEqual([]);
  });

  it("by a plan that can't be carried out are refused whole, and what was meant is said", async () => {
    const faults = [
      { id: "cut", kind: "partition", from: "etcd-0", to: "etcd-*" },
      { id: "far", kind: "actor-crash", at: "etcd-7", chanse: 1 },
    ] as unknown as FaultPlan["faults"];
    expect(() => cluster.applyFaults({ faults })).toThrow(
      "fault far: chanse: a fault of kind actor-crash has no such field; did you mean chance?",
    );
    expect(() => cluster.applyFaults({} as FaultPlan)).toThrow("faults: it is missing (allowed: a list of faults)");
    await expect(cluster.trace.events({ kind: "nosuchkind" })).rejects.toThrow("there is no kind of event nosuchkind");
    expect(() => cluster.trace.follow({ actor: "etcd-7" }, () => undefined)).toThrow("there is no actor etcd-7 here");
  });
});

async function fetchReadyz(target: Cluster): Promise<string> {
  const { request } = await import("node:https");
  return new Promise((resolve, reject) => {
    const outgoing = request(`${target.server}/readyz`, { ca: target.authority, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
      answer.on("end", () => resolve(text));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
