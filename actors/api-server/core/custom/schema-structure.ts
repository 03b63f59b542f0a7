/** How the parts of a custom object are merged and owned. Source: kube-openapi `schemaconv/openapi.go`. */
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Structure } from "../structure/structure.ts";
import {
  BOOLEAN,
  LEAF,
  NUMBER,
  STRING,
  UNKNOWN,
  atomic,
  atomicListOf,
  listMapOf,
  mapOf,
  setOf,
} from "../structure/structure.ts";
import { structureOfType } from "../structure/type-structure.ts";
import type { Schema } from "./schema.ts";

/** @param root whether the schema is that of a whole object */
export function structureOfSchema(schema: Schema, root: boolean): Structure {
  const { type, items, additional, preserveUnknown, intOrString, embedded, mapType } = schema;
  if (intOrString) return LEAF;
  const whole = root || embedded;
  switch (whole ? "object" : type) {
    case "string":
      return STRING;
    case "integer":
    case "number":
      return NUMBER;
    case "boolean":
      return BOOLEAN;
    case "array":
      return items === undefined ? UNKNOWN : listOf(schema, structureOfSchema(items, false));
    case "object": {
      const inside =
        typeof additional === "object"
          ? mapOf(structureOfSchema(additional, false))
          : additional === true
            ? mapOf(UNKNOWN)
            : preserveUnknown && schema.properties.size === 0 && !whole
              ? UNKNOWN
              : new SchemaStruct(schema, whole);
      return mapType === "atomic" && !whole ? atomic(inside) : inside;
    }
  }
  return UNKNOWN;
}

function listOf({ listType, listMapKeys, items }: Schema, element: Structure): Structure {
  switch (listType) {
    case "set":
      return setOf(element);
    case "map":
      return listMapOf(element, listMapKeys, (key) => items?.properties.get(key)?.default);
    case "atomic":
      return atomicListOf(element);
  }
}

const NO_KEYS: readonly string[] = [];

/** Fields are made when they are first asked for: schemas are large, and objects use little of them. */
class SchemaStruct implements Structure {
  readonly is = "struct";
  readonly keys = NO_KEYS;
  readonly element = undefined;
  readonly #schema: Schema;
  readonly #whole: boolean;
  readonly #fields = new Map<string, Structure>();

  constructor(schema: Schema, whole: boolean) {
    this.#schema = schema;
    this.#whole = whole;
  }

  keyDefault(): undefined {
    return undefined;
  }

  field(name: string): Structure | undefined {
    let field = this.#fields.get(name);
    if (field === undefined) {
      field = this.#make(name);
      if (field !== undefined) this.#fields.set(name, field);
    }
    return field;
  }

  declares(name: string): boolean {
    return this.#schema.properties.has(name) || (this.#whole && HEAD.has(name));
  }

  #make(name: string): Structure | undefined {
    if (this.#whole && name === "metadata") return structureOfType(findType("meta.k8s.io/v1", "ObjectMeta"));
    if (this.#whole && HEAD.has(name)) return STRING;
    const property = this.#schema.properties.get(name);
    if (property !== undefined) return structureOfSchema(property, false);
    return this.#schema.preserveUnknown ? UNKNOWN : undefined;
  }
}

const HEAD: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);
