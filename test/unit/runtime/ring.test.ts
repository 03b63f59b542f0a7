import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TraceEvent } from "../../../runtime/trace/event.ts";
import { RingWriter, makeRing, readRing } from "../../../runtime/trace/ring.ts";

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

  it("goes on with the numbers of an earlier incarnation", () => {
    const ring = makeRing(4_096);
    new RingWriter(ring).write(event(41, "before"));
    expect(new RingWriter(ring).lastSequence).toBe(41);
  });
});
