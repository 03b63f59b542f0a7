/** Walks over the schemas in a definition as it stands, before anybody knows whether they are any good. */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";

/** The schema and all that are in it. */
export function* schemasIn(schema: JSONSchemaProps | undefined): Generator<JSONSchemaProps> {
  if (schema === undefined) return;
  const waiting: JSONSchemaProps[] = [schema];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    waiting.push(...partsOf(next));
  }
}

const NONE: readonly JSONSchemaProps[] = [];
const FIELDS_OF_PARTS = [
  ...["items", "additionalProperties", "additionalItems", "not", "dependencies", "allOf", "anyOf", "oneOf"],
  ...["properties", "patternProperties", "definitions"],
] as readonly (keyof JSONSchemaProps)[];

/** The schemas that stand in one: in most there are none. */
export function partsOf(schema: JSONSchemaProps): readonly JSONSchemaProps[] {
  return FIELDS_OF_PARTS.some((field) => schema[field] !== undefined) ? partsFoundIn(schema) : NONE;
}

function partsFoundIn(schema: JSONSchemaProps): readonly JSONSchemaProps[] {
  const { items, additionalProperties, additionalItems, not, dependencies = {} } = schema;
  const { allOf = [], anyOf = [], oneOf = [], properties = {}, patternProperties = {}, definitions = {} } = schema;
  return [
    ...itemSchemasOf(items),
    ...[...allOf, ...anyOf, ...oneOf],
    ...(not === undefined ? [] : [not]),
    ...Object.values(properties),
    ...[additionalProperties, additionalItems].flatMap((one) => (typeof one === "object" ? [one] : [])),
    ...Object.values(patternProperties),
    ...Object.values(definitions),
    ...Object.values(dependencies).flatMap((one) => (Array.isArray(one) ? [] : [one as JSONSchemaProps])),
  ];
}

export function itemSchemasOf(items: JSONSchemaProps["items"]): readonly JSONSchemaProps[] {
  if (items === undefined) return [];
  return Array.isArray(items) ? (items as readonly JSONSchemaProps[]) : [items as JSONSchemaProps];
}

/** The one schema of all items; undefined when there is none or a list of them. */
export function itemSchemaOf(items: JSONSchemaProps["items"]): JSONSchemaProps | undefined {
  return items === undefined || Array.isArray(items) ? undefined : (items as JSONSchemaProps);
}
