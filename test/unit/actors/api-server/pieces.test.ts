/** Work in pieces: who waits for whom, and when it ends. */
import { describe, expect, it } from "vitest";
import { Caller } from "../../../../actors/api-server/caller.ts";
import type { Steps } from "../../../../actors/api-server/core/steps.ts";
import { Pieces, WAITING_MAX } from "../../../../actors/api-server/pieces.ts";
import { statusOf } from "../../../../protocols/api-server.ts";
import type { Clock } from "../../../../runtime/clock.ts";

/** Time that passes only where it is said to, and turns that come one by one. */
class Turns {
  nowMs = 0;
  readonly waiting: (() => void)[] = [];
  readonly clock: Clock = {
    monotonicMs: () => this.nowMs,
    after: (_delayMs: number, action: () => void) => {
      this.waiting.push(action);
      return { cancel: () => undefined };
    },
  } as unknown as Clock;

  /** @returns how long the turn took */
  next(): number {
    const sinceMs = this.nowMs;
    this.waiting.shift()?.();
    return this.nowMs - sinceMs;
  }
}

const PIECE_MS = 1;

class World {
  readonly turns = new Turns();
  readonly pieces = new Pieces(this.turns.clock);
  readonly done: string[] = [];
  readonly ended: string[] = [];

  *work(name: string, pieces: number): Steps<string> {
    try {
      for (let i = 0; i < pieces; i++) {
        this.turns.nowMs += PIECE_MS;
        yield;
      }
      return name;
    } finally {
      this.ended.push(name);
    }
  }

  /** Notes when it is done, or why it is not. */
  begin(name: string, pieces: number, deadlineMs: number = Infinity, caller?: Caller): void {
    const result = this.pieces.run(this.work(name, pieces), deadlineMs, caller);
    if (!(result instanceof Promise)) this.done.push(`${result} at once`);
    else {
      result.then(
        (made) => this.done.push(made),
        (error: unknown) => this.done.push(`${name}: ${statusOf(error)?.message ?? String(error)}`),
      );
    }
  }

  /** @returns the turns that it took, and the longest of them */
  async untilDone(name: string): Promise<{ readonly turns: number; readonly longestMs: number }> {
    let [turns, longestMs] = [0, 0];
    for (; !this.done.some((each) => each.startsWith(name)) && this.turns.waiting.length > 0; turns++) {
      longestMs = Math.max(longestMs, this.turns.next());
      await Promise.resolve();
    }
    return { turns, longestMs };
  }
}

describe("work in pieces", () => {
  it("is done at once when it takes no longer than a turn may", () => {
    const world = new World();
    world.begin("small", 2);
    expect(world.done).toEqual(["small at once"]);
    expect(world.turns.waiting).toEqual([]);
  });

  it("takes many short turns when it takes long", async () => {
    const world = new World();
    world.begin("large", 1_000);
    expect(world.done).toEqual([]);
    const { turns, longestMs } = await world.untilDone("large");
    expect(world.done).toEqual(["large"]);
    expect(longestMs).toBeLessThan(10);
    expect(turns).toBeGreaterThan(100);
    expect(world.turns.waiting).toEqual([]);
  });

  it("is shared between two that take long", async () => {
    const world = new World();
    world.begin("one", 1_000);
    world.begin("other", 1_000);
    await world.untilDone("one");
    const { turns } = await world.untilDone("other");
    expect(turns).toBeLessThan(10);
  });

  it("of little is done before what takes long, which goes on afterwards", async () => {
    const world = new World();
    for (let i = 0; i < 5; i++) world.begin(`large ${i}`, 1_000);
    for (let i = 0; i < 300; i++) world.turns.next();
    world.begin("little", 20);
    const { turns } = await world.untilDone("little");
    expect(turns).toBeLessThan(10);
    await world.untilDone("large 4");
    expect(world.done).toHaveLength(6);
  });

  it("is under way for a few large ones at a time, the first ones first", async () => {
    const world = new World();
    for (let i = 0; i < 8; i++) world.begin(`large ${i}`, 1_000);
    await world.untilDone("large 0");
    await world.untilDone("large 7");
    expect(world.done.slice(-1)).toEqual(["large 7"]);
    expect(world.done.slice(0, 3).sort()).toEqual(["large 0", "large 1", "large 2"]);
  });

  it("ends with the time of its request, and leaves nothing behind", async () => {
    const world = new World();
    world.begin("late", 1_000, 200);
    await world.untilDone("late");
    expect(world.done).toEqual([
      "late: Timeout: request did not complete within requested timeout - context deadline exceeded",
    ]);
    expect(world.turns.nowMs).toBeLessThan(210);
    expect(world.ended).toEqual(["late"]);
    expect(world.turns.waiting).toEqual([]);
  });

  it("ends when nobody waits for its result any more", async () => {
    const world = new World();
    const gone: (() => void)[] = [];
    world.begin(
      "left",
      1_000,
      Infinity,
      new Caller({ closed: false, onClose: (listener) => void gone.push(listener) }),
    );
    for (let turn = 0; turn < 3; turn++) world.turns.next();
    const sinceMs = world.turns.nowMs;
    for (const leave of gone) leave();
    await world.untilDone("left");
    expect(world.done).toEqual(["left: InkubeError: context canceled"]);
    expect(world.turns.nowMs).toBe(sinceMs);
    expect(world.ended).toEqual(["left"]);
    expect(world.turns.waiting).toEqual([]);
  });

  it("is refused where too many wait already, but for the server's own", async () => {
    const world = new World();
    const caller = new Caller({ closed: false, onClose: () => undefined });
    for (let i = 0; i < WAITING_MAX; i++) world.begin(`waits ${i}`, 20, Infinity, caller);
    await expect(world.pieces.run(world.work("more", 20), Infinity, caller)).rejects.toThrow("too many requests");
    expect(world.ended).toEqual(["more"]);
    world.begin("own", 20);
    await world.untilDone("own");
    expect(world.done).toContain("own");
    await world.untilDone(`waits ${WAITING_MAX - 1}`);
    world.begin("late", 20, Infinity, caller);
    await world.untilDone("late");
    expect(world.done).toContain("late");
  });

  it("that is known to be much takes a turn each, and nothing of the turn in which it comes", async () => {
    const world = new World();
    const caller = new Caller({ closed: false, onClose: () => undefined });
    const results = ["one", "two", "three"].map((name) => world.pieces.later(world.work(name, 3), Infinity, caller));
    expect([world.turns.nowMs, world.turns.waiting.length]).toEqual([0, 1]);
    expect([world.turns.next(), world.turns.next(), world.turns.next()]).toEqual([3, 3, 3]);
    expect(await Promise.all(results)).toEqual(["one", "two", "three"]);
  });

  it("that fails costs nobody else anything", async () => {
    const world = new World();
    world.begin("other", 300);
    function* failing(): Steps<never> {
      yield* world.work("failing", 50);
      throw new Error("broken");
    }
    const failed = world.pieces.run(failing(), Infinity);
    const told = expect(failed).rejects.toThrow("broken");
    await world.untilDone("other");
    await told;
    expect(world.done).toEqual(["other"]);
  });

  it("is cut by the count of its pieces where time stands still, as in the simulation", () => {
    const { turns, pieces } = new World();
    let count = 0;
    function* still(): Steps<void> {
      for (; count < 100_000; count++) yield;
    }
    expect(pieces.run(still(), Infinity)).toBeInstanceOf(Promise);
    expect(count).toBeLessThan(2_000);
    turns.next();
    expect(count).toBeLessThan(4_000);
  });
});
