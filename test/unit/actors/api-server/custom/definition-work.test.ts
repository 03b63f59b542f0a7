/** Definitions whose schemas would take one turn of seconds: they are refused before anything of them is compiled. */
import { describe, expect, it } from "vitest";
import {
  validateDefinition,
  validateDefinitionUpdate,
} from "../../../../../actors/api-server/core/custom/definition.ts";
import { FieldErrors } from "../../../../../actors/api-server/core/machinery/validation/field-errors.ts";
import type { Steps } from "../../../../../actors/api-server/core/steps.ts";
import type {
  CustomResourceDefinition,
  JSONSchemaProps,
} from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";

function definitionWith(...schemas: readonly JSONSchemaProps[]): CustomResourceDefinition {
  const names = { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" };
  const versions = schemas.map((schema, i) => ({
    name: `v${i + 1}`,
    served: true,
    storage: i === 0,
    schema: { openAPIV3Schema: schema },
  }));
  return {
    metadata: { name: "widgets.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names, versions },
    status: { storedVersions: ["v1"] },
  } as unknown as CustomResourceDefinition;
}

const object = (properties: Readonly<Record<string, JSONSchemaProps>>, rules: readonly string[]): JSONSchemaProps => ({
  type: "object",
  properties,
  ...(rules.length === 0 ? {} : { "x-kubernetes-validations": rules.map((rule) => ({ rule })) }),
});

function many<T>(count: number, make: (i: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const text = (more: JSONSchemaProps = {}): JSONSchemaProps => ({ type: "string", maxLength: 20, ...more });
const fields = (count: number, field: (i: number) => JSONSchemaProps): Readonly<Record<string, JSONSchemaProps>> =>
  Object.fromEntries(many(count, (i) => [`f${i}`, field(i)]));

/** Schemas in each other, each with fields and a rule: the types of one rule are those of all below. */
function deep(levels: number): JSONSchemaProps {
  let schema = object(
    fields(100, () => text()),
    [],
  );
  for (let i = 0; i < levels; i++) schema = object({ ...fields(100, () => text()), below: schema }, ["self.f1 != 'a'"]);
  return schema;
}

const rules = (count: number): readonly string[] => many(count, (i) => `self.f1 != 'a${i}' || self.f2.startsWith('b')`);

interface Looked {
  readonly causes: readonly string[];
  readonly pieces: number;
}

function look(steps: (errors: FieldErrors) => Steps<void>): Looked {
  const errors = new FieldErrors();
  const work = steps(errors);
  let pieces = 1;
  while (work.next().done !== true) pieces++;
  return { causes: errors.causes.map(({ field, message }) => `${field}: ${message}`), pieces };
}

const created = (...schemas: readonly JSONSchemaProps[]): Looked =>
  look((errors) => validateDefinition(definitionWith(...schemas), errors));

describe("a definition that kube-apiserver takes", () => {
  it.each([
    [
      "of 5,000 rules",
      1_000,
      object(
        fields(3, () => text()),
        rules(5_000),
      ),
    ],
    [
      "of 500 patterns that become large",
      250,
      object(
        fields(500, (i) => text({ pattern: `^(a{0,30}b{0,30}){0,9}${i}$` })),
        [],
      ),
    ],
    ["of 90 schemas in each other with rules", 100, deep(90)],
    [
      "of 20,000 fields",
      400,
      object(
        fields(20_000, () => ({ type: "string" })),
        [],
      ),
    ],
    [
      "of 2,000 fields with defaults",
      100,
      object(
        fields(2_000, (i) => ({ type: "object", default: { a: i }, properties: { a: { type: "integer" } } })),
        [],
      ),
    ],
    [
      "of 1,000 alternatives",
      500,
      object({ a: { type: "string", anyOf: many(1_000, (i) => ({ pattern: `^a${i}` })) } }, []),
    ],
    ["of a long rule", 10, object({ f1: text() }, ["self.f1 == 'a'" + " || self.f1 == 'b'".repeat(2_000)])],
  ])("is taken, in many pieces: %s", (_title, least, schema) => {
    const { causes, pieces } = created(schema);
    expect(causes).toEqual([]);
    expect(pieces).toBeGreaterThan(least);
  });

  it("is a few pieces when it is small", () => {
    expect(created(object({ spec: object({ a: text() }, ["self.a != 'b'"]) }, [])).pieces).toBeLessThan(5);
  });

  it("is taken as it is stored", () => {
    const stored = definitionWith(deep(20));
    expect(look((errors) => validateDefinitionUpdate(stored, stored, errors)).causes).toEqual([]);
  });
});

describe("a definition that costs more than it may", () => {
  it("is refused over one rule, by its estimate", () => {
    const list = { type: "array", items: text() };
    const { causes } = created(object({ list }, ["self.list.all(a, self.list.all(b, a == b))"]));
    expect(causes[0]).toContain("estimated rule cost exceeds budget by factor of more than 100x");
  });

  it("is refused over all of its rules together, by their estimates", () => {
    const list = { type: "array", maxItems: 2_000, items: { type: "integer" } };
    const { causes } = created(
      object(
        { list },
        many(20, (i) => `self.list.all(a, self.list.exists(b, a != b + ${i}))`),
      ),
    );
    expect(causes.at(-1)).toContain("estimated rule cost total for entire OpenAPIv3 schema exceeds budget");
  });

  it("is refused over a pattern that becomes too large, before it is compiled", () => {
    const pattern = `^(?:${"a".repeat(1_000)}){1000}$`;
    const { causes } = created(object({ a: text({ pattern }) }, []));
    expect(causes).toEqual([expect.stringContaining("expression too large")]);
  });
});

describe("the rules of a schema and those of what is in it", () => {
  it("know the fields below them by their types, however deep", () => {
    const below = object({ number: { type: "integer" } }, ["self.number > 'a'"]);
    const { causes } = created(object({ a: object({ b: below }, ["self.b.number == 1"]) }, ["self.a.b.missing == 1"]));
    expect(causes).toEqual([
      expect.stringContaining("found no matching overload for '_>_' applied to '(int, string)'"),
      expect.stringContaining("undefined field 'missing'"),
    ]);
  });
});
