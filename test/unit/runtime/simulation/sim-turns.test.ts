import { describe, expect, it } from "vitest";
import type { Cast, Protocol } from "../../../../protocols/protocol.ts";
import { cast, protocol } from "../../../../protocols/protocol.ts";
import { defineActor } from "../../../../runtime/actor.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "../supervisor/harness.ts";

type Methods = { note: Cast<number> };
const noteProtocol: Protocol<Methods> = protocol<Methods>("note", { note: cast() });

/** 100 frames of 30 casts each; when each cast was handled, in the order in which they were. */
async function flood(seed: number): Promise<readonly { readonly value: number; readonly atMs: number }[]> {
  const handled: { readonly value: number; readonly atMs: number }[] = [];
  const note = defineActor<Methods, null>(noteProtocol, (ctx) => ({
    handlers: { note: (value) => void handled.push({ value, atMs: ctx.clock.monotonicMs() }) },
  }));
  const host = new SimulationHost({
    seed,
    spec: supervisor("root", [actor("a", { actor: "note" })]),
    definitions: { note },
    embedder: { name: "test", links: ["a"] },
  });
  await host.start();
  const ref = host.context.ref(noteProtocol, "a");
  for (let frame = 0; frame < 100; frame++) {
    await host.settle(async () => {
      for (let index = 0; index < 30; index++) ref.cast("note", 30 * frame + index);
    });
    await host.run(1);
  }
  await host.run(100);
  return handled;
}

describe("a simulated actor", () => {
  it("takes turns: what is left of a frame when one is over is handled in the next, in order", async () => {
    const handled = await flood(1);
    expect(handled.map(({ value }) => value)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
    const frames = Array.from({ length: 100 }, (_, frame) => handled.slice(30 * frame, 30 * frame + 30));
    const split = frames.filter((frame) => frame[0]!.atMs !== frame.at(-1)!.atMs);
    expect(split.length).toBeGreaterThan(5);
    expect(split.length).toBeLessThan(50);
  });

  it("ends its turns elsewhere with another seed, and where it did with the same", async () => {
    const [first, again, other] = [await flood(1), await flood(1), await flood(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});
