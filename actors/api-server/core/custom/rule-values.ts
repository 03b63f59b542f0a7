/** Values of a schema as CEL has them. Source: apiserver `pkg/cel/common`, `pkg/cel/escaping.go`. */
import { durationOf, timestampOf } from "../cel/times.ts";
import { CelError, CelMap, CelSet, CelStruct } from "../cel/values.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import type { Schema } from "./schema.ts";
import { parseSchema } from "./schema.ts";

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

const TEXT = parseSchema({ type: "string" });
const METADATA = parseSchema({ type: "object" });
/** Of a DNS-1123 subdomain. */
const NAME_CHARS_MAX = 253;

/** Every object of Kubernetes has a kind and a name. */
export function withHead(schema: Schema): Schema {
  const { properties } = schema;
  const metadata = properties.get("metadata");
  const named = [properties.get("kind"), properties.get("apiVersion")];
  named.push(metadata?.properties.get("name"), metadata?.properties.get("generateName"));
  if (metadata?.type === "object" && named.every((one) => one?.type === "string")) return schema;
  const capped = (name: string, chars: number): Schema => {
    const { maxLength = chars } = metadata?.properties.get(name)?.limits ?? {};
    return { ...TEXT, limits: { ...TEXT.limits, maxLength: Math.min(maxLength, chars) } };
  };
  const head = {
    ...METADATA,
    properties: new Map([
      ["name", capped("name", NAME_CHARS_MAX)],
      // What is generated adds a character at least.
      ["generateName", capped("generateName", NAME_CHARS_MAX - 1)],
    ]),
  };
  return {
    ...schema,
    type: "object",
    properties: new Map([...properties, ["kind", TEXT], ["apiVersion", TEXT], ["metadata", head]]),
  };
}

/** The value as CEL has it; undefined of what rules know nothing of. */
export function celValue(value: unknown, given: Schema, root: boolean): unknown {
  if (value === null) return null;
  const schema = root || given.embedded ? withHead(given) : given;
  if (typeof value === "number") {
    const integer = schema.intOrString || schema.type === "integer";
    return integer && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === "string") return textValue(value, schema);
  if (Array.isArray(value)) return listValue(value, schema);
  if (!isJsonObject(value)) return value;
  if (typeof schema.additional === "object") {
    const entries = new Map<string, unknown>();
    for (const [key, item] of Object.entries(value)) entries.set(key, celValue(item, schema.additional, false));
    return new CelMap(entries);
  }
  const fields = new Map<string, unknown>();
  for (const [name, property] of schema.properties) {
    const known = celName(name);
    if (known === undefined || !Object.hasOwn(value, name) || !isKnown(property)) continue;
    fields.set(known, celValue(value[name], property, false));
  }
  return new CelStruct(fields);
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

function listValue(items: readonly unknown[], { items: schema, listType }: Schema): unknown {
  const values = schema === undefined ? [] : items.map((item) => celValue(item, schema, false));
  return listType === "set" ? CelSet.from(values) : values;
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
