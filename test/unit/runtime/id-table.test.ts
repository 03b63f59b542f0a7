import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdTable } from "../../../runtime/id-table.ts";

describe("the table of what is under way", () => {
  it("holds what a Map would, however long single entries last", () => {
    const step = fc.record({ add: fc.integer({ min: 0, max: 40 }), end: fc.array(fc.nat(), { maxLength: 40 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 33 }),
        fc.array(step, { maxLength: 120, size: "max" }),
        (firstId, steps) => {
          const table = new IdTable<string>();
          const model = new Map<number, string>();
          let nextId = firstId;
          for (const { add, end } of steps) {
            for (let count = 0; count < add; count++) {
              const id = nextId++;
              table.set(id, `value ${id}`);
              model.set(id, `value ${id}`);
            }
            for (const pick of end) {
              const id = firstId + (pick % (nextId - firstId + 1));
              expect(table.get(id)).toBe(model.get(id));
              expect(table.delete(id)).toBe(model.delete(id));
              expect(table.get(id)).toBeUndefined();
            }
            expect(table.size).toBe(model.size);
          }
          expect(table.entries()).toEqual([...model]);
          table.clear();
          expect(table.size).toBe(0);
          for (const id of model.keys()) expect(table.get(id)).toBeUndefined();
        },
      ),
    );
  });
});
