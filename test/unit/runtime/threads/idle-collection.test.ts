import { describe, expect, it } from "vitest";
import { collectGarbage, isWorthCollecting } from "../../../../runtime/threads/idle-collection.ts";

const MB = 1_048_576;

describe("garbage of a thread at rest", () => {
  it.each([
    ["is collected when the start has left some", 0, 9, 0, true],
    ["is collected when a storm has left some", 0.02, 60, 20, true],
    ["is left alone while the thread is busy", 0.3, 60, 20, false],
    ["is left alone when it is little", 0, 22, 20, false],
    ["is left alone when it is little of much", 0, 230, 200, false],
  ])("%s", (_, busyShare, usedMb, keptMb, expected) => {
    expect(isWorthCollecting({ busyShare, usedBytes: usedMb * MB, keptBytes: keptMb * MB })).toBe(expected);
  });

  it("is gone after a collection, and what is held is not", async () => {
    const held = { kept: "yes" };
    const gone = new WeakRef(makeGarbage());
    const stays = new WeakRef(held);
    // What a WeakRef was made of or asked for stays for that turn.
    await new Promise((resolve) => setImmediate(resolve));
    await collectGarbage();
    expect([gone.deref(), stays.deref()]).toEqual([undefined, held]);
  });
});

function makeGarbage(): object {
  return { list: Array.from({ length: 1_000 }, (_, index) => ({ index })) };
}
