/** What Go 1.26's `encoding/json` says of each text, recorded: null of what is JSON. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonProblem } from "../../../../../actors/api-server/core/machinery/go-json-syntax.ts";
import { readFixture } from "./oracle-fixture.ts";

describe("what is wrong with a text that should be JSON", () => {
  it.each(readFixture("json-syntax") as readonly (readonly [string, string | null])[])(
    "is said of %j as in Go",
    (text, problem) => {
      expect(jsonProblem(text) ?? null).toBe(problem);
    },
  );

  it("is nothing just where the engine's own parser takes it", () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"a"',
      '"',
      "\\u12",
      "1",
      "-",
      ".5",
      "e+3",
      "true",
      "null",
      " ",
      "\n",
      "é",
    );
    const text = fc.oneof(
      fc.json(),
      fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(jsonProblem(given) === undefined).toBe(isJson(given));
      }),
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
