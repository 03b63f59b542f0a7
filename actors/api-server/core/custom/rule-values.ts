/** Values of a schema as CEL has them. Source: apiserver `pkg/cel/common`, `pkg/cel/escaping.go`. */
import { durationOf, timestampOf } from "../cel/times.ts";
import { CelError, CelMap, CelSet, CelStruct } from "../cel/values.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import type { Schema } from "./schema.ts";

const RESERVED =
  "true false null in as break const continue else for function if import let loop package namespace void while var return";
const KEYWORDS: ReadonlySet<string> = new Set(RESERVED.split(" "));

/** The name of a property in CEL; undefined when it can have none. */
export function celName(property: string): string | undefined {
  if (KEYWORDS.has(property)) return `__${property}__`;
  const escaped = property
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}

/** The properties that have a name in CEL, by that. */
export function propertiesByCelName({ properties }: Schema): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const property of properties.names) {
    const name = celName(property);
    if (name !== undefined) known.set(name, property);
  }
  return known;
}

/** The values of one object as CEL has them. What is in others is there once, however many rules look at it. */
export class CelValues {
  readonly #known = new Map<object, unknown>();

  /** undefined of what rules know nothing of */
  of(value: unknown, given: Schema, root: boolean): unknown {
    if (typeof value !== "object" || value === null) return scalarValue(value, given);
    let known = this.#known.get(value);
    if (known === undefined) {
      known = this.#made(value, root || given.embedded ? given.headed : given);
      this.#known.set(value, known);
    }
    return known;
  }

  #made(value: object, schema: Schema): unknown {
    if (Array.isArray(value)) return this.#list(value, schema);
    if (!isJsonObject(value)) return value;
    const { additional, properties } = schema;
    if (typeof additional === "object") {
      const entries = new Map<string, unknown>();
      for (const [key, item] of Object.entries(value)) entries.set(key, this.of(item, additional, false));
      return new CelMap(entries);
    }
    const fields = new Map<string, unknown>();
    for (const name of Object.keys(value)) {
      const property = properties.get(name);
      const known = property === undefined ? undefined : celName(name);
      if (property === undefined || known === undefined || !isKnown(property)) continue;
      fields.set(known, this.of(value[name], property, false));
    }
    return new CelStruct(fields);
  }

  #list(items: readonly unknown[], { items: schema, listType }: Schema): unknown {
    const values = schema === undefined ? [] : items.map((item) => this.of(item, schema, false));
    return listType === "set" ? CelSet.from(values) : values;
  }
}

function scalarValue(value: unknown, schema: Schema): unknown {
  if (typeof value === "string") return textValue(value, schema);
  if (typeof value !== "number") return value;
  const integer = schema.intOrString || schema.type === "integer";
  return integer && Number.isInteger(value) ? BigInt(value) : value;
}

/** Whether rules know something of such values. */
function isKnown(given: Schema): boolean {
  if (given.intOrString || given.embedded) return true;
  const { type, items, additional } = given;
  switch (type) {
    case "array":
      return items !== undefined && isKnown(items);
    case "object":
      return typeof additional !== "object" || isKnown(additional);
    case "string":
    case "boolean":
    case "number":
    case "integer":
      return true;
  }
  return false;
}

function textValue(text: string, { type, format }: Schema): unknown {
  if (type !== "string") return text;
  try {
    switch (format) {
      case "date":
        return timestampOf(`${text}T00:00:00Z`);
      case "date-time":
        return timestampOf(text);
      case "duration":
        return durationOf(text);
      case "byte":
        return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    }
  } catch (error) {
    // What does not have its format is told elsewhere.
    if (!(error instanceof CelError) && !(error instanceof DOMException)) throw error;
  }
  return text;
}
