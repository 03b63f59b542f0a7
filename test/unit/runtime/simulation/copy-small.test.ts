import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copySmall } from "../../../../runtime/simulation/copy-small.ts";

/** Every object within a value. */
function objectsIn(value: unknown): readonly object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

describe("copySmall", () => {
  it("copies plain data as structuredClone does, or says that it is large, and shares nothing", () => {
    let copied = 0;
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 3 })), (value) => {
        const copy = copySmall(value);
        if (copy === undefined) return;
        copied++;
        expect(copy).toEqual(structuredClone(value));
        const originals = new Set(objectsIn(value));
        for (const object of objectsIn(copy)) expect(originals.has(object)).toBe(false);
      }),
    );
    expect(copied).toBeGreaterThan(20);
  });

  it("leaves to the codec what is long, wide, binary, or of a class", () => {
    expect(copySmall(["x".repeat(257)])).toBeUndefined();
    expect(copySmall(Array.from({ length: 25 }, () => 0))).toBeUndefined();
    expect(copySmall([new Uint8Array(1)])).toBeUndefined();
    expect(copySmall([new Date(0)])).toBeUndefined();
  });

  it("refuses what no thread could send", () => {
    expect(() => copySmall([() => undefined])).toThrow("a function can't be sent");
  });
});
