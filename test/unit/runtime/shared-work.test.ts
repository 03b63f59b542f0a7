import { describe, expect, it } from "vitest";
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { Call, Protocol } from "../../../protocols/protocol.ts";
import { call, protocol } from "../../../protocols/protocol.ts";
import { defineActor } from "../../../runtime/actor.ts";
import { SharedWork } from "../../../runtime/shared-work.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "./supervisor/harness.ts";

type Source = { slow: Call<null, number> };
const sourceProtocol: Protocol<Source> = protocol<Source>("source", { slow: call({ timeoutMs: 2_000 }) });
type Front = { get: Call<null, number> };
const frontProtocol: Protocol<Front> = protocol<Front>("front", { get: call({ timeoutMs: 2_000 }) });

/** A source that answers after 500 ms, and a front that asks it once for all who ask the front meanwhile. */
function makeHost(answer: () => number): SimulationHost {
  const source = defineActor<Source, null>(sourceProtocol, (ctx) => ({
    handlers: {
      slow: async () => {
        await ctx.clock.sleep(500);
        return answer();
      },
    },
  }));
  const front = defineActor<Front, null>(frontProtocol, (ctx) => {
    let shared: SharedWork<number> | undefined;
    return {
      handlers: {
        get: (_, message) => {
          shared ??= new SharedWork(ctx, "the number", () => ctx.ref(sourceProtocol, "source").call("slow", null));
          return shared.outcome(ctx.clock.monotonicMs() + message.timeoutMs);
        },
      },
    };
  });
  return new SimulationHost({
    seed: 1,
    spec: supervisor(
      "root",
      [actor("source", { actor: "source" }), actor("front", { actor: "front", links: ["source"] })],
      {
        intensity: { restarts: 10, periodMs: 1_000 },
      },
    ),
    definitions: { source, front },
    embedder: { name: "test", links: ["front"] },
  });
}

describe("work that several wait for", () => {
  it("goes on when the first who asked has given up, or has no more time", async () => {
    const host = makeHost(() => 7);
    await host.start();
    const ref = host.context.ref(frontProtocol, "front");
    const outcomes = await host.settle(async () => {
      const givenUp = new AbortController();
      const hurried = ref.call("get", null, { timeoutMs: 100 });
      const left = ref.call("get", null, { signal: givenUp.signal });
      const patient = ref.call("get", null);
      await host.context.clock.sleep(50);
      givenUp.abort();
      return Promise.allSettled([hurried, left, patient]);
    });
    expect(outcomes).toMatchObject([
      { reason: { code: "DEADLINE_EXCEEDED" } },
      { reason: { code: "CANCELLED" } },
      { value: 7 },
    ]);
    expect(await host.settle(() => ref.call("get", null))).toBe(7);
  });

  it("lets each wait as long as it has time, whatever the others have", async () => {
    const host = makeHost(() => 7);
    await host.start();
    const { clock } = host.context;
    const fromMs = clock.monotonicMs();
    const ends = await host.settle(() => {
      const work = new SharedWork(host.context, "the sleep", () => clock.sleep(1_000));
      const until = async (deadlineMs: number): Promise<string> => {
        const how = await work.outcome(deadlineMs).then(
          () => "done",
          (error: unknown) => (hasCode(error) ? error.message : "another error"),
        );
        return `${how} after ${Math.floor((clock.monotonicMs() - fromMs) / 10)}0`;
      };
      return Promise.all([until(fromMs + 700), until(fromMs + 300), until(Infinity), until(fromMs + 500)]);
    });
    const late = "the sleep did not come in time after";
    expect(ends).toEqual([`${late} 700`, `${late} 300`, "done after 1000", `${late} 500`]);
  });

  it("fails all who wait as it fails, and breaks the actor when that is no answer", async () => {
    let error: Error = new InkubeError("NOT_NOW", "later");
    const host = makeHost(() => {
      throw error;
    });
    await host.start();
    const ref = host.context.ref(frontProtocol, "front");
    const both = (): Promise<unknown> =>
      host.settle(() => Promise.allSettled([ref.call("get", null), ref.call("get", null)]));
    expect(await both()).toMatchObject([{ reason: { code: "NOT_NOW" } }, { reason: { code: "NOT_NOW" } }]);
    expect(host.crashes).toEqual([]);
    host.kill("front");
    await host.run(1_000);
    error = new Error("broken");
    expect(await both()).toMatchObject([{ reason: { code: "ACTOR_DOWN" } }, { reason: { code: "ACTOR_DOWN" } }]);
    expect(host.crashes.map(({ actor: name }) => name)).toEqual(["source"]);
  });
});
