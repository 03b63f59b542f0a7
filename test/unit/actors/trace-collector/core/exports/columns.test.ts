import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packed, unpacked } from "../../../../../../actors/trace-collector/core/exports/columns.ts";
import { patchBetween, patched } from "../../../../../../actors/trace-collector/core/exports/patches.ts";
import { TraceRecord } from "../../../../../../actors/trace-collector/core/record.ts";
import type { TraceEvent } from "../../../../../../protocols/trace-collector.ts";
import { recordedRun } from "../../../../../fixtures/recorded-run.ts";

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe("a record in few bytes", () => {
  it("comes back as it was, but for who manages which field", async () => {
    const record = await recordedRun();
    const bytes = packed(record);
    const back = new TraceRecord(unpacked(bytes));
    expect(back.events).toEqual(record.events);
    const changes = record.changes.map(({ object, ...change }) => {
      const { managedFields: _, ...metadata } = { managedFields: undefined, ...object?.metadata };
      return { ...change, object: object === undefined ? undefined : { ...object, metadata } };
    });
    expect(asJson(back.changes)).toEqual(asJson(changes));
    expect(bytes.length).toBeLessThan(JSON.stringify([record.events, record.changes]).length / 3);
  });

  it("keeps whatever an event may say", () => {
    const text = fc.string({ unit: "binary", maxLength: 12 });
    const whole = fc.integer({ min: 0, max: 2 ** 51 });
    const event = fc.record<TraceEvent>({
      actor: fc.constantFrom("a", "b#1", ""),
      sequence: whole,
      lamport: whole,
      timeMs: fc.integer({ min: -1_000, max: 2 ** 41 }),
      kind: text,
      subject: text,
      peer: text,
      cause: fc.oneof(text, fc.constantFrom("", "a#1", "a#01", "b#1#7", "c#9007199254740993", "00-4bf9-00f0-01")),
      detail: text,
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const record = new TraceRecord({ events, gaps: [{ actor: "a", after: 3, lost: 4 }] });
        const back = unpacked(packed(record));
        expect(back.events).toEqual(record.events);
        expect(back.gaps).toEqual(record.gaps);
      }),
    );
  });

  it("is refused when it is cut or of another version", () => {
    const bytes = packed(new TraceRecord({ events: [] }));
    expect(() => unpacked(bytes.subarray(0, 5))).toThrow();
    const newer = Uint8Array.from(bytes);
    newer['{"version":'.length + 1] = "2".charCodeAt(0);
    expect(() => unpacked(newer)).toThrow("reads version 1 of a record, and it is of 2");
  });
});

describe("a patch between two objects", () => {
  it("makes the one into the other", () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.dictionary(fc.string(), value), (before, after) => {
        expect(asJson(patched(before, patchBetween(before, after)))).toEqual(asJson(after));
      }),
    );
  });

  it.each([
    [{ a: { b: 1 } }, { a: { b: 2 } }, ["a.b"]],
    [{ a: [{ b: 1 }, 2] }, { a: [{ b: 2 }] }, ["a.0.b", "a.1"]],
    [{ "app.kubernetes.io/name": 1 }, {}, ["app.kubernetes.io/name"]],
    [{ a: [] }, { a: {} }, ["a"]],
    [{ a: null }, { a: 1 }, ["a"]],
    [{ a: { b: 1 } }, { a: { b: 1 } }, []],
  ])("of %j and %j is at %j", (before, after, paths) => {
    expect(patchBetween(before, after).map(({ path }) => path.join("."))).toEqual(paths);
  });
});
