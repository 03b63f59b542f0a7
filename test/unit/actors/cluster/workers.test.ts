import { beforeEach, describe, expect, it } from "vitest";
import { addressesOf } from "../../../../actors/cluster/addresses.ts";
import type { WorkersHome } from "../../../../actors/cluster/workers.ts";
import { isReadySince, Workers } from "../../../../actors/cluster/workers.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import type { Node } from "../../../../protocols/kubernetes/types/core-v1.ts";

interface FakeInformer {
  readonly synced: boolean;
  onChange(listener: () => void): void;
  start(): void;
  stop(): void;
  whenSynced(): Promise<void>;
  list(): readonly object[];
}

/** A cluster of names: what its workers ask of it is noted in order. Time passes where nothing else happens. */
class FakeHome {
  readonly workers: string[];
  readonly log: string[] = [];
  /** Names of those that are not up. */
  readonly down: Set<string> = new Set();
  /** How many changes a worker's pod takes until it is gone. */
  lingering = 0;
  followed = 0;
  private readonly timers = new Set<() => void>();
  failNext = false;
  controllers = true;
  nowMs = 10_000;
  private changing = 0;
  mostAtATime = 0;

  constructor(...workers: readonly string[]) {
    this.workers = [...workers];
  }

  home(): WorkersHome {
    const supervisor = {
      spec: () => ({ name: "root", children: ["master-0", ...this.workers].map((name) => ({ name })) }),
      status: () => this.workers.map((name) => ({ name, state: this.down.has(name) ? "ended" : "up" })),
      addChild: ({ name }: { readonly name: string }) =>
        this.change(`add ${name}`, () => {
          if (this.failNext) throw new Error("no thread");
          this.workers.push(name);
        }),
      removeChild: (name: string) =>
        this.change(`remove ${name}`, () => this.workers.splice(this.workers.indexOf(name), 1)),
    };
    const client = {
      patch: async (_resource: unknown, name: string) => void this.log.push(`cordon ${name}`),
      list: async () => ({ items: this.lingering > 0 ? [POD] : [] }),
      delete: async (
        { resource }: { readonly resource: string },
        name: string,
        _namespace?: string,
        { gracePeriodSeconds }: { readonly gracePeriodSeconds?: number } = {},
      ) => {
        this.log.push(`delete ${resource} ${name}${gracePeriodSeconds === 0 ? " at once" : ""}`);
        throw statusError({ code: 404, reason: "NotFound" });
      },
    };
    const clock = {
      nowMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      after: (ms: number, action: () => void) => {
        const fire = (): void => {
          this.nowMs += ms;
          action();
        };
        this.timers.add(fire);
        return { cancel: () => this.timers.delete(fire) };
      },
    };
    const topology = {
      masters: 1,
      workers: 1,
      controllers: this.controllers,
      addresses: addressesOf(0),
      clusterId: "test",
      apiServer: { tokens: [], kubeletToken: "" },
      containerRuntime: {},
      kubelet: {},
      controllerManager: {},
      etcd: {},
    };
    const whenOver = (): (() => void) => () => undefined;
    const informer = ({ resource }: { readonly resource: string }): FakeInformer => this.informer(resource);
    const home = { supervisor, client, clock, topology, informer, whenOver, actorsChanged: async () => {} };
    return home as unknown as WorkersHome;
  }

  private informer(resource: string): FakeInformer {
    let changed = (): void => undefined;
    return {
      synced: true,
      onChange: (listener) => void (changed = listener),
      start: () => void this.followed++,
      stop: () => void this.followed--,
      whenSynced: () => Promise.resolve(),
      list: () => {
        if (resource === "nodes") return [readyNode(this.nowMs)];
        if (this.lingering === Infinity) setImmediate(() => this.timers.forEach((fire) => fire()));
        else setImmediate(changed);
        return this.lingering !== Infinity && this.lingering-- <= 0 ? [] : [POD];
      },
    };
  }

  private async change(what: string, work: () => void): Promise<void> {
    this.mostAtATime = Math.max(this.mostAtATime, ++this.changing);
    this.log.push(what);
    await Promise.resolve();
    this.changing--;
    work();
  }
}

const POD = { metadata: { name: "p", namespace: "d", uid: "u" } };

function readyNode(heardAtMs: number): Node {
  const lastHeartbeatTime = new Date(heardAtMs).toISOString();
  return { metadata: { name: "n" }, status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime }] } };
}

describe("the workers of a cluster", () => {
  let fake: FakeHome;
  let workers: Workers;
  beforeEach(() => {
    fake = new FakeHome("worker-0", "worker-10", "worker-2");
    workers = new Workers(fake.home());
  });

  it("stand in the order of their numbers, and a new one gets the lowest number that is free", async () => {
    expect(workers.names()).toEqual(["worker-0", "worker-2", "worker-10"]);
    expect(await workers.add()).toBe("worker-1");
    expect(await workers.add()).toBe("worker-3");
  });

  it("come and go one at a time, and one that fails stands in no other's way", async () => {
    fake.failNext = true;
    const failed = workers.add();
    const wished = workers.scale(4);
    const gone = workers.remove("worker-0");
    await expect(failed).rejects.toThrow("no thread");
    await expect(wished).rejects.toThrow("no thread");
    fake.failNext = false;
    await Promise.all([gone, workers.add()]);
    expect(workers.names()).toEqual(["worker-0", "worker-2", "worker-10"]);
    expect(fake.mostAtATime).toBe(1);
  });

  it("that are too many go from the highest number down", async () => {
    expect(await workers.scale(1)).toBe(3);
    expect(workers.names()).toEqual(["worker-0"]);
    expect(fake.log.filter((line) => line.startsWith("remove"))).toEqual(["remove worker-10", "remove worker-2"]);
  });

  it("are as many as the last wish says, also when it is for as many as there were at the first", async () => {
    expect(await Promise.all([workers.scale(5), workers.scale(3)])).toEqual([3, 5]);
    expect(workers.names()).toHaveLength(3);
  });

  it("are drained before they go, each pod asked once, and leave neither node nor Lease", async () => {
    fake.lingering = 3;
    await workers.remove("worker-2");
    expect(fake.log).toEqual([
      "cordon worker-2",
      "delete pods p",
      "remove worker-2",
      "delete nodes worker-2",
      "delete leases worker-2",
    ]);
    expect(fake.followed).toBe(0);
  });

  it("leave no pod behind where no controller removes it, not even one that does not end", async () => {
    fake.controllers = false;
    workers = new Workers(fake.home());
    fake.lingering = Infinity;
    await workers.remove("worker-2", { timeoutMs: 1_000 });
    fake.down.add("worker-10");
    await workers.remove("worker-10");
    expect(fake.log.filter((line) => line.includes("pods"))).toEqual([
      "delete pods p",
      "delete pods p at once",
      "delete pods p at once",
    ]);
  });

  it("are cut off from their pods when the time is up, and at once when they are down", async () => {
    fake.lingering = Infinity;
    await workers.remove("worker-2", { timeoutMs: 1_000 });
    expect(fake.nowMs).toBe(11_000);
    fake.down.add("worker-10");
    await workers.remove("worker-10");
    expect(fake.nowMs).toBe(11_000);
  });

  it("are there when their own kubelet has said so, not one of that name before", () => {
    expect(isReadySince(readyNode(5_000), 5_000)).toBe(true);
    expect(isReadySince(readyNode(4_000), 5_000)).toBe(false);
    expect(isReadySince({ status: { conditions: [{ type: "Ready", status: "True" }] } }, 0)).toBe(false);
  });
});
