/** How fast the simulation goes: single messages between two actors in one thread, each a step of its own. */
import type { Call, Cast, Protocol } from "../../../protocols/protocol.ts";
import { call, cast, protocol } from "../../../protocols/protocol.ts";
import type { ActorDefinition } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 6;
const MESSAGES = 100_000;
/** All of them are in the digest; few are kept, as in a run of many seeds. */
const TRACE_EVENTS_MAX = 1_000;
const TARGET = "≥ 500,000 /s";

type Methods = {
  ping: Cast<{ readonly left: number }>;
  ask: Call<null, null>;
  asks: Call<{ readonly count: number }, null>;
};
const pingProtocol: Protocol<Methods> = protocol<Methods>("ping", {
  ping: cast(),
  ask: call(),
  asks: call({ timeoutMs: 1e9 }),
});

const pingActor: ActorDefinition<Methods, { readonly peer: string }> = defineActor(pingProtocol, (ctx) => {
  const peer = ctx.ref(pingProtocol, ctx.options.peer);
  return {
    handlers: {
      ping: ({ left }) => {
        if (left > 0) peer.cast("ping", { left: left - 1 });
      },
      ask: () => null,
      asks: async ({ count }) => {
        for (let done = 0; done < count; done++) await peer.call("ask", null);
        return null;
      },
    },
  };
});

async function makeHost(faults?: FaultPlan): Promise<SimulationHost> {
  const child = (name: string, peer: string): object => ({ name, actor: "ping", options: { peer }, links: [peer] });
  const rest = { restart: "permanent", shutdownMs: 1_000, startTimeoutMs: 1_000 };
  const host = new SimulationHost({
    seed: 1,
    spec: {
      name: "pair",
      strategy: "one_for_one",
      intensity: { restarts: 1, periodMs: 1_000 },
      backoff: { initialMs: 1, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 1 },
      children: [
        { ...child("a", "b"), ...rest },
        { ...child("b", "a"), ...rest },
      ],
    } as unknown as ConstructorParameters<typeof SimulationHost>[0]["spec"],
    definitions: { ping: pingActor },
    embedder: { name: "bench", links: ["a"] },
    traceEventsMax: TRACE_EVENTS_MAX,
    ...(faults === undefined ? {} : { faults }),
  });
  await host.start();
  return host;
}

/** Messages a second: one cast at a time to and fro, and calls one after the other, of two messages each. */
async function measure(faults?: FaultPlan): Promise<{ readonly casts: number; readonly calls: number }> {
  const host = await makeHost(faults);
  const ref = host.context.ref(pingProtocol, "a");
  const stepsBefore = host.world.steps;
  const castsFrom = performance.now();
  await host.settle(async () => ref.cast("ping", { left: MESSAGES }));
  await host.runUntil(() => host.world.steps - stepsBefore >= MESSAGES, 1e9);
  const castsMs = performance.now() - castsFrom;
  const callsFrom = performance.now();
  await host.settle(() => ref.call("asks", { count: MESSAGES / 2 }), 1e9);
  const callsMs = performance.now() - callsFrom;
  return { casts: (MESSAGES / castsMs) * 1_000, calls: (MESSAGES / callsMs) * 1_000 };
}

/** Not in force yet: what the boundaries cost by being there. */
const IDLE_PLAN: FaultPlan = {
  faults: [{ id: "later", kind: "link-drop", from: "a", to: "b", chance: 1, fromMs: 1e9 }],
};

export const simulation: Suite = {
  name: "simulation",
  about: `single messages between two simulated actors on one core; medians of ${ROUNDS} rounds of ${MESSAGES}`,
  run: async (report) => {
    const rounds = {
      casts: [] as number[],
      calls: [] as number[],
      castsIdle: [] as number[],
      callsIdle: [] as number[],
    };
    for (let round = 0; round <= ROUNDS; round++) {
      // In turns, so that neither always comes after the other's garbage.
      const first = await measure(round % 2 === 0 ? undefined : IDLE_PLAN);
      const second = await measure(round % 2 === 0 ? IDLE_PLAN : undefined);
      const [plain, idle] = round % 2 === 0 ? [first, second] : [second, first];
      // The first round warms up.
      if (round === 0) continue;
      rounds.casts.push(plain.casts);
      rounds.calls.push(plain.calls);
      rounds.castsIdle.push(idle.casts);
      rounds.callsIdle.push(idle.calls);
    }
    const casts = { name: "no plan of faults", value: median(rounds.casts) };
    const calls = { name: "no plan of faults", value: median(rounds.calls) };
    report({ name: "casts, one at a time", value: casts.value, unit: "/s", target: TARGET });
    report({ name: "calls, one at a time, both ways", value: calls.value, unit: "/s", target: TARGET });
    report({ name: "casts, a plan with nothing in force", value: median(rounds.castsIdle), unit: "/s", peer: casts });
    report({ name: "calls, a plan with nothing in force", value: median(rounds.callsIdle), unit: "/s", peer: calls });
  },
};
