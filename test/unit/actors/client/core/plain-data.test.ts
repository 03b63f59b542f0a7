import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findNotPlain } from "../../../../../actors/client/core/plain-data.ts";

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
};
const ring: unknown[] = [];
ring.push(ring, ring);
let shared: unknown = 1;
for (let level = 0; level < 40; level++) shared = [shared, shared];

describe("a body", () => {
  it("may be any JSON, of any realm, with fields that are absent", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        expect(findNotPlain(value)).toBeUndefined();
      }),
    );
    expect(findNotPlain({ a: undefined, b: Object.create(null) as unknown })).toBeUndefined();
    expect(findNotPlain(runInNewContext("({ a: [{ b: 1 }] })"))).toBeUndefined();
    expect(findNotPlain(nested(1_000))).toBeUndefined();
  });

  it.each([
    [Symbol("s"), "", "is a symbol"],
    [{ data: { a: Symbol("s") } }, "data.a", "is a symbol"],
    [{ data: { a: (): number => 1 } }, "data.a", "is a function"],
    [{ a: [0, 1n] }, "a[1]", "is a bigint"],
    [[undefined], "[0]", "is undefined"],
    [{ a: Number.NaN }, "a", "is NaN"],
    [{ a: Infinity }, "a", "is Infinity"],
    [{ a: new Date(0) }, "a", "instance of a class"],
    [{ a: new Uint8Array(1) }, "a", "instance of a class"],
    [{ a: { [Symbol("s")]: 1 } }, "a", "named by a symbol"],
    [JSON.parse('{"a":{"__proto__":1}}'), "a.__proto__", "name that can't be kept"],
    [nested(1_001), "a.a.a.a.a.a.a.a.a.a.a.a…", "more than 1000 deep"],
    [ring, "[0][0][0][0][0][0][0][0][0][0][0][0]…", "does it contain itself?"],
    [{ shared }, /^shared\[/, "more than 1500000 values"],
    [
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("no");
          },
        },
      ),
      "",
      "can't be read: no",
    ],
    [
      {
        a: {
          get b(): never {
            throw new Error("no");
          },
        },
      },
      "a.b",
      "can't be read: no",
    ],
  ])("that is anything else is refused with the place (%#)", (value: unknown, path, what) => {
    const found = findNotPlain(value);
    expect(found?.path).toEqual(typeof path === "string" ? path : expect.stringMatching(path));
    expect(found?.what).toContain(what);
  });
});
