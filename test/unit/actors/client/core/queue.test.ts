import fc from "fast-check";
import { expect, it } from "vitest";
import { KeyQueue } from "../../../../../actors/client/core/queue.ts";

const backoff = { baseMs: 5, capMs: 40 };

it("hands out a key once however often it was added", () => {
  const queue = new KeyQueue(backoff);
  queue.add("a", 0);
  queue.add("a", 0);
  expect([queue.take()?.key, queue.take()]).toEqual(["a", undefined]);
});

it("hands out a key that was added while being worked on only when that work is done", () => {
  const queue = new KeyQueue(backoff);
  queue.add("a", 0);
  queue.take();
  queue.add("a", 0);
  expect(queue.take()).toBeUndefined();
  queue.done("a");
  expect(queue.take()?.key).toBe("a");
});

it("tells since when a key has waited, and how often one came to wait", () => {
  const queue = new KeyQueue(backoff);
  queue.add("a", 10);
  queue.add("a", 20);
  queue.addAt("b", 30);
  queue.advance(40);
  expect(queue.take()).toEqual({ key: "a", sinceMs: 10 });
  queue.add("a", 50);
  expect(queue.take()).toEqual({ key: "b", sinceMs: 40 });
  queue.done("a");
  expect(queue.take()).toEqual({ key: "a", sinceMs: 50 });
  expect(queue.adds).toBe(3);
});

it("delays a failing key longer each time up to the cap, and starts anew once forgotten", () => {
  const queue = new KeyQueue(backoff);
  const delays: (number | undefined)[] = [];
  for (let round = 0; round < 5; round++) {
    queue.addRateLimited("a", 0);
    delays.push(queue.advance(0));
    queue.advance(1_000);
    queue.take();
    queue.done("a");
  }
  expect(delays).toEqual([5, 10, 20, 40, 40]);
  queue.forget("a");
  queue.addRateLimited("a", 0);
  expect(queue.advance(0)).toBe(5);
});

it("keeps the earlier of two times for one key", () => {
  const queue = new KeyQueue(backoff);
  queue.addAt("a", 100);
  queue.addAt("a", 50);
  queue.addAt("a", 70);
  expect(queue.advance(49)).toBe(50);
  expect(queue.advance(50)).toBeUndefined();
  expect(queue.take()?.key).toBe("a");
  expect(queue.size).toBe(1);
});

it("loses no key and never hands one out twice at a time, whatever happens", () => {
  const step = fc.record({
    act: fc.constantFrom("add", "later", "fail", "take", "done", "advance"),
    key: fc.constantFrom("a", "b", "c"),
    ms: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new KeyQueue(backoff);
      const working = new Set<string>();
      const owed = new Set<string>();
      let nowMs = 0;
      const take = (): boolean => {
        const key = queue.take()?.key;
        if (key === undefined) return false;
        expect(working.has(key)).toBe(false);
        working.add(key);
        owed.delete(key);
        return true;
      };
      for (const { act, key, ms } of steps) {
        if (act === "add" || act === "later" || act === "fail") owed.add(key);
        if (act === "add") queue.add(key, nowMs);
        if (act === "later") queue.addAt(key, nowMs + ms);
        if (act === "fail") queue.addRateLimited(key, nowMs);
        if (act === "take") take();
        if (act === "done" && working.delete(key)) queue.done(key);
        if (act === "advance") queue.advance((nowMs += ms));
      }
      for (const key of [...working]) {
        working.delete(key);
        queue.done(key);
      }
      queue.advance(nowMs + 10_000);
      while (take()) {
        for (const key of [...working]) {
          working.delete(key);
          queue.done(key);
        }
      }
      expect([...owed]).toEqual([]);
      expect(queue.size).toBe(0);
    }),
  );
});
