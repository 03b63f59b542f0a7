/** What users may send, and what may come of it: an answer, or a refusal in words of the API. fast-check prints the seed of a failure. */
import fc from "fast-check";
import { expect } from "vitest";
import { statusOf } from "../../../../../protocols/api-server.ts";

export const RUNS = { numRuns: 200 } as const;
/** Of what is slow in itself. */
export const FEW_RUNS = { numRuns: 60 } as const;

/** Names that mean something to JavaScript. */
const HOSTILE_NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "valueOf"];
const HOSTILE_TEXTS = [
  "",
  "\u0000",
  "\ud800",
  "é",
  "𝕜",
  "\u2028",
  " ",
  "\n",
  "9".repeat(400),
  "a".repeat(300),
  "$&",
  "%",
  "%zz",
];

/** Any text, and what a grammar is made of in any order. */
export function hostileText(tokens: readonly string[] = []): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: Math.min(tokens.length, 8), arbitrary: fc.constantFrom(...(tokens.length === 0 ? [""] : tokens)) },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS, ...HOSTILE_NAMES) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
    { weight: 1, arbitrary: fc.integer().map(String) },
  );
  return fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
}

/** A JSON value of any shape; keys are often such as `names`, or hostile. */
export function hostileJson(names: readonly string[] = []): fc.Arbitrary<unknown> {
  const key = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(names.length === 0 ? ["a"] : names)) },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_NAMES) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4 }) },
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: "medium", withCrossShrink: true }, tie("leaf"), tie("list"), tie("map")),
    leaf: fc.oneof(
      fc.constantFrom(null, true, false, 0, -1, 1e308, 0.1, 2 ** 53, "", "True", "1Gi", "a"),
      hostileText(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    list: fc.array(tie("tree"), { maxLength: 4 }),
    map: fc.array(fc.tuple(key, tie("tree")), { maxLength: 5 }).map(objectOf),
  }));
  return tree as fc.Arbitrary<unknown>;
}

/** As `JSON.parse` makes it: `__proto__` is a key like any other. */
export function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  return JSON.parse(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
  ) as object;
}

/**
 * Lets nothing out but a refusal, a Status below 500, and leaves the prototypes of all objects as they were.
 * @returns undefined when it was refused
 */
export function allowed<T>(run: () => T): T | undefined {
  let value: T | undefined;
  try {
    value = run();
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    expect([400, 403, 409, 413, 415, 422]).toContain(status.code);
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.keys(Array.prototype)).toEqual([]);
  expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  return value;
}

/** The prototypes of a value and all that it holds are those of plain objects. */
export function expectPlain(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  expect(Object.getPrototypeOf(value)).toBe(Array.isArray(value) ? Array.prototype : Object.prototype);
  for (const item of Object.values(value)) expectPlain(item);
}
