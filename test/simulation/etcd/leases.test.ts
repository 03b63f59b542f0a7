import { describe, expect, it } from "vitest";
import { bytes, EtcdWorld } from "./etcd-world.ts";

/** Leases of a second, each renewed once at a time of its own around its end; which of those that got more time lost their key all the same. */
async function lostAfterRenewal(seed: number, count: number): Promise<string[]> {
  const world = new EtcdWorld(seed);
  const { host } = world;
  const { clock, random } = host.context;
  await host.start();
  await world.leader();
  const lost: string[] = [];
  const one = async (key: string, renewAfterMs: number, through: number): Promise<void> => {
    const ref = world.ref(through);
    const lease = await ref.call("leaseGrant", { ttlSeconds: 1 });
    await ref.call("put", { key, value: bytes("x"), lease: lease.id });
    await clock.sleep(renewAfterMs);
    const answer = await ref.call("leaseKeepAlive", { id: lease.id }, { timeoutMs: 5_000 });
    if (answer.ttlSeconds === 0) return;
    const renewedAtMs = host.nowMs;
    await clock.sleep(20);
    const { kvs } = await ref.call("range", { key });
    // An answer after the new time is over says nothing.
    if (kvs.length === 0 && host.nowMs < renewedAtMs + 1_000) lost.push(`${key}, renewed after ${renewAfterMs} ms`);
  };
  await host.settle(() =>
    Promise.all(Array.from({ length: count }, (_, at) => one(`/l/${at}`, 980 + random.below(540), at % 3))),
  );
  await host.stop();
  return lost;
}

describe("a lease", () => {
  it("keeps its keys for the time that a renewal was told, whenever it comes", async () => {
    for (let seed = 1; seed <= 14; seed++) expect(await lostAfterRenewal(seed, 50), `seed ${seed}`).toEqual([]);
  });

  it("is not ended by a leader of before, whose time for it is not the new leader's (etcd bug 15247)", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = new EtcdWorld(seed);
      const { host } = world;
      const { clock } = host.context;
      await host.start();
      const leader = await world.leader();
      const heir = world.ref((leader + 1) % 3);
      const lease = await host.settle(() => heir.call("leaseGrant", { ttlSeconds: 1 }));
      await host.settle(() => heir.call("put", { key: "/leased", value: bytes("x"), lease: lease.id }));
      // The leader waits for its disk, so the end of the lease, which it wants by and by, waits for its turn.
      host.disk(world.names[leader]!).setFault({ kind: "stall" });
      const busy = world.ref(leader).call("put", { key: "/busy", value: bytes("x") });
      busy.catch(() => undefined);
      await host.run(2_000);
      host.context.spawn(async () => {
        await world.ref(leader).call("moveLeader", { to: world.names[(leader + 1) % 3]! });
      });
      let renewedAtMs = -Infinity;
      for (let tries = 0; tries < 50; tries++) {
        host.context.spawn(async () => {
          const answer = await heir.call("leaseKeepAlive", { id: lease.id }).catch(() => undefined);
          if (answer !== undefined && answer.ttlSeconds > 0) renewedAtMs = host.nowMs;
        });
        await host.settle(() => clock.sleep(1));
      }
      expect(renewedAtMs, `seed ${seed}`).toBeGreaterThan(0);
      await host.run(50);
      expect(await world.get((leader + 1) % 3, "/leased"), `seed ${seed}`).toBe("x");
      // Nor by that leader when it leads again.
      host.disk(world.names[leader]!).setFault(undefined);
      await host.run(200);
      await host.settle(() => heir.call("leaseKeepAlive", { id: lease.id }));
      await host.settle(() => heir.call("moveLeader", { to: world.names[leader]! }));
      const { ttlSeconds } = await host.settle(() => world.ref(leader).call("leaseKeepAlive", { id: lease.id }));
      await host.run(50);
      expect([ttlSeconds, await world.get(leader, "/leased")], `seed ${seed}`).toEqual([1, "x"]);
      await host.stop();
    }
  });
});
