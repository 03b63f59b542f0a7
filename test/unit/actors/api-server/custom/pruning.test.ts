/** What a schema takes out of an object. */
import { expect, it } from "vitest";
import { dropNulls, readStored } from "../../../../../actors/api-server/core/custom/pruning.ts";
import { parseSchema } from "../../../../../actors/api-server/core/custom/schema.ts";

const text = { type: "string" };
const list = parseSchema({
  type: "object",
  properties: { list: { type: "array", items: { type: "object", properties: { a: text, b: text } } } },
});

it("nulls that a schema does not allow go from every item of a list", () => {
  const value = { list: [{ a: null, b: "x" }, { a: "y", b: null }, { a: null }] };
  expect(dropNulls(value, list)).toBe(true);
  expect(value).toEqual({ list: [{ b: "x" }, { a: "y" }, {}] });
});

it("what is stored is read without them, and is the object at hand where there are none", () => {
  const stored = { list: [{ a: null }, { b: null }] };
  expect(readStored(stored, list)).toEqual({ list: [{}, {}] });
  expect(stored.list).toEqual([{ a: null }, { b: null }]);
  const clean = { list: [{ a: "x" }] };
  expect(readStored(clean, list)).toBe(clean);
});
