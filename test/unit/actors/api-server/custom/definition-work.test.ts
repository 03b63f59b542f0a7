/** Definitions whose schemas would take one turn of seconds: they are refused before anything of them is compiled. */
import { describe, expect, it } from "vitest";
import {
  validateDefinition,
  validateDefinitionUpdate,
} from "../../../../../actors/api-server/core/custom/definition.ts";
import { FieldErrors } from "../../../../../actors/api-server/core/machinery/validation/field-errors.ts";
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

function causesOf(validate: (errors: FieldErrors) => void): readonly string[] {
  const errors = new FieldErrors();
  validate(errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const REFUSED = [
  "spec.versions: Forbidden: checking the schemas would take too long: use fewer properties, shorter rules and patterns, and rules deeper in the schema",
];

describe("a definition", () => {
  it.each([
    [
      "of 5,000 rules",
      object(
        fields(3, () => text()),
        rules(5_000),
      ),
    ],
    [
      "of 500 patterns that become large",
      object(
        fields(500, (i) => text({ pattern: `^(a{0,30}b{0,30}){0,9}${i}$` })),
        [],
      ),
    ],
    ["of 90 schemas in each other with rules", deep(90)],
    [
      "of 60,000 fields",
      object(
        fields(60_000, () => ({ type: "string" })),
        [],
      ),
    ],
  ])("is refused: %s", (_title, schema) => {
    expect(causesOf((errors) => validateDefinition(definitionWith(schema), errors))).toEqual(REFUSED);
  });

  it("is refused over all of its versions together", () => {
    const half = (i: number): JSONSchemaProps =>
      object(
        fields(3 + i, () => text()),
        rules(1_000),
      );
    expect(causesOf((errors) => validateDefinition(definitionWith(half(0)), errors))).toEqual([]);
    expect(causesOf((errors) => validateDefinition(definitionWith(half(0), half(1)), errors))).toEqual(REFUSED);
  });

  it.each([
    [
      "of 300 rules",
      object(
        fields(3, () => text()),
        rules(300),
      ),
    ],
    [
      "of 500 patterns",
      object(
        fields(500, (i) => text({ pattern: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?${i}$` })),
        [],
      ),
    ],
    ["of ten schemas in each other with rules", deep(10)],
    [
      "of 15,000 fields",
      object(
        fields(15_000, () => ({ type: "string" })),
        [],
      ),
    ],
  ])("is taken: %s", (_title, schema) => {
    expect(causesOf((errors) => validateDefinition(definitionWith(schema), errors))).toEqual([]);
  });

  it("is taken as it is stored, whatever it takes: its finalizers can be removed", () => {
    const stored = definitionWith(deep(90));
    expect(causesOf((errors) => validateDefinitionUpdate(stored, stored, errors))).toEqual([]);
  });
});
