import { describe, expect, it } from "vitest";
import type { TraceEvent } from "../../../../runtime/trace/event.ts";
import { compareEvents } from "../../../../runtime/trace/event.ts";
import { Recorder } from "../../../../runtime/trace/recorder.ts";
import { RingWriter, makeRing, readRing } from "../../../../runtime/trace/ring.ts";
import { effectsBeforeCauses } from "../../../fixtures/trace-order.ts";
import type { Call, Protocol } from "../../../../protocols/protocol.ts";
import { call, protocol } from "../../../../protocols/protocol.ts";
import { defineActor } from "../../../../runtime/actor.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "../supervisor/harness.ts";
import { toyHost } from "../simulation/toy.ts";

type Relay = { pass: Call<{ readonly left: number }, null> };
const relayProtocol: Protocol<Relay> = protocol<Relay>("relay", { pass: call() });

/** Passes a message on to the next, so that each event has a cause in another actor. */
const relayActor = defineActor<Relay, { readonly next: string }>(relayProtocol, (ctx) => ({
  handlers: {
    pass: async ({ left }) => {
      ctx.trace.event("passed", `left/${left}`);
      if (left > 0) await ctx.ref(relayProtocol, ctx.options.next).call("pass", { left: left - 1 });
      return null;
    },
  },
}));

function relayHost(): SimulationHost {
  const relay = (name: string, next: string): ReturnType<typeof actor> =>
    actor(name, { actor: "relay", links: [next], options: { next } });
  return new SimulationHost({
    seed: 3,
    spec: supervisor(
      "root",
      [relay("a", "b"), relay("b", "c"), relay("c", "d"), actor("d", { actor: "relay", options: { next: "" } })],
      { intensity: { restarts: 100, periodMs: 1_000 } },
    ),
    definitions: { relay: relayActor },
    embedder: { name: "test", links: ["a", "d"] },
  });
}

/** As readers find the events: those of each actor together. */
function merged(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const actors = [...new Set(events.map((event) => event.actor))].toSorted();
  return actors.flatMap((name) => events.filter((event) => event.actor === name)).sort(compareEvents);
}

describe("the order of a trace", () => {
  it.each([60_000, -60_000])("puts causes before effects with a clock that is %i ms off", async (skewMs) => {
    const host = relayHost();
    await host.start();
    const pass = async (): Promise<void> => {
      for (let times = 0; times < 10; times++) {
        await host.settle(() => host.context.ref(relayProtocol, "a").call("pass", { left: 3 }));
        await host.run(1);
      }
    };
    await pass();
    host.skewClock("b", skewMs);
    host.skewClock("c", -skewMs / 2);
    await pass();
    host.kill("b", { disk: "kept" });
    await host.run(100);
    await pass();
    host.skewClock("b", 0);
    await pass();
    const { events } = host.trace;
    expect(events.filter(({ cause }) => cause !== "").length).toBeGreaterThan(100);
    const inOrder = merged(events);
    expect(effectsBeforeCauses(inOrder)).toEqual([]);
    expect(inOrder).not.toEqual(events.toSorted((left, right) => left.timeMs - right.timeMs));
  });

  it("is that of time where no clock is off and nothing caused the other", async () => {
    const host = toyHost(4);
    await host.start();
    await host.run(1_000);
    const times = merged(host.trace.events).map(({ timeMs }) => timeMs);
    const late = times.filter((timeMs, index) => index > 0 && timeMs < times[index - 1]! - 1);
    expect(late).toEqual([]);
  });

  it("goes on behind what an earlier incarnation recorded, also with a clock that was set back", () => {
    const ring = makeRing(4_096);
    let nowMs = 1_000_000;
    const clock = { nowMs: () => nowMs } as ConstructorParameters<typeof Recorder>[1];
    const first = new Recorder("a", clock, new RingWriter(ring));
    first.event("start", "a");
    first.observe(2_000_000_000);
    first.message("call", "m", "b", 0);
    nowMs = 500_000;
    new Recorder("a", clock, new RingWriter(ring)).event("start", "a");
    const lamports = readRing(ring, "a").map(({ lamport }) => lamport);
    expect(lamports).toEqual([1_000_000_001, 2_000_000_001, 2_000_000_002]);
  });
});
