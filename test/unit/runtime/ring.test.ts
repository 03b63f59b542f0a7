import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TraceEvent } from "../../../runtime/trace/event.ts";
import {
  BELL_WORD,
  RingWriter,
  copyRing,
  eventsOf,
  makeRing,
  readRing,
  setTaken,
  takenOf,
  untakenOf,
} from "../../../runtime/trace/ring.ts";

const event = (sequence: number, text: string): TraceEvent => ({
  actor: "a",
  sequence,
  lamport: sequence * 2,
  timeMs: sequence / 7,
  kind: "kind",
  subject: text,
  peer: "",
  cause: "b#1",
  detail: "x=1",
});

/** A module as text that a worker can evaluate. */
async function transformToScript(file: string): Promise<{ readonly code: string }> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: "node",
    format: "iife",
    globalName: "ring",
  });
  return {
    code: `const { workerData } = require("node:worker_threads");\n${outputFiles[0]!.text}\nconst { RingWriter } = ring;`,
  };
}

describe("the ring of a flight recorder", () => {
  it("gives back what was written while all of it fits", () => {
    const ring = makeRing(4_096);
    const writer = new RingWriter(ring);
    const events = [event(1, "pods/default/web-1"), event(2, "å 漢 🙂")];
    for (const one of events) writer.write(one);
    expect(readRing(ring, "a")).toEqual(events);
    expect(readRing(ring, "a", 1)).toEqual([events[1]]);
    expect(readRing(ring, "a", 2)).toEqual([]);
  });

  it("keeps the newest events, whole and without a gap, whatever their sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 200 }), (sizes) => {
        const ring = makeRing(8_192);
        const writer = new RingWriter(ring);
        const written = sizes.map((size, index) => event(index + 1, "x".repeat(size)));
        for (const one of written) {
          writer.write(one);
          const kept = readRing(ring, "a");
          expect(kept.at(-1)).toEqual(one);
          expect(kept).toEqual(written.slice(one.sequence - kept.length, one.sequence));
        }
        // A record of these is at most 1 KB, so what is lost is lost for want of room only.
        const room = readRing(ring, "a").length;
        expect(room).toBeGreaterThanOrEqual(Math.min(written.length, 5));
      }),
    );
  });

  it("keeps messages as it keeps other events, whatever their order", () => {
    const one = fc.record({
      size: fc.integer({ min: 0, max: 300 }),
      message: fc.boolean(),
      method: fc.integer({ min: 0, max: 600 }),
      cause: fc.integer({ min: 0, max: 0x7fff_ffff }),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (all, lifetime) => {
        const ring = makeRing(8_192);
        let writer = new RingWriter(ring);
        const written: TraceEvent[] = [];
        for (const [index, { size, message, method, cause }] of all.entries()) {
          // A restarted actor goes on in the same ring.
          if (index % lifetime === 0) writer = new RingWriter(ring);
          const sequence = index + 1;
          // Long enough that the names of a run don't all fit.
          const name = `method-${method}`.padEnd(60, "-");
          if (message) {
            const causeName = cause === 0 ? "" : `b#${cause}`;
            written.push({ ...event(sequence, name), kind: "call", peer: "b", cause: causeName, detail: "" });
            writer.writeMessage(sequence, sequence * 2, sequence / 7, "call", name, "b", cause);
          } else {
            written.push(event(sequence, "x".repeat(size)));
            writer.write(written.at(-1)!);
          }
          const kept = readRing(ring, "a");
          expect(kept).toEqual(written.slice(sequence - kept.length, sequence));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(sequence, 5));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("is read while it is written, without a torn event", async () => {
    const ring = makeRing(8_192);
    const written = 200_000;
    const source = new URL("../../../runtime/trace/ring.ts", import.meta.url).pathname;
    const { code } = await transformToScript(source);
    const thread = new Worker(
      `${code}
      const writer = new RingWriter(workerData);
      for (let sequence = 1; sequence <= ${written}; sequence++) {
        if (sequence % 3 === 0) writer.write({ actor: "a", sequence, lamport: sequence, timeMs: sequence, kind: "event", subject: "s".repeat(sequence % 90), peer: "", cause: "", detail: String(sequence) });
        else writer.writeMessage(sequence, sequence, sequence, "call", "method", "b", sequence);
      }`,
      { eval: true, workerData: ring },
    );
    const ended = once(thread, "exit");
    let seen = 0;
    while (thread.threadId !== -1) {
      const events = readRing(ring, "a");
      for (const [index, each] of events.entries()) {
        const { sequence } = each;
        if (index > 0) expect(sequence).toBe(events[index - 1]!.sequence + 1);
        expect(each.timeMs).toBe(sequence);
        if (sequence % 3 === 0) expect(each).toMatchObject({ kind: "event", detail: String(sequence) });
        else expect(each).toMatchObject({ kind: "call", subject: "method", cause: `b#${sequence}` });
      }
      seen += events.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    expect(seen).toBeGreaterThan(0);
    expect(readRing(ring, "a").at(-1)?.sequence).toBe(written);
  });

  it("gives each record once to who goes on where its last copy ended, whatever was overwritten between", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 400 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const ring = makeRing(8_192);
        const writer = new RingWriter(ring);
        let sequence = 0;
        let last = 0;
        let position = 0;
        for (const [count, size] of all) {
          for (let index = 0; index < count; index++) writer.write(event(++sequence, "x".repeat(size)));
          const copy = copyRing(ring, position);
          if (copy === undefined) {
            expect(last).toBe(sequence);
            continue;
          }
          const found = eventsOf(copy, "a").map((one) => one.sequence);
          expect(found[0]).toBeGreaterThan(last);
          expect(found).toEqual(
            Array.from({ length: found.length }, (_, index) => sequence - found.length + 1 + index),
          );
          position = copy.end;
          last = sequence;
        }
      }),
    );
  });

  it("rings when half of it is not taken, and not before", () => {
    const ring = makeRing(8_192);
    const words = new Int32Array(ring);
    const writer = new RingWriter(ring);
    const waiting = Atomics as unknown as {
      waitAsync(of: Int32Array, index: number, value: number): { readonly value: Promise<string> };
    };
    let rung = false;
    let sequence = 0;
    const { value } = waiting.waitAsync(words, BELL_WORD, 0);
    expect(untakenOf(words)).toBe("nothing");
    writer.write(event(++sequence, "x".repeat(100)));
    expect(untakenOf(words)).toBe("some");
    for (let round = 0; round < 20; round++) {
      const { end } = copyRing(ring, takenOf(ring).position)!;
      setTaken(ring, end, sequence);
      for (let index = 0; index < 20; index++) writer.write(event(++sequence, "x".repeat(100)));
    }
    // Nobody waits any more once it has rung: what a writer wakes is told by the number of who waited.
    expect(Atomics.notify(words, BELL_WORD)).toBe(1);
    const again = waiting.waitAsync(words, BELL_WORD, 0).value;
    while (untakenOf(words) !== "half") writer.write(event(++sequence, "x".repeat(100)));
    for (let index = 0; index < 20; index++) writer.write(event(++sequence, "x".repeat(100)));
    expect(Atomics.notify(words, BELL_WORD)).toBe(0);
    void value.then(() => (rung = true));
    return Promise.all([value, again]).then(() => expect(rung).toBe(true));
  });

  it("goes on with the numbers of an earlier incarnation", () => {
    const ring = makeRing(4_096);
    new RingWriter(ring).write(event(41, "before"));
    expect(new RingWriter(ring).lastSequence).toBe(41);
  });
});
