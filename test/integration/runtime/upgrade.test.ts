/** An actor becomes another version of itself, the same on threads and in the simulation. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../runtime/clock.ts";
import type { Ref } from "../../../runtime/actor.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import type { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { ledgerActor } from "../../fixtures/actors/ledger-actor.ts";
import type { LedgerMethods } from "../../fixtures/actors/ledger-protocol.ts";
import { ledgerProtocol } from "../../fixtures/actors/ledger-protocol.ts";
import { EMBEDDER, child, tree, useThreads } from "../../fixtures/threads.ts";

interface World {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly ledger: Ref<LedgerMethods>;
  run<T>(work: () => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

const { start } = useThreads();

const ledger = (more: Partial<ChildSpec> = {}): SupervisorSpec =>
  tree([child("ledger", "ledger", { options: { version: 1 }, startTimeoutMs: 10_000, ...more })], {
    intensity: { restarts: 1, periodMs: 600_000 },
    backoff: { ...BACKOFF, initialMs: 1 },
  });

async function threads(more: Partial<ChildSpec> = {}): Promise<World & { prepared(): number }> {
  const { host, supervisor, embedder } = await start(ledger(more));
  return {
    supervisor,
    clock: embedder.context.clock,
    ledger: embedder.ref(ledgerProtocol, "ledger"),
    prepared: () => host.preparedReady,
    run: (work) => work(),
    end: () => Promise.resolve(),
  };
}

async function simulation(): Promise<World> {
  const host = new SimulationHost({
    seed: 11,
    spec: ledger(),
    definitions: { ledger: ledgerActor },
    embedder: { name: EMBEDDER, links: [] },
  });
  await host.start();
  return {
    supervisor: host.supervisor,
    clock: host.context.clock,
    ledger: host.context.ref(ledgerProtocol, "ledger"),
    run: (work) => host.settle(work),
    end: async () => {
      await host.stop();
      expect(host.actors).toEqual([]);
    },
  };
}

const failure = (error: unknown): { readonly code: string; readonly message: string } =>
  error as { readonly code: string; readonly message: string };

describe.each([
  ["on a thread of its own", () => threads()],
  ["on a shared thread", () => threads({ thread: "shared" })],
  ["in the simulation", simulation],
] as const)("an actor %s", (_, make: () => Promise<World>) => {
  let world: World;
  beforeEach(async () => {
    world = await make();
    await world.run(() => world.ledger.call("add", { by: 5 }));
  });
  afterEach(() => world.end());

  it("becomes its next version with what it knew, after what it had under way, and no idempotent call fails", async () => {
    const outcome = await world.run(async () => {
      const before = await world.ledger.call("get", null);
      const underWay = world.ledger.call("add", { by: 1, afterMs: 100 });
      // It is on its way before the upgrade begins.
      await world.ledger.call("get", null);
      let upgrading = true;
      const upgrade = world.supervisor
        .upgrade("ledger", { options: { version: 2 } })
        .finally(() => (upgrading = false));
      const versions = new Set<number>();
      const reading = (async (): Promise<void> => {
        for (let more = true; more; more = upgrading) {
          versions.add((await world.ledger.call("get", null)).version);
          await world.clock.sleep(1);
        }
      })();
      const added = await underWay;
      await Promise.all([upgrade, reading]);
      return { before, added, versions: [...versions], after: await world.ledger.call("get", null) };
    });
    expect(outcome.added).toMatchObject({ total: 6, version: 1, incarnation: outcome.before.incarnation });
    expect(outcome.versions.at(-1)).toBe(2);
    expect(outcome.after).toMatchObject({ total: 6, version: 2 });
    expect(outcome.after.incarnation).not.toBe(outcome.before.incarnation);
    expect(world.supervisor.status().find(({ name }) => name === "ledger")).toMatchObject({ state: "up", restarts: 0 });
  });

  it.each([
    ["does not start", { fails: "start" }, {}, /this version is broken/],
    ["does not come up in time", { fails: "start-for-ever" }, { startTimeoutMs: 200 }, /start|200 ms/],
  ] as const)("stays what it was when its next version %s", async (_what, options, change, why) => {
    const { error, after } = await world.run(async () => ({
      error: failure(
        await world.supervisor
          .upgrade("ledger", { ...change, options: { version: 2, ...options } })
          .catch((reason: unknown) => reason),
      ),
      after: await world.ledger.call("get", null),
    }));
    expect(error.code).toBe("UPGRADE_FAILED");
    expect(error.message).toMatch(why);
    expect(after).toMatchObject({ total: 5, version: 1 });
  });

  it.each([
    ["fails", () => Promise.reject(new Error("it answers nonsense")), /old version runs again: it answers nonsense/],
    ["does not end", () => new Promise(() => undefined), /old version runs again: its probe did not end within 50 ms/],
  ] as const)("is taken back when the probe of its next version %s", async (_what, probe, why) => {
    const seen: number[] = [];
    const { error, after } = await world.run(async () => ({
      error: failure(
        await world.supervisor
          .upgrade(
            "ledger",
            { options: { version: 2 } },
            {
              probe: async () => {
                seen.push((await world.ledger.call("get", null)).version);
                await probe();
              },
              probeTimeoutMs: 50,
            },
          )
          .catch((reason: unknown) => reason),
      ),
      after: await world.ledger.call("get", null),
    }));
    expect(seen).toEqual([2]);
    expect(error.message).toMatch(why);
    expect(after).toMatchObject({ total: 5, version: 1 });
  });

  it.each([
    ["throws", "hand-over", /did not hand over: .*nothing to hand over/],
    ["is no plain data", "hand-over-code", /did not hand over: .*(could not be cloned|Unserializable)/],
  ] as const)("works on when what it hands over %s", async (_what, fails, why) => {
    const { before, error, after } = await world.run(async () => {
      await world.supervisor.upgrade("ledger", { options: { version: 3, fails } });
      const working = await world.ledger.call("get", null);
      const refused = await world.supervisor
        .upgrade("ledger", { options: { version: 4 } })
        .catch((reason: unknown) => reason);
      return { before: working, error: failure(refused), after: await world.ledger.call("get", null) };
    });
    expect(error.code).toBe("UPGRADE_FAILED");
    expect(error.message).toMatch(why);
    expect(after).toEqual(before);
  });

  it("is restarted as its next version when that crashes later, without what was handed over", async () => {
    const after = await world.run(async () => {
      await world.supervisor.upgrade("ledger", { options: { version: 2 } });
      // A cast to one that is not linked yet would be lost.
      await world.ledger.call("get", null);
      world.ledger.cast("crash", null);
      await world.clock.sleep(1);
      return world.ledger.call("get", null);
    });
    expect(after).toMatchObject({ total: 0, version: 2 });
  });

  it("is upgraded one step at a time, and only when it is up", async () => {
    const codes = await world.run(async () => {
      const first = world.supervisor.upgrade("ledger", { options: { version: 2 } });
      const second = world.supervisor.upgrade("ledger", { options: { version: 3 } }).catch((error: unknown) => error);
      await first;
      await world.supervisor.takeOut("ledger", { kill: true });
      const third = await world.supervisor.upgrade("ledger", {}).catch((error: unknown) => error);
      await world.supervisor.putBack("ledger");
      return [failure(await second).code, failure(third).code, (await world.ledger.call("get", null)).version];
    });
    expect(codes).toEqual(["INVALID_ARGUMENT", "ACTOR_DOWN", 2]);
  });
});

describe("an actor on a thread", () => {
  it("keeps no thread for an upgrade that has failed, which a restart would take with its limits", async () => {
    const world = await threads();
    await world.supervisor.upgrade("ledger", { options: { version: 2, fails: "hand-over" } });
    const upgrade = world.supervisor.upgrade("ledger", { heapLimitMb: 32 });
    await expect(upgrade).rejects.toMatchObject({ code: "UPGRADE_FAILED" });
    expect(world.prepared()).toBe(0);
  });

  it("stays what it is, untouched, when the code of its next version can't be loaded", async () => {
    const world = await threads();
    const before = await world.ledger.call("add", { by: 5 });
    const error = failure(
      await world.supervisor.upgrade("ledger", { actor: "missing" }).catch((reason: unknown) => reason),
    );
    expect(error.code).toBe("UPGRADE_FAILED");
    expect(error.message).toMatch(/its code can't be loaded/);
    expect(await world.ledger.call("get", null)).toEqual(before);
  });

  it("hands over to its next incarnation when the heap guard ends it", async () => {
    const world = await threads({ heapLimitMb: 48, hangAfterMs: 60_000 });
    await world.ledger.call("add", { by: 5 });
    const backUp = new Promise<string>((resolve) => {
      let reason = "";
      world.supervisor.onEvent((event) => {
        if (event.type === "down") reason = event.reason;
        if (event.type === "up" && event.name === "ledger") resolve(reason);
      });
    });
    world.ledger.cast("leak", null);
    expect(await backUp).toBe("heap-guard");
    expect(await world.ledger.call("get", null)).toMatchObject({ total: 5, version: 1 });
  });
});
