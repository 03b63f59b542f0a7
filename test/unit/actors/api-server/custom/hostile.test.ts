/** Input that is made to be expensive, or to break something. */
import { describe, expect, it } from "vitest";
import type { Compiled } from "../../../../../actors/api-server/core/cel/compile.ts";
import { compileCel } from "../../../../../actors/api-server/core/cel/compile.ts";
import { CelBudget, evaluateCel } from "../../../../../actors/api-server/core/cel/evaluate.ts";
import { BASE_OVERLOADS } from "../../../../../actors/api-server/core/cel/overloads.ts";
import { INT_TYPE, STRING_TYPE, listType } from "../../../../../actors/api-server/core/cel/types.ts";
import { CelBudgetError } from "../../../../../actors/api-server/core/cel/values.ts";
import { parseJsonPath } from "../../../../../actors/api-server/core/custom/json-path.ts";
import { Patterns, patternProblem } from "../../../../../actors/api-server/core/custom/patterns.ts";
import { prune, readStored, setDefaults } from "../../../../../actors/api-server/core/custom/pruning.ts";
import { rulePrograms } from "../../../../../actors/api-server/core/custom/rule-programs.ts";
import { validateRules } from "../../../../../actors/api-server/core/custom/rule-validation.ts";
import { FieldErrors } from "../../../../../actors/api-server/core/machinery/validation/field-errors.ts";
import { ANY, parseSchema } from "../../../../../actors/api-server/core/custom/schema.ts";
import { UNCORRELATED, validateValue } from "../../../../../actors/api-server/core/custom/validate-value.ts";
import type { Problem } from "../../../../../actors/api-server/core/custom/value-checks.ts";
import { KeptSchemas, VersionSchema } from "../../../../../actors/api-server/core/custom/version-schema.ts";
import { finished, Pace } from "../../../../../actors/api-server/core/steps.ts";
import type {
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";

/** As deep as a body may be. */
const DEPTH = 1_000;

function nested<T>(innermost: T, wrap: (inner: T) => T): T {
  let value = innermost;
  for (let i = 0; i < DEPTH; i++) value = wrap(value);
  return value;
}

describe("a schema and a value that are as deep as a body may be", () => {
  const schema = parseSchema(
    nested<JSONSchemaProps>({ type: "string" }, (a) => ({ type: "object", properties: { a } })),
  );
  const value = nested<unknown>(1, (a) => ({ a }));

  it("are pruned, defaulted and compared", () => {
    const pruned = prune(value, schema, false);
    setDefaults(pruned.value, schema);
    expect(pruned.unknown).toEqual([]);
    expect(finished(validateValue(value, UNCORRELATED, schema, new Patterns(), new Pace()))).toHaveLength(1);
  });

  it("prune an unknown value that is as deep", () => {
    expect(prune({ spec: value }, ANY, true).unknown).toEqual(["spec"]);
  });
});

describe("defaults of items in defaults of lists", () => {
  /** Each list has a thousand items by default, each of which has a list. */
  function multiplying(levels: number): JSONSchemaProps {
    let schema: JSONSchemaProps = {
      type: "object",
      properties: { text: { type: "string", default: "x".repeat(100) } },
    };
    for (let i = 0; i < levels; i++) {
      const list: JSONSchemaProps = {
        type: "array",
        items: schema,
        default: Array.from({ length: 1_000 }, () => ({})),
      };
      schema = { type: "object", properties: { list } };
    }
    return schema;
  }

  it("are set as long as they stay small", () => {
    const value = {};
    setDefaults(value, parseSchema(multiplying(1)));
    expect(value).toEqual({ list: Array.from({ length: 1_000 }, () => ({ text: "x".repeat(100) })) });
  });

  it("refuse the object when they would multiply it", () => {
    for (const levels of [2, 3, 10]) {
      const refused = expect(() => setDefaults({}, parseSchema(multiplying(levels))));
      refused.toThrow("Request entity too large: defaults of its schema add more than 3145728 characters");
    }
  });

  it("are left out from then on of an object that is stored already", () => {
    const read = JSON.stringify(readStored({ metadata: { name: "a" } }, parseSchema(multiplying(3))));
    expect(read.length).toBeGreaterThan(2_000_000);
    expect(read.length).toBeLessThan(4_000_000);
  });
});

describe("rules that are cheap each and dear together", () => {
  it("have one budget, after which no more are run", () => {
    const rule = "self.list.all(x, self.list.all(y, x + y >= 0))";
    const schema = parseSchema({
      type: "object",
      properties: { list: { type: "array", items: { type: "integer" } } },
      "x-kubernetes-validations": Array.from({ length: 40 }, () => ({ rule })),
    });
    const told = (items: number): readonly (string | undefined)[] => {
      const errors = new FieldErrors();
      const object = { list: Array.from({ length: items }, (_each, at) => at) };
      const pace = new Pace();
      finished(validateRules(object, undefined, schema, (one, root) => rulePrograms(one, root, pace), pace, errors));
      return errors.causes.map(({ message }) => message);
    };
    expect(told(10)).toEqual([]);
    const spent = "validation failed due to running out of cost budget, no further validation rules will be run";
    expect(told(300)).toEqual([expect.stringContaining(spent)]);
  });
});

describe("what is wrong in thousands of places", () => {
  const tell = (value: unknown, schema: JSONSchemaProps): readonly Problem[] =>
    finished(validateValue(value, UNCORRELATED, parseSchema(schema), new Patterns(), new Pace()));
  const charsOf = (problems: readonly Problem[]): number =>
    problems.reduce((sum, { message }) => sum + message.length, 0);

  it("is told up to some megabytes, however long each sentence is", () => {
    const values = Array.from({ length: 10_000 }, (_each, at) => `value-${at}`);
    const problems = tell(
      Array.from({ length: 2_000 }, () => "other"),
      { type: "array", items: { type: "string", enum: values } },
    );
    expect(problems[0]?.message).toContain('supported values: "value-0", "value-1"');
    expect(charsOf(problems)).toBeLessThan(5_000_000);
  });

  it("is told up to some megabytes, however many sentences there are", () => {
    const required = Array.from({ length: 1_000 }, (_each, at) => `f${at}`);
    const problems = tell(
      Array.from({ length: 1_000 }, () => ({})),
      { type: "array", items: { type: "object", required } },
    );
    expect(problems[0]?.path).toBe("[0].f0");
    expect(charsOf(problems)).toBeLessThan(5_000_000);
  });

  it("is wrong all the same when there is no room to tell it", () => {
    const values = Array.from({ length: 10_000 }, (_each, at) => `value-${at}`);
    const list = { type: "array", items: { type: "string", enum: values } };
    const problems = tell(
      { first: Array.from({ length: 2_000 }, () => "other"), second: "a" },
      { type: "object", properties: { first: list, second: { not: { type: "string" } } } },
    );
    const alone = tell({ second: "a" }, { type: "object", properties: { second: { not: { type: "string" } } } });
    expect(alone).toHaveLength(1);
    expect(problems.length).toBeGreaterThan(0);
  });
});

describe("an object of a schema that is much larger", () => {
  it("is told what is wrong in the order of the schema", () => {
    const properties = Object.fromEntries(
      Array.from({ length: 1_000 }, (_each, at) => [`f${999 - at}`, { type: "string" }]),
    );
    const problems = finished(
      validateValue(
        { f1: 1, f2: 2, f3: 3 },
        UNCORRELATED,
        parseSchema({ type: "object", properties }),
        new Patterns(),
        new Pace(),
      ),
    );
    expect(problems.map(({ path }) => path)).toEqual(["f3", "f2", "f1"]);
  });

  it("is checked in many pieces when it is large", () => {
    const schema = parseSchema({ type: "array", items: { type: "object", properties: { a: { type: "integer" } } } });
    const value = Array.from({ length: 10_000 }, (_each, a) => ({ a }));
    const steps = validateValue(value, UNCORRELATED, schema, new Patterns(), new Pace());
    let pieces = 1;
    while (steps.next().done !== true) pieces++;
    expect(pieces).toBeGreaterThan(100);
  });
});

describe("what is made of the schemas of a server", () => {
  const version = (chars: number): CustomResourceDefinitionVersion => ({
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", description: "a".repeat(chars) } },
  });

  it("is made again when there was too much of it, and kept while it is used", () => {
    const kept = new KeptSchemas();
    const schemas = Array.from({ length: 10 }, () => new VersionSchema(version(2_000_000), kept));
    const [first, second] = schemas;
    const before = schemas.map(({ root }) => root);
    expect(first?.root).not.toBe(before[0]);
    expect(schemas.at(-1)?.root).toBe(before.at(-1));
    for (const schema of schemas.slice(2, 6)) {
      void schema.root;
      void second?.root;
    }
    const now = second?.root;
    for (const schema of schemas.slice(6, 8)) void schema.root;
    expect(second?.root).toBe(now);
  });
});

describe("a key of the name __proto__", () => {
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "a": {"__proto__": 1}}') as object;

  it("changes nobody's prototype", () => {
    const open = parseSchema({ type: "object", "x-kubernetes-preserve-unknown-fields": true });
    const { value } = prune(hostile, open, false);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined();
  });

  it("is no property of a schema", () => {
    const schema = parseSchema({ type: "object", properties: { a: { type: "object" } }, required: ["constructor"] });
    expect(schema.properties.get("__proto__")).toBeUndefined();
    const problems = finished(validateValue({ a: {} }, UNCORRELATED, schema, new Patterns(), new Pace()));
    expect(problems.map(({ path }) => path)).toEqual([".constructor"]);
  });
});

describe("a pattern that takes others exponential time", () => {
  it("takes this one linear time", () => {
    const patterns = new Patterns();
    expect(patterns.matches("^(a+)+$", `${"a".repeat(50_000)}!`)).toBe(false);
    expect(patterns.matches("^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(50_000))).toBe(false);
  });

  it.each(["(", "a{2000}", "(?=a)", "[z-a]", "x".repeat(200_000)])("is refused when it is none: %.20s", (pattern) => {
    expect(patternProblem(pattern)).toBeDefined();
  });
});

describe("an expression without an end", () => {
  const list = Array.from({ length: 1_000 }, (_, i) => BigInt(i));
  const variables = new Map([
    ["self", listType(INT_TYPE)],
    ["text", STRING_TYPE],
  ]);
  const compile = (text: string): Compiled =>
    finished(
      compileCel(text, { variables, overloads: BASE_OVERLOADS, fieldsOf: () => undefined, bind: false }, new Pace()),
    );
  const run = (text: string, limit: number): unknown => {
    const compiled = compile(text);
    if ("problem" in compiled) throw new Error(compiled.problem);
    return evaluateCel(compiled.expression, { self: list, text: "a".repeat(100_000) }, new CelBudget(limit));
  };

  it.each([
    "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))",
    "self.map(a, self.map(b, self.map(c, 'x'))).size() > 0",
    "self.all(a, text.matches('(a+)+b') || true)",
    "self.all(a, text.replace('a', text).size() > 0)",
    "self.all(a, text + text != text) && self.exists(a, text + text == text)",
    "sets.equivalent(self, self)",
  ])("ends with its budget: %s", (text) => {
    expect(() => run(text, 100_000)).toThrow(CelBudgetError);
  });

  it("is not saved by an operator that absorbs errors", () => {
    expect(() => run("self.exists(a, self.all(b, self.all(c, a + b + c >= 0))) || true", 50_000)).toThrow(
      CelBudgetError,
    );
  });

  it.each([
    "(".repeat(5_000),
    "[".repeat(5_000),
    "a.".repeat(30_000),
    `a${".b".repeat(9_000)}`,
    `1${" + 1".repeat(9_000)}`,
    "1 +",
    "'",
    "\\",
    "",
  ])("is refused by the parser: %.10s", (text) => {
    expect(compile(text)).toHaveProperty("problem");
  });

  it("is none that only negates often", () => {
    expect(run(`${"!".repeat(5_001)}true`, 100)).toBe(false);
  });
});

describe("a path", () => {
  it.each([
    ".spec.a",
    '.status.conditions[?(@.type=="Ready")].status',
    ".a['b.c'][0]",
    "..name",
    ".a[*].b",
    ".a[0:2]",
    ".a\\.b",
  ])("is read: %s", (text) => {
    expect(parseJsonPath(text)).toBeDefined();
  });

  it.each([".a[", ".a[?(", ".a[?(@.b=='x')", ".a[x]", "....", ".a}", "[?(".repeat(3_000), ".a".repeat(10_000)])(
    "is not read: %.20s",
    (text) => {
      expect(parseJsonPath(text)).toBeUndefined();
    },
  );
});
