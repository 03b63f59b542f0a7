import { describe, expect, it, vi } from "vitest";
import { PIECE_BYTES, SnapshotWriter } from "../../../actors/etcd/core/wal/snapshot-file.ts";
import type { AlarmState, WatchResponse } from "../../../protocols/etcd.ts";
import { bytes, EtcdWorld, text } from "./etcd-world.ts";

describe("three etcd members", () => {
  it("elect a leader, and serve writes and reads through each of them", async () => {
    const world = new EtcdWorld(1);
    await world.host.start();
    const before = world.host.nowMs;
    for (const index of [0, 1, 2]) {
      await world.put(index, `/a/${index}`, `value ${index}`);
      for (const other of [0, 1, 2]) expect(await world.get(other, `/a/${index}`)).toBe(`value ${index}`);
    }
    expect(world.host.nowMs - before).toBeLessThan(500);
    await world.check();
    await world.host.stop();
  });

  it("give a watcher what it asks for, from a revision on, and news of progress ahead of readIndex", async () => {
    const world = new EtcdWorld(2);
    await world.host.start();
    const first = await world.put(0, "/a/1", "one");
    await world.put(1, "/b/1", "other");
    const got: WatchResponse[] = [];
    const request = {
      key: "/a/",
      rangeEnd: "/a0",
      startRevision: first.header.revision,
      prevKv: true,
      progressNotify: true,
    };
    world.ref(2).stream("watch", request, { next: (item) => void got.push(item), end: () => undefined });
    await world.host.run(50);
    await world.put(0, "/a/1", "two");
    await world.host.run(50);
    const events = got.flatMap((response) => response.events);
    expect(events.map(({ kv }) => text(kv.value))).toEqual(["one", "two"]);
    expect(text(events[1]!.prevKv!.value)).toBe("one");
    await world.put(1, "/b/2", "unseen");
    const { revision } = await world.host.settle(() => world.ref(2).call("readIndex", null));
    expect(got[got.length - 1]).toMatchObject({ header: { revision }, events: [] });
  });

  it("tell watchers of what is compacted in the same moment", async () => {
    const world = new EtcdWorld(4);
    const { host } = world;
    await host.start();
    const leader = await world.leader();
    const { header } = await world.put(leader, "/a", "0");
    const got: number[] = [];
    world
      .ref(leader)
      .stream(
        "watch",
        { key: "/a" },
        { next: ({ events }) => void got.push(...events.map(({ kv }) => kv.modRevision)), end: () => undefined },
      );
    await host.run(20);
    // One batch, so that all of it is applied in one go.
    const ref = world.ref(leader);
    const revisions = [1, 2, 3, 4].map((more) => header.revision + more);
    await host.settle(() =>
      Promise.all([
        ...revisions.map(() => ref.call("put", { key: "/a", value: bytes("x") })),
        ref.call("compact", { revision: header.revision + 4 }),
      ]),
    );
    await host.run(20);
    expect(got).toEqual(revisions);
    expect(host.crashes).toEqual([]);
  });

  it("run transactions, leases and compaction as etcd does", async () => {
    const world = new EtcdWorld(3);
    const { host } = world;
    await host.start();
    const create = {
      compare: [{ key: "/a", target: "mod", result: "equal", value: 0 } as const],
      success: [{ put: { key: "/a", value: bytes("1") } }],
      failure: [{ range: { key: "/a" } }],
      cause: "api-server-0#17",
    };
    expect((await host.settle(() => world.ref(0).call("txn", create))).succeeded).toBe(true);
    const again = await host.settle(() => world.ref(1).call("txn", create));
    expect(again).toMatchObject({ succeeded: false, responses: [{ range: { kvs: [{ key: "/a" }] } }] });

    const lease = await host.settle(() => world.ref(2).call("leaseGrant", { ttlSeconds: 2 }));
    await host.settle(() => world.ref(1).call("put", { key: "/leased", value: bytes("x"), lease: lease.id }));
    await host.run(1_500);
    await host.settle(() => world.ref(1).call("leaseKeepAlive", { id: lease.id }));
    await host.run(1_500);
    expect(await world.get(0, "/leased")).toBe("x");
    await host.run(1_500);
    expect(await world.get(0, "/leased")).toBeUndefined();
    await expect(
      host.settle(() => world.ref(0).call("put", { key: "/b", value: bytes(""), lease: lease.id })),
    ).rejects.toMatchObject({ code: "ETCD_LEASE_NOT_FOUND" });

    const { header } = await world.put(0, "/a", "2");
    await host.settle(() => world.ref(1).call("compact", { revision: header.revision }));
    await expect(
      host.settle(() => world.ref(1).call("range", { key: "/a", revision: header.revision - 1 })),
    ).rejects.toMatchObject({ code: "ETCD_COMPACTED", details: { compactRevision: header.revision } });
    let ended: Error | undefined;
    world
      .ref(1)
      .stream(
        "watch",
        { key: "/a", startRevision: header.revision - 1 },
        { next: () => undefined, end: (error) => void (ended = error) },
      );
    await host.run(50);
    expect(ended).toMatchObject({ code: "ETCD_COMPACTED" });
  });

  it("refuse what can't be carried out before they agree on it", async () => {
    const world = new EtcdWorld(6);
    const { host } = world;
    await host.start();
    const txn = (parts: object) => ({ compare: [], success: [], failure: [], ...parts });
    for (const request of [
      txn({ compare: [{ key: "/a", target: "lease", result: "equal", value: "x" }] }),
      txn({ compare: [{ key: "/a", target: "mod", result: "equal", value: -2 }] }),
      txn({ success: [{ range: { key: "/a", revision: -1 } }] }),
    ]) {
      const refused = host.settle(() => world.ref(0).call("txn", request));
      await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    const refused = host.settle(() => world.ref(0).call("leaseGrant", { ttlSeconds: 1, id: "x" }));
    await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await world.put(0, "/a", "still there");
    expect(host.crashes).toEqual([]);
  });

  it("survive the leader's death within tens of milliseconds, losing nothing that was acknowledged", async () => {
    const times: number[] = [];
    for (let seed = 1; seed <= 10; seed++) {
      const world = new EtcdWorld(seed);
      const { host } = world;
      await host.start();
      const leader = await world.leader();
      await world.put(leader, "/before", "x");
      host.kill(world.names[leader]!);
      const killedAtMs = host.nowMs;
      for (;;) {
        try {
          await world.put((leader + 1) % 3, "/after", "y");
          break;
        } catch (error) {
          expect(error).toMatchObject({ retryable: true });
          await host.run(1);
        }
      }
      times.push(host.nowMs - killedAtMs);
      expect(await world.get((leader + 2) % 3, "/before")).toBe("x");
    }
    expect(Math.max(...times)).toBeLessThan(400);
    expect(times.sort((a, b) => a - b)[5]).toBeLessThan(100);
  });

  it("come back from their disks with everything, after all were stopped or all were killed", async () => {
    const world = new EtcdWorld(9, { snapshotEntries: 10, catchUpEntries: 2 });
    const { host } = world;
    await host.start();
    for (let count = 0; count < 50; count++) await world.put(count % 3, `/k/${count % 7}`, `${count}`);
    for (const name of world.names) host.kill(name);
    await host.run(500);
    for (let key = 0; key < 7; key++) expect(await world.get(0, `/k/${key}`)).toBe(`${key === 0 ? 49 : 42 + key}`);
  });

  it("come back from snapshots of several pieces, none of which is large", async () => {
    const cut = vi.spyOn(SnapshotWriter.prototype, "cut");
    const world = new EtcdWorld(9, { snapshotEntries: 20, catchUpEntries: 2 });
    const { host } = world;
    const value = (key: number): string => `${key}`.repeat(PIECE_BYTES / 10);
    await host.start();
    for (let key = 10; key < 70; key++) await world.put(key % 3, `/k/${key}`, value(key));
    await host.run(1_000);
    const pieces = new Map<unknown, number>();
    for (const file of cut.mock.contexts) pieces.set(file, (pieces.get(file) ?? 0) + 1);
    expect(Math.max(...pieces.values())).toBeGreaterThan(5);
    cut.mockRestore();
    for (const name of world.names) host.kill(name);
    await host.run(500);
    for (let key = 10; key < 70; key++) expect(await world.get(key % 3, `/k/${key}`)).toBe(value(key));
  });

  it.each([
    ["a follower", 1, {}],
    ["the leader", 0, {}],
    ["a follower, with the log compacted", 1, { snapshotEntries: 10, catchUpEntries: 2 }],
  ] as const)("take a member back whose disk was lost: %s", async (_, distance, options) => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new EtcdWorld(seed, options);
      const { host } = world;
      await host.start();
      for (let count = 0; count < 30; count++) await world.put(count % 3, `/k/${count}`, `${count}`);
      const victim = ((await world.leader()) + distance) % 3;
      host.kill(world.names[victim]!, { disk: "lost" });
      await host.run(3_000);
      expect(await world.get(victim, "/k/29")).toBe("29");
      await world.leader();
      const statuses = await host.settle(() => Promise.all([0, 1, 2].map((at) => world.ref(at).call("status", null))));
      expect(new Set(statuses.map(({ hash }) => hash)).size).toBe(1);
      expect(statuses.flatMap(({ errors }) => errors)).toEqual([]);
      // It votes: with another one away for good the group goes on.
      host.hang(world.names[(victim + 1) % 3]!);
      await host.run(3_000);
      await world.put(victim, "/after", "y");
    }
  });

  it.each<[string, (world: EtcdWorld, leader: string, others: readonly string[]) => void]>([
    ["is cut off", ({ host }, leader, others) => host.partition([leader], [...others, "cluster"])],
    [
      "takes requests, but no messages of Raft",
      ({ host }, leader, others) => {
        for (const other of others) host.faultLink(leader, other, { dropCasts: 1 });
        for (const other of others) host.faultLink(other, leader, { dropCasts: 1 });
      },
    ],
  ])("wait no longer for a leader than its term lasts, with every kind of request: one that %s", async (_, cut) => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = new EtcdWorld(seed);
      const { host, names } = world;
      await host.start();
      const leader = await world.leader();
      const lease = await host.settle(() => world.ref(0).call("leaseGrant", { ttlSeconds: 60 }));
      const { header } = await world.put(0, "/a", "x");
      const followers = [world.ref((leader + 1) % 3), world.ref((leader + 2) % 3)];
      cut(
        world,
        names[leader]!,
        followers.map(({ name }) => name),
      );
      const cutAtMs = host.nowMs;
      const asked = followers.flatMap((follower) => [
        follower.call("put", { key: "/b", value: bytes("y") }),
        follower.call("compact", { revision: header.revision }),
        follower.call("leaseGrant", { ttlSeconds: 60 }),
        follower.call("leaseKeepAlive", { id: lease.id }),
        follower.call("range", { key: "/a" }),
        follower.call("readIndex", null),
        follower.call("moveLeader", { to: followers[0]!.name }),
      ]);
      const outcomes: unknown[] = [];
      for (const one of asked) {
        one.then(
          () => outcomes.push("done"),
          (error: unknown) => outcomes.push(error),
        );
      }
      await host.run(100);
      const later = followers.map((follower) => follower.call("put", { key: "/c", value: bytes("z") }));
      for (const one of later) {
        one.then(
          () => outcomes.push("done"),
          (error: unknown) => outcomes.push(error),
        );
      }
      await host.runUntil(() => outcomes.length === asked.length + later.length, 10_000);
      // An election's time after the last word of the old leader, and not the deadline of what was sent to it.
      expect(host.nowMs - cutAtMs).toBeLessThan(3_000);
      for (const outcome of outcomes) {
        if (outcome !== "done") expect(outcome).toMatchObject({ code: expect.stringMatching(/LEADER|COMPACTED/) });
      }
      for (const follower of followers) {
        const againAtMs = host.nowMs;
        await host.settle(() => follower.call("put", { key: "/d", value: bytes("z") }));
        expect(host.nowMs - againAtMs).toBeLessThan(500);
      }
    }
  });

  it("say so while nobody can take the place of one whose disk was lost, as another one is away", async () => {
    const world = new EtcdWorld(21);
    const { host, names } = world;
    await host.start();
    await world.put(0, "/a", "x");
    const away = names[((await world.leader()) + 1) % 3]!;
    const victim = ((await world.leader()) + 2) % 3;
    host.stall(away, 6_000);
    host.kill(names[victim]!, { disk: "lost" });
    await host.run(3_000);
    await expect(host.settle(() => world.ref(victim).call("status", null))).rejects.toMatchObject({
      code: "ETCD_OUT_OF_SERVICE",
      message: expect.stringMatching(
        new RegExp(`${names[victim]} \\(.*${names[victim]}\\) is out of service.*: the disk was lost`),
      ),
    });
    // The leader alone is no majority, and the member without a disk makes none.
    await expect(world.put(victim, "/b", "y")).rejects.toMatchObject({ retryable: true });
    await host.run(6_000);
    expect((await host.settle(() => world.ref(victim).call("status", null))).errors).toEqual([]);
    await world.put(victim, "/b", "y");
  });

  it("refuse to go on, and say whose disks are lost and what to do, when they are a majority's", async () => {
    const world = new EtcdWorld(22);
    const { host } = world;
    await host.start();
    await world.put(0, "/a", "x");
    host.kill("etcd-0", { disk: "lost" });
    host.kill("etcd-2", { disk: "lost" });
    await host.run(5_000);
    const refused = expect.objectContaining({
      code: "ETCD_QUORUM_LOST",
      message: expect.stringMatching(
        /the disk of etcd-0 \(.*etcd-0\) and etcd-2 \(.*etcd-2\) was lost, and .* put the directories back/,
      ),
    });
    for (const index of [0, 1, 2]) {
      await expect(world.put(index, "/b", "y")).rejects.toEqual(refused);
      await expect(world.get(index, "/a")).rejects.toEqual(refused);
    }
    for (const index of [0, 2])
      await expect(host.settle(() => world.ref(index).call("status", null))).rejects.toEqual(refused);
    const { errors, leader } = await host.settle(() => world.ref(1).call("status", null));
    expect([leader, errors.length]).toEqual(["", 1]);
  });

  it("lets others take the places of two of five whose disks are lost, one after the other", async () => {
    const world = new EtcdWorld(24, {}, 5);
    const { host } = world;
    await host.start();
    for (let count = 0; count < 20; count++) await world.put(count % 5, `/k/${count}`, `${count}`);
    const leader = await world.leader();
    const victims = [world.names[leader]!, world.names[(leader + 2) % 5]!];
    for (const victim of victims) host.kill(victim, { disk: "lost" });
    await host.run(8_000);
    for (const index of [0, 1, 2, 3, 4]) expect(await world.get(index, "/k/19")).toBe("19");
    const { members } = await host.settle(() => world.ref(0).call("memberList", {}));
    const isLearner = new Map(members.map((member) => [member.name, member.isLearner]));
    expect(isLearner).toEqual(new Map(world.names.map((name) => [name, false])));
    // Two more may be away: all five count.
    for (const name of world.names.filter((one) => !victims.includes(one)).slice(0, 2)) host.hang(name);
    await host.run(3_000);
    await world.put(world.names.indexOf(victims[0]!), "/after", "y");
  });

  it("refuse to start when all there was is lost: a single member", async () => {
    const world = new EtcdWorld(23, {}, 1);
    world.host.disk("etcd-0").registered = true;
    await expect(world.host.start()).rejects.toMatchObject({
      code: "ETCD_QUORUM_LOST",
      message: expect.stringContaining("etcd-0 ("),
    });
  });

  it("go on without one whose log is damaged, and let another take its place, which is as good", async () => {
    const world = new EtcdWorld(12);
    const { host } = world;
    await host.start();
    for (let count = 0; count < 20; count++) await world.put(count % 3, `/k/${count}`, "x".repeat(100));
    const victim = ((await world.leader()) + 1) % 3;
    const name = world.names[victim]!;
    // The one with content: the last segment may be new and empty.
    const path = host
      .disk(name)
      .files()
      .find((file) => file.endsWith(".wal"))!;
    host.kill(name, { disk: "kept" });
    expect(host.disk(name).flipBit(path)).toBe(true);
    const states: AlarmState[] = [];
    const listen = (): void => {
      const end = (): void => void host.context.clock.after(5, listen);
      world.ref(victim).stream("alarms", null, { next: (told) => void states.push(told), end });
    };
    listen();
    await host.run(3_000);
    expect(states[0]).toMatchObject({ serving: false, alarms: [{ type: "CORRUPT" }] });
    expect(states[0]!.alarms[0]!.message).toContain(path.slice("wal/".length));
    expect(states.at(-1)).toEqual({ serving: true, alarms: [] });
    // What was damaged is there for who wants to look at it.
    expect(host.disk(name).files()).toContain(`replaced/${path.slice("wal/".length)}`);
    await world.put(victim, "/after", "y");
    const { errors, isLearner } = await host.settle(() => world.ref(victim).call("status", null));
    expect([errors, isLearner]).toEqual([[], false]);
    // With one more gone the two are a majority.
    host.hang(world.names[(victim + 1) % 3]!);
    await host.run(3_000);
    await world.put(victim, "/alone", "x");
  });

  it("refuse to begin anew, with nothing, when all their disks were lost although they had been up before", async () => {
    const world = new EtcdWorld(13, { established: true });
    const { host } = world;
    await host.start();
    await host.run(5_000);
    const refused = host.settle(() => world.ref(0).call("put", { key: "/a", value: bytes("x") }));
    await expect(refused).rejects.toMatchObject({ code: "ETCD_QUORUM_LOST" });
  });

  it("records the same trace twice from one seed", async () => {
    const digest = async (): Promise<string> => {
      const world = new EtcdWorld(5);
      await world.host.start();
      for (let client = 0; client < 3; client++) world.startClient(world.host.nowMs + 1_000);
      await world.host.run(300);
      world.host.kill("etcd-0");
      await world.finish();
      return world.host.trace.digest;
    };
    expect(await digest()).toBe(await digest());
  });
});
