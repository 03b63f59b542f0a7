import { describe, expect, it } from "vitest";
import type { Alarm } from "../../../protocols/etcd.ts";
import { bytes, EtcdWorld } from "./etcd-world.ts";

/** A world with something in it, and what its members' alarms say. */
async function filled(
  seed: number,
): Promise<{ world: EtcdWorld; leader: number; alarms: Map<string, readonly Alarm[]> }> {
  const world = new EtcdWorld(seed);
  await world.host.start();
  const leader = await world.leader();
  for (let count = 0; count < 10; count++) await world.put(count % 3, "/a", `${count}`);
  const alarms = new Map<string, readonly Alarm[]>();
  for (const [index, name] of world.names.entries()) {
    world.ref(index).stream("alarms", null, {
      next: (state) => void alarms.set(name, state.alarms),
      end: () => undefined,
    });
  }
  await world.host.run(50);
  return { world, leader, alarms };
}

function fill(world: EtcdWorld, indices: readonly number[], full: boolean): void {
  for (const index of indices) world.host.disk(world.names[index]!).setFault(full ? { kind: "full" } : undefined);
}

/** How each of some writes through a member ended, with what they were told. */
async function write(world: EtcdWorld, index: number, key: string): Promise<string> {
  const answer = world.host.settle(() =>
    world.ref(index).call("put", { key, value: bytes("x") }, { timeoutMs: 2_000 }),
  );
  return answer.then(
    () => "written",
    (error: { code: string }) => error.code,
  );
}

describe("members whose disks are full", () => {
  it("refuse writes by name, go on to answer reads, and write again as soon as there is room", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { world, leader, alarms } = await filled(seed);
      const { host } = world;
      fill(world, [0, 1, 2], true);
      // The first write finds out; nobody knows what becomes of it.
      expect(await write(world, leader, "/first")).toBe("ETCD_TIMEOUT");
      await host.run(3_000);
      for (const index of [0, 1, 2]) {
        const refused = host.settle(() => world.ref(index).call("put", { key: "/b", value: bytes("x") }));
        await expect(refused).rejects.toMatchObject({ code: "ETCD_NO_SPACE", retryable: false });
        await expect(refused).rejects.toThrow(
          new RegExp(`^etcdserver: mvcc: database space exceeded: the disk of \\S+ is full: .*no space is left`),
        );
        expect(await world.get(index, "/a")).toBe("9");
        expect(alarms.get(world.names[index]!)).toMatchObject([{ type: "NOSPACE" }]);
      }
      fill(world, [0, 1, 2], false);
      await host.run(1_000);
      expect([...alarms.values()]).toEqual([[], [], []]);
      for (const index of [0, 1, 2]) expect(await write(world, index, `/c/${index}`)).toBe("written");
      expect(await world.get(0, "/b")).toBeUndefined();
      expect(await world.get(0, "/first")).toBe("x");
      expect(host.crashes).toEqual([]);
    }
  });

  it("give way as leaders when the others can write", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { world, leader } = await filled(seed);
      fill(world, [leader], true);
      const other = (leader + 1) % 3;
      await write(world, other, "/first");
      await world.host.run(2_000);
      expect(await write(world, other, "/second")).toBe("written");
      expect(await write(world, leader, "/third")).toBe("ETCD_NO_SPACE");
      expect(await world.leader()).not.toBe(leader);
      fill(world, [leader], false);
      await world.host.run(2_000);
      expect(await world.get(leader, "/second")).toBe("x");
      expect(world.host.crashes).toEqual([]);
    }
  });

  it("go on to lead and to answer reads when only one other can write", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { world, leader } = await filled(seed);
      fill(world, [leader, (leader + 1) % 3], true);
      await write(world, leader, "/first");
      for (let rounds = 0; rounds < 20; rounds++) {
        expect(await world.get(leader, "/a"), `seed ${seed}`).toBe("9");
        await world.host.run(100);
      }
      expect(await world.leader()).toBe(leader);
    }
  });

  it("hold up no one else as followers, and catch up later", async () => {
    const { world, leader } = await filled(1);
    const follower = (leader + 1) % 3;
    fill(world, [follower], true);
    for (let count = 0; count < 20; count++) expect(await write(world, leader, `/b/${count}`)).toBe("written");
    let ended: Error | undefined;
    world.ref(follower).stream("watch", { key: "/b" }, { next: () => undefined, end: (error) => void (ended = error) });
    const stale = world.host.settle(() => world.ref(follower).call("range", { key: "/b/19" }));
    await expect(stale).rejects.toMatchObject({ code: "ETCD_NO_SPACE" });
    expect(ended).toMatchObject({ code: "ETCD_NO_SPACE" });
    fill(world, [follower], false);
    await world.host.run(1_000);
    expect(await world.get(follower, "/b/19")).toBe("x");
    expect(world.host.crashes).toEqual([]);
  });

  it("start all the same, and take part when there is room", async () => {
    const { world, leader } = await filled(2);
    const follower = (leader + 1) % 3;
    world.host.kill(world.names[follower]!);
    fill(world, [follower], true);
    await world.host.run(1_000);
    expect(await write(world, follower, "/b")).toBe("ETCD_OUT_OF_SERVICE");
    expect(await write(world, leader, "/b")).toBe("written");
    fill(world, [follower], false);
    await world.host.run(7_000);
    expect(await world.get(follower, "/b")).toBe("x");
  });
});
