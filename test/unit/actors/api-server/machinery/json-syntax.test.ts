/** What is wrong with a text that is no JSON. The words of most mistakes are recorded (`test/conformance/exchanges/custom-requests.yaml`). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJson } from "../../../../../actors/api-server/core/machinery/json.ts";

describe("a text that is no JSON", () => {
  it("is told of where JSON.parse refuses it, and nowhere else", () => {
    const piece = fc.constantFrom(..."{}[]:,\"\\ue-+.0123456789truefalsn \n\tx'é".split(""));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const read = readJson(text);
        if (!("problem" in read)) return;
        expect(() => JSON.parse(text)).toThrow(SyntaxError);
        expect(read.problem).toMatch(/^(unexpected end of JSON input|invalid character '.+' [a-z\\])/s);
      }),
      { numRuns: 2_000 },
    );
  });

  it("may nest as deep as it likes", () => {
    expect(readJson("[".repeat(1_000_000))).toEqual({ problem: "unexpected end of JSON input" });
    expect(readJson(`${'{"a":'.repeat(200_000)}]`)).toEqual({
      problem: "invalid character ']' looking for beginning of value",
    });
  });

  it("is told of by the first byte of a character that is wrong", () => {
    expect(readJson("ü")).toEqual({ problem: "invalid character 'Ã' looking for beginning of value" });
    expect(readJson("\u007f")).toEqual({ problem: "invalid character '\\x7f' looking for beginning of value" });
    expect(readJson('"')).toEqual({ problem: "unexpected end of JSON input" });
  });
});
