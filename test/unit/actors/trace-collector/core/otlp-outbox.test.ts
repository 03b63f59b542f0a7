import { describe, expect, it } from "vitest";
import type { OutboxLimits } from "../../../../../actors/trace-collector/core/otlp-outbox.ts";
import { OtlpOutbox } from "../../../../../actors/trace-collector/core/otlp-outbox.ts";
import type { TraceEvent } from "../../../../../protocols/trace-collector.ts";

const limits: OutboxLimits = {
  settleMs: 100,
  messagesMax: 5,
  readyMax: 10,
  batchMax: 4,
  pauseMs: 1_000,
  pauseMsMax: 5_000,
};
const taken = { outcome: "taken", rejected: 0 } as const;
const busy = { outcome: "busy", why: "down" } as const;

function event(sequence: number, kind = "write", cause = ""): TraceEvent {
  return {
    actor: "a",
    sequence,
    lamport: sequence,
    timeMs: 0,
    kind,
    subject: "pods/default/web",
    peer: "",
    cause,
    detail: "",
  };
}
const writes = (count: number, from = 1): readonly TraceEvent[] =>
  Array.from({ length: count }, (_, index) => event(from + index));
const sequences = (events: readonly TraceEvent[] | undefined): readonly number[] | undefined =>
  events?.map(({ sequence }) => sequence);

describe("what is sent to a collector of OpenTelemetry", () => {
  it("waits for what it causes, and of messages is what something came of", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take([event(1, "call"), event(2, "call", "a#1"), event(3, "cast")], 0);
    outbox.take([event(4, "write", "a#2")], 50);
    expect(outbox.next(149)).toBeUndefined();
    expect(sequences(outbox.next(150))).toEqual([1, 2, 4]);
    outbox.answered(taken, 160, 0);
    expect(outbox.next(1_000)).toBeUndefined();
  });

  it("goes with a message of long ago that it came of, as long as that is remembered", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take([event(1, "call"), event(2, "call")], 0);
    outbox.take([event(3, "write", "a#1")], 60_000);
    expect(sequences(outbox.next(60_100))).toEqual([1, 3]);
    outbox.answered(taken, 60_100, 0);
    outbox.take(
      [4, 5, 6, 7, 8].map((sequence) => event(sequence, "cast")),
      60_200,
    );
    outbox.take([event(9, "write", "a#2")], 60_300);
    expect(sequences(outbox.next(60_400))).toEqual([9]);
  });

  it("goes in batches, one at a time, in order", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take(writes(6), 0);
    expect(sequences(outbox.next(100))).toEqual([1, 2, 3, 4]);
    expect(outbox.next(100)).toBeUndefined();
    outbox.answered(taken, 100, 0);
    expect(sequences(outbox.next(100))).toEqual([5, 6]);
    outbox.answered(taken, 100, 0);
    expect(outbox.next(1_000)).toBeUndefined();
    expect(outbox.dropped).toBe(0);
  });

  it("is sent again after a pause that doubles up to a bound, or as long as the collector says", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take(writes(1), 0);
    let nowMs = 100;
    for (const pauseMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      expect(sequences(outbox.next(nowMs))).toEqual([1]);
      outbox.answered(busy, nowMs, 1);
      expect(outbox.next(nowMs + pauseMs - 1)).toBeUndefined();
      nowMs += pauseMs;
    }
    expect(sequences(outbox.next(nowMs))).toEqual([1]);
    outbox.answered({ ...busy, afterMs: 7_000 }, nowMs, 0);
    expect(outbox.next(nowMs + 6_999)).toBeUndefined();
    expect(sequences(outbox.next(nowMs + 7_000))).toEqual([1]);
    outbox.answered(taken, nowMs + 7_000, 0);
    outbox.take(writes(1, 2), nowMs + 7_000);
    expect(sequences(outbox.next(nowMs + 7_100))).toEqual([2]);
    outbox.answered(busy, 0, 0);
    // Half of the first pause: it begins anew, spread by chance.
    expect(sequences(outbox.next(500))).toEqual([2]);
  });

  it("has a bound: the oldest goes and is counted, but not from what is under way", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take(writes(8), 0);
    expect(sequences(outbox.next(100))).toEqual([1, 2, 3, 4]);
    outbox.take(writes(12, 9), 100);
    outbox.settleAll();
    outbox.answered(busy, 100, 0);
    expect(outbox.dropped).toBe(10);
    expect(sequences(outbox.next(5_000))).toEqual([11, 12, 13, 14]);
  });

  it("does not wait for room: a flood is settled before its time", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take(writes(15), 0);
    expect(outbox.size).toBe(5);
  });

  it("is given up where it is refused, and what is rejected of it is counted", () => {
    const outbox = new OtlpOutbox(limits);
    outbox.take(writes(6), 0);
    outbox.next(100);
    outbox.answered({ outcome: "refused", why: "HTTP 400" }, 100, 0);
    expect(outbox.dropped).toBe(4);
    expect(sequences(outbox.next(100))).toEqual([5, 6]);
    outbox.answered({ outcome: "taken", rejected: 1 }, 100, 0);
    expect(outbox.dropped).toBe(5);
  });
});
