import { describe, expect, it } from "vitest";
import { StartQueue } from "../../../../runtime/threads/start-queue.ts";

/** Starts `names` and tells which have begun; `boot` ends the turn of one, `finish` its start. */
function starts(
  queue: StartQueue,
  names: readonly string[],
): {
  readonly begun: string[];
  readonly turns: Map<string, { readonly boot: () => void; readonly finish: () => void }>;
  readonly results: Promise<void>[];
} {
  const begun: string[] = [];
  const turns = new Map<string, { readonly boot: () => void; readonly finish: () => void }>();
  const results = names.map((name) =>
    queue.run(name, (boot) => {
      begun.push(name);
      return new Promise((finish) => turns.set(name, { boot, finish }));
    }),
  );
  return { begun, turns, results };
}

describe("StartQueue", () => {
  it("begins as many as there is room for at once, and the next in order when a turn ends", () => {
    const { begun, turns } = starts(new StartQueue(2), ["a", "b", "c", "d"]);
    expect(begun).toEqual(["a", "b"]);
    turns.get("b")!.boot();
    turns.get("b")!.boot();
    expect(begun).toEqual(["a", "b", "c"]);
  });

  it("ends a turn with the start, when nobody ended it before", async () => {
    const { begun, turns, results } = starts(new StartQueue(1), ["a", "b"]);
    turns.get("a")!.finish();
    await results[0];
    expect(begun).toEqual(["a", "b"]);
  });

  it("forgets who is taken out, whose start fails without having begun", async () => {
    const queue = new StartQueue(1);
    const { begun, turns, results } = starts(queue, ["a", "b", "c"]);
    expect(queue.has("b")).toBe(true);
    expect(queue.cancel("b", new Error("taken out"))).toBe(true);
    expect(queue.cancel("a", new Error("has begun"))).toBe(false);
    await expect(results[1]).rejects.toThrow("taken out");
    turns.get("a")!.boot();
    expect(begun).toEqual(["a", "c"]);
  });

  it("is crowded while starts wait, and for a while after", () => {
    const queue = new StartQueue(1);
    expect(queue.crowded).toBe(false);
    const { turns } = starts(queue, ["a", "b"]);
    expect(queue.crowded).toBe(true);
    turns.get("a")!.boot();
    expect(queue.crowded).toBe(true);
  });
});
