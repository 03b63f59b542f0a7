import * as fc from "fast-check";
import { expect, it } from "vitest";
import { IndexSet } from "../../../../../../actors/controller-manager/core/job/index-set.ts";

const indexes = fc.array(fc.nat(40));
const setOf = (of: readonly number[]): IndexSet => IndexSet.EMPTY.with(of);

it("has what was put in, and writes and reads itself", () => {
  fc.assert(
    fc.property(indexes, indexes, (some, others) => {
      const all = new Set([...some, ...others]);
      const set = setOf(some).with(others);
      expect(set.size).toBe(all.size);
      for (let index = 0; index <= 41; index++) expect(set.has(index), `${index}`).toBe(all.has(index));
      expect(IndexSet.parse(set.text, 100).text).toBe(set.text);
      expect(IndexSet.parse(set.text, 20).size).toBe([...all].filter((index) => index < 20).length);
    }),
  );
});

it("finds the first that are missing", () => {
  fc.assert(
    fc.property(indexes, indexes, fc.nat(10), fc.nat(45), (some, taken, count, completions) => {
      const over = new Set([...some, ...taken]);
      const missing = Array.from({ length: completions }, (_, index) => index).filter((index) => !over.has(index));
      expect(setOf(some).firstMissing(count, completions, new Set(taken))).toEqual(missing.slice(0, count));
    }),
  );
});

it("counts those that a rule names", () => {
  expect(setOf([0, 1, 2, 5, 9]).sizeWithin("1-5,9", 10)).toBe(4);
  expect(setOf([3]).sizeWithin("", 10)).toBe(0);
});

/** As kube-controller-manager 1.37 writes them. */
it.each([
  [[], ""],
  [[1], "1"],
  [[2, 1], "1,2"],
  [[3, 1, 2, 7], "1-3,7"],
])("writes %j as %j", (of, text) => expect(setOf(of).text).toBe(text));
