/** Facts: what kube-apiserver 1.37 answers to such expressions in policies; more of them in `test/conformance/exchanges/policies.yaml`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileCel } from "../../../../../actors/api-server/core/cel/compile.ts";
import { BASE_OVERLOADS } from "../../../../../actors/api-server/core/cel/overloads.ts";
import type { CelEnvironment } from "../../../../../actors/api-server/core/cel/type-check.ts";
import { structFields } from "../../../../../actors/api-server/core/cel/type-check.ts";
import {
  BOOL_TYPE,
  DYN_TYPE,
  STRING_TYPE,
  fullTypeName,
  listType,
  structType,
} from "../../../../../actors/api-server/core/cel/types.ts";
import { finished, Pace } from "../../../../../actors/api-server/core/steps.ts";

const thing = structFields({ name: STRING_TYPE, parts: listType(STRING_TYPE), ready: BOOL_TYPE });
const environment: CelEnvironment = {
  variables: new Map([
    ["object", DYN_TYPE],
    ["thing", structType("example.Thing")],
  ]),
  overloads: BASE_OVERLOADS,
  bind: true,
  fieldsOf: (name) => (name === "example.Thing" ? thing : undefined),
};

function typeOf(text: string): string {
  const compiled = finished(compileCel(text, environment, new Pace()));
  return "problem" in compiled ? compiled.problem : fullTypeName(compiled.type);
}

describe("the type of an expression", () => {
  it.each([
    ["1", "int"],
    ["-1.5", "double"],
    ["0x1fu", "uint"],
    ["b'a'", "bytes"],
    ["null", "null_type"],
    ["[]", "list(dyn)"],
    ["{'a': [1]}", "map(string, list(int))"],
    ["object.a.b", "dyn"],
    ["thing.parts[0]", "string"],
    ["thing.?name", "optional_type(string)"],
    ["thing.parts.map(p, p.size())", "list(int)"],
    ["thing.parts.filter(p, p != '')", "list(string)"],
    ["[1, 2].transformMap(i, v, v > i)", "map(int, bool)"],
    ["cel.bind(x, thing.name, [x])", "list(string)"],
    ["optional.of(1).optMap(x, string(x))", "optional_type(string)"],
    ["example.Thing{name: 'a'}", "example.Thing"],
    ["type(1)", "type(int)"],
    ["duration('1h')", "google.protobuf.Duration"],
    ["has(thing.name) ? [?thing.?name] : []", "list(string)"],
    ["[3, 1].sort()", "list(int)"],
    ["thing.parts.sortBy(p, p.size())", "list(string)"],
    ["object.`a-b`", "dyn"],
    ["1 in {1: true}", "bool"],
  ])("of %s is %s", (text, type) => {
    expect(typeOf(text)).toBe(type);
  });
});

describe("what is wrong with an expression", () => {
  it("is told for each place, in the order of the text, with a mark below it", () => {
    expect(typeOf("thing.size ==\n  other")).toBe(
      [
        "compilation failed: ERROR: <input>:1:6: undefined field 'size'",
        " | thing.size ==",
        " | .....^",
        "ERROR: <input>:2:3: undeclared reference to 'other' (in container '')",
        " |   other",
        " | ..^",
      ].join("\n"),
    );
  });

  it("is told a hundred times, and how much more there is", () => {
    const unknown = (count: number): string => `[${Array.from({ length: count }, (_, i) => `x${i}`).join(", ")}]`;
    expect(typeOf(unknown(100))).not.toContain("truncated");
    expect(typeOf(unknown(102))).toMatch(/undeclared reference to 'x99'[^]*\n2 more errors were truncated$/);
  });

  it("is that it is too large, when macros make much of little", () => {
    expect(typeOf(`optional.of(1)${".optMap(x, x)".repeat(60)}`)).toContain("recursion limit exceeded");
    expect(typeOf("(".repeat(5_000))).toContain("recursion limit exceeded");
    expect(typeOf(`${"(".repeat(200)}1${`${"+1".repeat(200)})`.repeat(200)}`)).toContain("recursion limit exceeded");
  });

  it("is told of any text, and nothing is thrown", () => {
    const pieces = "a 1 'x' . , ( ) [ ] { } ? : + - ! && || == in has map( x, 1) .all(x, x) thing .name \\ ` \n".split(
      " ",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((all) => all.join("")),
    );
    fc.assert(fc.property(text, (each) => typeOf(each) !== ""));
  });
});
