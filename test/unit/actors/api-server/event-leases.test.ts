import { describe, expect, it } from "vitest";
import { EventLeases } from "../../../../actors/api-server/event-leases.ts";
import type { ApiServerOptions } from "../../../../actors/api-server/spec.ts";
import type { Store } from "../../../../actors/api-server/store.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Context } from "../../../../runtime/actor.ts";
import { servedAs } from "./harness/catalog.ts";
import { storeHost } from "../../runtime/simulation/toy.ts";

const events = servedAs("v1", "events");

/** Leases of an etcd that takes 500 ms to grant one, and refuses the first `refused`. */
function makeLeases(refused = 0): { leases: EventLeases; host: ReturnType<typeof storeHost>; granted: number[] } {
  const host = storeHost();
  const { context } = host;
  const granted: number[] = [];
  const ctx = {
    clock: context.clock,
    spawn: (work: () => Promise<void>) => context.spawn(work),
    options: { eventTtlSeconds: 3_600, requestTimeoutMs: 60_000 },
  } as unknown as Context<ApiServerOptions>;
  const call = async (_: string, { ttlSeconds }: { readonly ttlSeconds: number }): Promise<{ readonly id: string }> => {
    await context.clock.sleep(500);
    granted.push(ttlSeconds);
    if (granted.length <= refused) throw new InkubeError("ETCD_NO_LEADER", "no leader", { retryable: true });
    return { id: `lease-${granted.length}` };
  };
  return { leases: new EventLeases(ctx, { etcd: { call } } as unknown as Store), host, granted };
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

  it("is given to Events alone", () => {
    const { leases } = makeLeases();
    expect(leases.forWrite(servedAs("v1", "pods"), Infinity)).toBeUndefined();
  });
});
