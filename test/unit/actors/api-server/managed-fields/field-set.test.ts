/** Sets of paths: structured-merge-diff `fieldpath`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldSet } from "../../../../../actors/api-server/core/managed-fields/field-set.ts";
import {
  difference,
  intersection,
  parseFieldSet,
  recursiveDifference,
  shownPaths,
  union,
  unionOfAll,
} from "../../../../../actors/api-server/core/managed-fields/field-set.ts";

const ELEMENTS = ["f:a", "f:b", 'k:{"name":"x"}', 'k:{"port":80}', 'k:{"port":443}', 'v:"q"', "i:1"];

/** Paths at random, as Kubernetes would write their set. */
const sets = fc
  .array(fc.array(fc.constantFrom(...ELEMENTS), { minLength: 1, maxLength: 4 }), { maxLength: 8 })
  .map((drawn) => canonical(drawn.map((path) => path.reduceRight<object>((below, step) => ({ [step]: below }), {}))));

function canonical(sources: readonly object[]): FieldSet {
  return sources.map((source) => parseFieldSet(source) as FieldSet).reduce(union, {});
}

function paths(set: FieldSet): ReadonlySet<string> {
  return new Set(shownPaths(set));
}

describe("a set of paths", () => {
  it("is written with fields first, then keys, values and indices, each in its own order", () => {
    const given = {
      "i:2": {},
      "i:10": {},
      'v:"b"': {},
      "v:3": {},
      'k:{"port":443}': {},
      'k:{"port":80}': { ".": {}, "f:z": {}, "f:a": {} },
      "f:b": { ".": {} },
      "f:a": {},
    };
    expect(JSON.stringify(parseFieldSet(given))).toBe(
      '{"f:a":{},"f:b":{},"k:{\\"port\\":80}":{".":{},"f:a":{},"f:z":{}},"k:{\\"port\\":443}":{},"v:3":{},"v:\\"b\\"":{},"i:2":{},"i:10":{}}',
    );
  });

  it("drops steps of kinds that are not known, and refuses what is none", () => {
    expect(parseFieldSet({ "z:a": {}, "f:a": {} })).toEqual({ "f:a": {} });
    expect(parseFieldSet({ fa: {} })).toEqual({ why: "missing colon: fa" });
  });

  it("is divided by another: what both have, and what it has alone", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const [left, right] = [paths(a), paths(b)];
        expect(paths(intersection(a, b))).toEqual(new Set([...left].filter((path) => right.has(path))));
        expect(paths(difference(a, b))).toEqual(new Set([...left].filter((path) => !right.has(path))));
        expect(paths(union(a, b))).toEqual(new Set([...left, ...right]));
        expect(union(difference(a, b), intersection(a, b))).toEqual(a);
      }),
    );
  });

  it("is in one form, whichever way it was made", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        expect(JSON.stringify(union(a, b))).toBe(JSON.stringify(union(b, a)));
        expect(JSON.stringify(intersection(a, b))).toBe(JSON.stringify(intersection(b, a)));
        expect(parseFieldSet(difference(a, b))).toEqual(difference(a, b));
      }),
    );
  });

  it("loses with a path all that is below it, when it is taken out with its children", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const gone = [...paths(b)];
        const left = [...paths(a)].filter((path) => !gone.some((prefix) => isAtOrBelow(path, prefix)));
        expect(paths(recursiveDifference(a, b))).toEqual(new Set(left));
      }),
    );
  });
});

describe("the union of many sets", () => {
  it("is that of one after the other, to the byte", () => {
    fc.assert(
      fc.property(fc.array(sets, { maxLength: 6 }), (many) => {
        expect(JSON.stringify(unionOfAll(many))).toBe(JSON.stringify(many.reduce(union, {})));
      }),
    );
  });

  it("looks at each step a few times, however many sets there are", () => {
    let looks = 0;
    const watched = (i: number): FieldSet =>
      new Proxy<FieldSet>(
        { "f:data": { [`f:k${i}`]: {} }, [`f:l${i}`]: {} },
        {
          get: (target, name) => {
            looks++;
            return Reflect.get(target, name) as unknown;
          },
        },
      );
    const count = 500;
    const all = unionOfAll(Array.from({ length: count }, (_, i) => watched(i)));
    expect(Object.keys(all["f:data"] ?? {})).toHaveLength(count);
    expect(looks).toBeLessThan(count * 10);
  });
});

function isAtOrBelow(path: string, prefix: string): boolean {
  return path === prefix || (path.startsWith(prefix) && /^[.[]/.test(path.slice(prefix.length)));
}
