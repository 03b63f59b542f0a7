/** An upgrade in a tree where other things go wrong at the same time, in the simulation. */
import { describe, expect, it } from "vitest";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { Ref } from "../../../../runtime/actor.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import type { Strategy, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { ledgerActor } from "../../../fixtures/actors/ledger-actor.ts";
import type { LedgerMethods } from "../../../fixtures/actors/ledger-protocol.ts";
import { ledgerProtocol } from "../../../fixtures/actors/ledger-protocol.ts";
import { actor, supervisor } from "./harness.ts";

const EMBEDDER = "test";
const SEEDS = 1_000;

/** mulberry32 */
function drawFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function tree(restarts: number, strategy: Strategy, rootRestarts: number): SupervisorSpec {
  const ledger = (name: string) => actor(name, { actor: "ledger", options: { version: 1 }, links: [EMBEDDER] });
  const intensity = { restarts, periodMs: 600_000 };
  return supervisor("root", [supervisor("office", [ledger("ledger"), ledger("copy")], { strategy, intensity })], {
    intensity: { restarts: rootRestarts, periodMs: 600_000 },
  });
}

async function world(
  options: {
    readonly seed?: number;
    readonly restarts?: number;
    readonly strategy?: Strategy;
    readonly rootRestarts?: number;
  } = {},
): Promise<{ readonly host: SimulationHost; readonly ledger: Ref<LedgerMethods> }> {
  const host = new SimulationHost({
    seed: options.seed ?? 3,
    spec: tree(options.restarts ?? 0, options.strategy ?? "one_for_one", options.rootRestarts ?? 50),
    definitions: { ledger: ledgerActor },
    embedder: { name: EMBEDDER, links: [] },
  });
  await host.start();
  const ledger = host.context.ref(ledgerProtocol, "ledger");
  await host.settle(() => ledger.call("add", { by: 5 }));
  return { host, ledger };
}

const failure = (work: Promise<unknown>): Promise<InkubeError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as InkubeError,
  );
const statusOf = (host: SimulationHost, name: string): object | undefined =>
  host.supervisor.status().find((status) => status.name === name);

describe("an upgrade", () => {
  it("spends no restart when the next version does not start, not even where none is allowed", async () => {
    const { host, ledger } = await world();
    const error = await host.settle(() =>
      failure(host.supervisor.upgrade("ledger", { options: { version: 2, fails: "start" } })),
    );
    expect(error).toMatchObject({ code: "UPGRADE_FAILED" });
    expect(error.message).toContain("this version is broken");
    expect(await host.settle(() => ledger.call("get", null))).toMatchObject({ total: 5, version: 1 });
    expect(host.supervisor.status().map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);
    await host.stop();
  });

  it("is taken back with all of its state when the next version dies under its probe, whatever the probe then says", async () => {
    const { host, ledger } = await world({ restarts: 5 });
    const error = await host.settle(() =>
      failure(
        host.supervisor.upgrade(
          "ledger",
          { options: { version: 2 } },
          {
            probe: async () => {
              // A cast to one that is not linked yet would be lost.
              expect(await ledger.call("get", null)).toMatchObject({ total: 5, version: 2 });
              ledger.cast("crash", null);
              await host.context.clock.sleep(500);
            },
          },
        ),
      ),
    );
    expect(error).toMatchObject({ code: "UPGRADE_FAILED" });
    expect(error.message).toMatch(/down.*throw/);
    expect(await host.settle(() => ledger.call("get", null))).toMatchObject({ total: 5, version: 1 });
    expect(statusOf(host, "ledger")).toMatchObject({ state: "up", restarts: 0 });
    await host.stop();
  });

  it("fails, and keeps nobody waiting, when everything is stopped meanwhile", async () => {
    for (const afterMs of [0, 0.05, 0.2, 0.5, 1, 2, 3, 4, 5, 8, 12]) {
      const { host, ledger } = await world();
      const error = await host.settle(async () => {
        const upgrade = failure(
          host.supervisor.upgrade(
            "ledger",
            { options: { version: 2 } },
            { probe: () => ledger.call("add", { by: 1, afterMs: 1_000 }) },
          ),
        );
        await host.context.clock.sleep(afterMs);
        await host.supervisor.stop();
        return upgrade;
      });
      expect(["UPGRADE_FAILED", "ACTOR_DOWN"], `after ${afterMs} ms`).toContain(error.code);
      expect(host.actors).toEqual([]);
    }
  });

  it("does not keep an actor down whose supervisor was taken out and put back meanwhile", async () => {
    for (const afterMs of [0, 0.05, 0.2, 0.5, 1, 2, 3, 4, 5, 8, 12]) {
      const { host, ledger } = await world();
      await host.settle(async () => {
        const upgrade = failure(
          host.supervisor.upgrade(
            "ledger",
            { options: { version: 2 } },
            { probe: () => ledger.call("add", { by: 1, afterMs: 1_000 }) },
          ),
        );
        await host.context.clock.sleep(afterMs);
        await host.supervisor.takeOut("office", { kill: true });
        await upgrade;
        await host.supervisor.putBack("office");
      });
      expect(await host.settle(() => ledger.call("get", null)), `after ${afterMs} ms`).toMatchObject({ version: 1 });
      await host.stop();
    }
  });

  it(`ends with one incarnation, of the version that it tells, whatever goes wrong in whichever phase (${SEEDS} seeds)`, async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await disturbed(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Each of its ways out is taken, so that the histories are worth something.
    for (const outcome of ["upgraded", "UPGRADE_FAILED", "gave up"]) expect(outcomes.get(outcome)).toBeGreaterThan(20);
  });
});

/** One upgrade among crashes, in a small tree of any strategy. */
async function disturbed(seed: number): Promise<string> {
  const random = drawFrom(seed);
  const among = <T>(choices: readonly T[]): T => choices[random(choices.length)]!;
  const { host, ledger } = await world({
    seed,
    restarts: random(4),
    rootRestarts: random(2),
    strategy: among(["one_for_one", "one_for_all", "rest_for_one"] as const),
  });
  const { clock } = host.context;
  const fails = among([undefined, undefined, undefined, "start", "start-for-ever"] as const);
  const probe = among<(() => Promise<unknown>) | undefined>([
    undefined,
    () => ledger.call("add", { by: 0, afterMs: random(10) }),
    () => Promise.reject(new Error("it answers nonsense")),
  ]);
  const disturb = async (): Promise<void> => {
    await clock.sleep(random(25_000) / 1_000);
    const what = random(5);
    if (what < 2) host.kill("ledger");
    else if (what === 2) host.kill("copy");
    else if (what === 3) host.hang("ledger");
    else {
      await host.supervisor.takeOut("office", { kill: random(2) === 0 });
      await clock.sleep(random(10));
      await host.supervisor.putBack("office");
    }
  };
  const change = { options: { version: 2, ...(fails === undefined ? {} : { fails }) }, startTimeoutMs: 50 };
  const outcome = await host.settle(async () => {
    const upgrade = host.supervisor.upgrade("ledger", change, probe === undefined ? {} : { probe }).then(
      () => "upgraded",
      (error: unknown) => (error as InkubeError).code,
    );
    // A tree that has given up puts nothing back.
    for (let count = random(4); count > 0; count--) void disturb().catch(() => undefined);
    return upgrade;
  });
  await host.run(20_000);
  const state = (name: string): string => host.supervisor.status().find((status) => status.name === name)!.state;
  if (state("root") === "ended") {
    expect(host.actors).toEqual([]);
    return "gave up";
  }
  expect([state("office"), state("ledger"), state("copy")]).toEqual(["up", "up", "up"]);
  expect([...host.actors].sort()).toEqual(["copy", "ledger"]);
  expect(await host.settle(() => ledger.call("get", null))).toMatchObject({ version: outcome === "upgraded" ? 2 : 1 });
  await host.stop();
  expect(host.actors).toEqual([]);
  return outcome;
}
