import { describe, expect, it } from "vitest";
import { EventLeases } from "../../../../actors/api-server/event-leases.ts";
import type { ApiServerOptions } from "../../../../actors/api-server/spec.ts";
import type { Store } from "../../../../actors/api-server/store.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Context } from "../../../../runtime/actor.ts";
import { servedAs } from "./harness/catalog.ts";
import { storeHost } from "../../runtime/simulation/toy.ts";

const events = servedAs("v1", "events");

interface Made {
  readonly leases: EventLeases;
  readonly host: ReturnType<typeof storeHost>;
  readonly granted: number[];
  readonly revoked: string[];
  /** Leases that Events were written with, by revision, and how many Events there are. */
  readonly seen: Map<string, number>;
  readonly events: { size: number };
}

const EVENTS_MAX = 100;
const EVENTS_A_LEASE = 40;

/** Leases of an etcd that takes 500 ms to grant one, and refuses the first `refused`. */
function makeLeases(refused = 0): Made {
  const host = storeHost();
  const { context } = host;
  const granted: number[] = [];
  const ctx = {
    clock: context.clock,
    spawn: (work: () => Promise<void>) => context.spawn(work),
    options: { eventTtlSeconds: 3_600, requestTimeoutMs: 60_000, eventsMax: EVENTS_MAX },
  } as unknown as Context<ApiServerOptions>;
  const revoked: string[] = [];
  const seen = new Map<string, number>();
  const kept = { size: 0 };
  const call = async (
    method: string,
    { ttlSeconds, id }: { readonly ttlSeconds: number; readonly id: string },
  ): Promise<object> => {
    if (method === "leaseRevoke") {
      if (id === "expired") throw new InkubeError("ETCD_LEASE_NOT_FOUND", "no such lease");
      revoked.push(id);
      kept.size -= EVENTS_A_LEASE;
      return { header: { revision: 1 } };
    }
    await context.clock.sleep(500);
    granted.push(ttlSeconds);
    if (granted.length <= refused) throw new InkubeError("ETCD_NO_LEADER", "no leader", { retryable: true });
    return { id: `lease-${granted.length}` };
  };
  const store = { etcd: { call }, leases: seen, cache: () => kept, waitFor: () => Promise.resolve() };
  return { leases: new EventLeases(ctx, store as unknown as Store), host, granted, revoked, seen, events: kept };
}

describe("the lease of Events", () => {
  it("is granted once for all who write meanwhile, each of whom waits as long as its own request lasts", async () => {
    const { leases, host, granted } = makeLeases();
    const outcomes = await host.settle(() => {
      const nowMs = host.context.clock.monotonicMs();
      return Promise.allSettled([100, 2_000, 2_000].map(async (forMs) => leases.forWrite(events, nowMs + forMs)));
    });
    expect(outcomes).toMatchObject([
      { reason: { code: "DEADLINE_EXCEEDED" } },
      { value: "lease-1" },
      { value: "lease-1" },
    ]);
    expect(granted).toEqual([3_660]);
  });

  it("is asked for anew after it was refused, and after a minute", async () => {
    const { leases, host } = makeLeases(1);
    const write = (): Promise<string | undefined> => host.settle(async () => leases.forWrite(events, Infinity));
    await expect(write()).rejects.toMatchObject({ code: "ETCD_NO_LEADER" });
    expect(await write()).toBe("lease-2");
    await host.run(59_000);
    expect(await write()).toBe("lease-2");
    await host.run(1_000);
    expect(await write()).toBe("lease-3");
  });

  it("is ended early, the oldest first, when there are too many Events, but never the only one", async () => {
    const made = makeLeases();
    for (const [id, revision] of Object.entries({ young: 90, expired: 10, old: 20, older: 15 }))
      made.seen.set(id, revision);
    made.events.size = EVENTS_MAX + EVENTS_A_LEASE + 1;
    await made.host.settle(async () => made.leases.forWrite(events, Infinity));
    expect(made.revoked).toEqual(["older", "old"]);
    expect([...made.seen.keys()]).toEqual(["young"]);
    made.events.size = EVENTS_MAX + 1;
    await made.host.run(60_000);
    await made.host.settle(async () => made.leases.forWrite(events, Infinity));
    expect(made.revoked).toEqual(["older", "old"]);
  });

  it("that was ended early while it was written with is replaced by another", async () => {
    const { leases, host } = makeLeases();
    const written: (string | undefined)[] = [];
    await host.settle(() =>
      leases.write(events, Infinity, async (lease) => {
        written.push(lease);
        if (lease === "lease-1") throw new InkubeError("ETCD_LEASE_NOT_FOUND", "no such lease");
      }),
    );
    expect(written).toEqual(["lease-1", "lease-2"]);
  });

  it("is given to Events alone", () => {
    const { leases } = makeLeases();
    expect(leases.forWrite(servedAs("v1", "pods"), Infinity)).toBeUndefined();
  });
});
