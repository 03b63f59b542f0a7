/** Who follows the store for the record, while members of etcd die and the history is cut off behind it. */
import { describe, expect, it } from "vitest";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { configMaps } from "../../../actors/client/resources.ts";
import { changesIn } from "../../../actors/trace-collector/core/object-changes.ts";
import type { ChangeBatch } from "../../../actors/trace-collector/core/segments/format.ts";
import { ObjectWatch } from "../../../actors/trace-collector/object-watch.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const MEMBERS = ["etcd-0", "etcd-1", "etcd-2"];

class Follower {
  readonly batches: ChangeBatch[] = [];
  readonly watch: ObjectWatch;
  readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor({ host }: SimulatedCluster, revision?: number) {
    const { context } = host;
    const members = MEMBERS.map((name) => context.ref(etcdProtocol, name));
    const home = { members, clock: context.clock, stopping: this.stopping.signal, hash: () => "#", pack: copy };
    this.watch = new ObjectWatch(home, revision);
    this.running = this.watch.run();
  }

  async take(): Promise<void> {
    await this.watch.reach();
    const batches = this.watch.batches();
    this.batches.push(...batches);
    this.watch.taken(batches);
  }

  async stop(): Promise<number> {
    this.stopping.abort();
    await this.running;
    return this.batches.at(-1)!.lastRevision;
  }
}

const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

function standing(batches: readonly ChangeBatch[]): ReadonlyMap<string, KubernetesObject> {
  const state = new Map<string, KubernetesObject>();
  for (const { subject, object } of changesIn(batches, copy)) {
    if (!subject.startsWith("configmaps/default/")) continue;
    if (object === undefined) state.delete(subject);
    else state.set(subject, object);
  }
  return state;
}

describe("ObjectWatch", () => {
  it("has all that is written, through the deaths of members and a history that is cut off behind it", async () => {
    const cluster = new SimulatedCluster({ seed: 11, faults: { faults: [] } });
    watchCrashes(cluster.host);
    await cluster.start();
    await cluster.run(async () => {
      const { client, clock, host } = cluster;
      const make = (name: string): Promise<unknown> =>
        client.create(configMaps, { metadata: { name, namespace: "default" }, data: { name } });
      const names = (batches: readonly ChangeBatch[]): readonly string[] =>
        [...standing(batches).keys()].map((subject) => subject.split("/").at(-1)!).filter((name) => name.length === 1);
      await make("a");
      const first = new Follower(cluster);
      await clock.sleep(1_000);
      await first.take();
      expect(names(first.batches)).toEqual(["a"]);
      for (const [name, member] of [
        ["b", "etcd-0"],
        ["c", "etcd-1"],
        ["d", "etcd-2"],
      ] as const) {
        host.kill(member);
        await make(name);
        await clock.sleep(5_000);
      }
      await client.delete(configMaps, "b", "default");
      await first.take();
      expect(names(first.batches)).toEqual(["a", "c", "d"]);
      const revisions = changesIn(first.batches, copy).map(({ revision }) => revision);
      expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
      const revision = await first.stop();

      await client.delete(configMaps, "a", "default");
      await make("e");
      const ref = host.context.ref(etcdProtocol, MEMBERS[0]!);
      await ref.call("compact", { revision: (await ref.call("readIndex", null)).revision });
      const second = new Follower(cluster, revision);
      await clock.sleep(5_000);
      await second.take();
      expect(names([...first.batches, ...second.batches])).toEqual(["c", "d", "e"]);
      expect(second.batches.some(({ part }) => part === "base-end")).toBe(true);
      const next = await second.stop();

      await make("f");
      const third = new Follower(cluster, next);
      await clock.sleep(5_000);
      await third.take();
      expect(third.batches.map(({ part }) => part)).toEqual(["change"]);
      expect(names([...first.batches, ...second.batches, ...third.batches])).toEqual(["c", "d", "e", "f"]);
      await third.stop();
    }, 120_000);
  });
});
