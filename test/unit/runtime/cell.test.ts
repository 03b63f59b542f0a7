/** Two cells, a link between them that can be made anew, and time that stands still unless a handler takes some. */
import { describe, expect, it } from "vitest";
import { hasCode } from "../../../protocols/errors.ts";
import type { Call, Cast, Protocol, Stream } from "../../../protocols/protocol.ts";
import { call, cast, protocol, stream } from "../../../protocols/protocol.ts";
import type { Handlers, Incoming, Sink } from "../../../runtime/actor.ts";
import type { CellHost } from "../../../runtime/cell.ts";
import { Cell } from "../../../runtime/cell.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Envelope } from "../../../runtime/frame.ts";
import type { TraceSink } from "../../../runtime/trace/recorder.ts";
import { Recorder } from "../../../runtime/trace/recorder.ts";

type Methods = {
  ask: Call<number, number>;
  single: Call<number, number>;
  merged: Call<string, number>;
  held: Cast<number>;
  watch: Stream<number, number>;
};
const testProtocol: Protocol<Methods> = protocol<Methods>("test", {
  ask: call(),
  single: call({ concurrencyMax: 1 }),
  merged: call({ concurrencyMax: 1, mailbox: { whenFull: "coalesce", key: (key: string) => key, max: 10 } }),
  held: cast({ mailbox: { whenFull: "block", max: 2 } }),
  watch: stream({ window: 4 }),
});

const NO_SINK: TraceSink = { lastSequence: 0, lastLamport: 0, write: () => undefined, writeMessage: () => undefined };
const noLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

class Pair {
  readonly crashes: unknown[] = [];
  /** What the served actor does in its next turn, when it has used up this one. */
  readonly turns: (() => void)[] = [];
  readonly caller: Cell;
  readonly served: Cell;
  nowMs = 0;
  private session = 0;

  constructor(handlers: Partial<Handlers<Methods>>) {
    const clock = {
      nowMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      after: () => ({ cancel: () => undefined }),
    } as unknown as Clock;
    const host = (name: string, other: () => Cell): CellHost => ({
      clock,
      recorder: new Recorder(name, clock, NO_SINK),
      log: noLog,
      transmit: (_, envelopes) => {
        const { session } = this;
        const frame = structuredClone(envelopes) as Envelope[];
        // As a host does: what was sent over an earlier link is not delivered.
        queueMicrotask(
          () => void (session === this.session && other().receive(name, { lamport: 0, envelopes: frame })),
        );
      },
      atEndOfTurn: (action) => queueMicrotask(action),
      progress: () => undefined,
      crash: (error) => void this.crashes.push(error),
      ...(name === "served"
        ? { turns: { budgetMs: 2, next: (action: () => void) => void this.turns.push(action) } }
        : {}),
    });
    this.caller = new Cell(
      "caller",
      host("caller", () => this.served),
    );
    this.served = new Cell(
      "served",
      host("served", () => this.caller),
    );
    this.connect();
    this.served.activate(testProtocol, handlers as Handlers<Methods>);
  }

  get ref(): ReturnType<typeof this.caller.ref<Methods>> {
    return this.caller.ref(testProtocol, "served");
  }

  connect(): void {
    this.session++;
    this.caller.linkUp("served");
    this.served.linkUp("caller");
  }

  /** The caller has died and is there again: both ends begin a new link. */
  async reconnect(): Promise<void> {
    await settle();
    this.caller.linkDown("served", "killed");
    this.served.linkDown("caller", "killed");
    this.connect();
  }
}

/** Lets everything that is under way arrive. */
async function settle(): Promise<void> {
  for (let hop = 0; hop < 50; hop++) await Promise.resolve();
}

/** Handlers that are under way until the test ends them, in order. */
class Held<T> {
  readonly ends: ((value: T) => void)[] = [];

  readonly hold = (): Promise<T> => new Promise((resolve) => void this.ends.push(resolve));
}

async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => (hasCode(error) ? error.code : error));
}

describe("a link that is made anew", () => {
  it("answers no call that was asked over an earlier one", async () => {
    const held = new Held<number>();
    const pair = new Pair({ ask: held.hold });
    const before = outcome(pair.ref.call("ask", 1));
    await pair.reconnect();
    const after = outcome(pair.ref.call("ask", 2));
    await settle();
    held.ends[0]!(1);
    await settle();
    held.ends[1]!(2);
    expect([await before, await after]).toEqual(["ACTOR_DOWN", 2]);
    expect(pair.crashes).toEqual([]);
  });

  it("does not hand the items of an earlier one's stream to its own", async () => {
    const sinks: Sink<number>[] = [];
    const pair = new Pair({ watch: (_, sink) => void sinks.push(sink) });
    const seen: number[] = [];
    const consumer = { next: (item: number): void => void seen.push(item), end: (): void => void seen.push(-1) };
    pair.ref.stream("watch", 0, consumer);
    await pair.reconnect();
    pair.ref.stream("watch", 0, consumer);
    await settle();
    sinks[0]!.push(1);
    sinks[0]!.end();
    sinks[1]!.push(2);
    await settle();
    expect(seen).toEqual([-1, 2]);
  });

  it("counts no cast of an earlier one as handled: it lets no more through than may be under way", async () => {
    const held = new Held<void>();
    const pair = new Pair({ held: held.hold });
    const send = (): void => [1, 2, 3].forEach((value) => pair.ref.cast("held", value));
    send();
    await pair.reconnect();
    send();
    await settle();
    expect(held.ends).toHaveLength(4);
    held.ends[0]!();
    held.ends[1]!();
    await settle();
    expect(held.ends).toHaveLength(4);
    held.ends[2]!();
    await settle();
    expect(held.ends).toHaveLength(5);
  });

  it("leaves what was put aside behind: it is not answered to another's call", async () => {
    let ready = false;
    const pair = new Pair({ ask: (value, message: Incoming) => (ready ? value : message.stash()) });
    const before = outcome(pair.ref.call("ask", 1));
    await pair.reconnect();
    const after = outcome(pair.ref.call("ask", 2));
    await settle();
    ready = true;
    pair.served.unstash();
    expect([await before, await after]).toEqual(["ACTOR_DOWN", 2]);
  });
});

describe("a message that is put aside", () => {
  it.each(["at once", "after a while"])("is forgotten with its stream: %s", async (when) => {
    let opened = 0;
    const held = new Held<void>();
    const pair = new Pair({
      watch: async (_, sink) => {
        opened++;
        if (when === "after a while") await held.hold();
        sink.stash();
      },
    });
    const subscription = pair.ref.stream("watch", 0, { next: () => undefined, end: () => undefined });
    await settle();
    subscription.cancel();
    await settle();
    held.ends[0]?.();
    await settle();
    pair.served.unstash();
    await settle();
    expect(opened).toBe(1);
    expect(pair.served.statistics()).toMatchObject({
      stashed: 0,
      underWay: 0,
      methods: { watch: { handled: 1, failed: 0 } },
    });
  });

  it("is answered to all whose messages it replaced, also when its own caller has given up", async () => {
    let ready = false;
    const held = new Held<number>();
    const pair = new Pair({
      merged: (key, message) => (key === "first" ? held.hold() : ready ? 7 : message.stash()),
    });
    const first = pair.ref.call("merged", "first");
    const givenUp = new AbortController();
    const older = outcome(pair.ref.call("merged", "key"));
    const newest = outcome(pair.ref.call("merged", "key", { signal: givenUp.signal }));
    await settle();
    held.ends[0]!(1);
    await first;
    await settle();
    expect(pair.served.statistics()).toMatchObject({ stashed: 1 });
    givenUp.abort();
    await settle();
    expect(pair.served.statistics()).toMatchObject({ stashed: 1 });
    ready = true;
    pair.served.unstash();
    expect([await older, await newest]).toEqual([7, "CANCELLED"]);
  });
});

describe("messages that wait in line for their method", () => {
  it("are handled as long as the turn lasts, and go on in the next one", async () => {
    let handled = 0;
    const held = new Held<number>();
    const pair: Pair = new Pair({
      single: (value) => {
        if (value === 0) return held.hold();
        pair.nowMs++;
        handled++;
        return value;
      },
    });
    const answers = Promise.all(Array.from({ length: 100 }, (_, value) => pair.ref.call("single", value)));
    await settle();
    held.ends[0]!(0);
    await settle();
    const perTurn: number[] = [];
    for (let before = 0; ; before = handled) {
      perTurn.push(handled - before);
      const next = pair.turns.shift();
      if (next === undefined) break;
      next();
      await settle();
    }
    expect(Math.max(...perTurn)).toBeLessThan(20);
    expect(await answers).toEqual(Array.from({ length: 100 }, (_, value) => value));
  });

  it("wait while the actor is suspended", async () => {
    const held = new Held<number>();
    const pair = new Pair({ single: held.hold });
    const answers = Promise.all([pair.ref.call("single", 0), pair.ref.call("single", 1)]);
    await settle();
    pair.served.suspend();
    held.ends[0]!(0);
    await settle();
    expect(held.ends).toHaveLength(1);
    pair.served.resume();
    held.ends[1]!(1);
    expect(await answers).toEqual([0, 1]);
  });
});
