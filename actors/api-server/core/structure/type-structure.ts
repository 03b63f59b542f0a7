/** The structure of a kind that has a field table. */
import type { Field, FieldType, Scalar, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Structure } from "./structure.ts";
import {
  atomic,
  ATOMIC,
  atomicListOf,
  BOOLEAN,
  LEAF,
  listMapOf,
  mapOf,
  NUMBER,
  setOf,
  STRING,
  UNKNOWN,
} from "./structure.ts";

/** The tables never change, and neither does what is derived from them. */
const STRUCTURES = new WeakMap<TypeRef, TypeStructure>();

/** @param type undefined: nothing is known of the kind */
export function structureOfType(type: TypeRef | undefined): Structure {
  return type === undefined ? UNKNOWN : granular(type);
}

function granular(type: TypeRef): TypeStructure {
  let structure = STRUCTURES.get(type);
  if (structure === undefined) STRUCTURES.set(type, (structure = new TypeStructure(type)));
  return structure;
}

class TypeStructure implements Structure {
  readonly is = "struct";
  readonly keys: readonly string[] = [];
  readonly element = undefined;
  readonly #type: TypeRef;
  readonly #fields = new Map<string, Structure>();

  constructor(type: TypeRef) {
    this.#type = type;
  }

  keyDefault(): undefined {
    return undefined;
  }

  field(name: string): Structure | undefined {
    const known = this.#fields.get(name);
    if (known !== undefined) return known;
    const field = this.#type.fields.get(name);
    const structure = field === undefined ? this.#typeMeta(name) : structureOfField(field);
    if (structure !== undefined) this.#fields.set(name, structure);
    return structure;
  }

  declares(name: string): boolean {
    return this.field(name) !== undefined;
  }

  #typeMeta(name: string): Structure | undefined {
    return this.#type.isKind && (name === "apiVersion" || name === "kind") ? STRING : undefined;
  }
}

function structureOfField(field: Field): Structure {
  const { type } = field;
  switch (type.is) {
    case "list":
      return structureOfList(field, type.of);
    case "map":
      return field.mapType === "atomic" ? atomic(structureOf(type)) : structureOf(type);
    case "object":
      if (field.mapType === undefined) return structureOf(type);
      return field.mapType === "atomic" ? atomic(granular(type.type)) : granular(type.type);
    case "scalar":
    case "either":
      return structureOf(type);
  }
}

/** A list that says nothing of how server-side apply merges it is merged as strategic merge patches do. */
function structureOfList({ listType, listMapKeys, patchStrategies, mergeKey }: Field, of: FieldType): Structure {
  switch (listType) {
    case "atomic":
      return atomicListOf(structureOf(of));
    case "set":
      return setOf(structureOf(of));
    case "map":
      return keyed(of, listMapKeys);
    case undefined:
      if (!patchStrategies.includes("merge")) return atomicListOf(structureOf(of));
      return mergeKey === undefined ? setOf(structureOf(of)) : keyed(of, [mergeKey]);
  }
}

function keyed(of: FieldType, keys: readonly string[]): Structure {
  const fields = of.is === "object" ? of.type.fields : undefined;
  return listMapOf(structureOf(of), keys, (key) => keyDefault(fields?.get(key)));
}

/** What the field declares, or its zero value where it is never left out: so Kubernetes' OpenAPI says it. */
function keyDefault(field: Field | undefined): unknown {
  if (field === undefined) return undefined;
  if (field.default !== undefined || field.omitEmpty || field.pointer) return field.default;
  switch (scalarOf(field.type)?.scalar) {
    case "string":
      return "";
    case "number":
      return 0;
    case "boolean":
      return false;
    case undefined:
      return undefined;
  }
}

function scalarOf(type: FieldType): Structure | undefined {
  return type.is === "scalar" ? structureOfScalar(type.scalar) : undefined;
}

function structureOf(type: FieldType): Structure {
  switch (type.is) {
    case "list":
      return atomicListOf(structureOf(type.of));
    case "map":
      return mapOf(structureOf(type.of));
    case "object":
      return type.type.atomic ? atomic(granular(type.type)) : granular(type.type);
    case "either":
      return UNKNOWN;
    case "scalar":
      return structureOfScalar(type.scalar);
  }
}

function structureOfScalar(scalar: Scalar): Structure {
  switch (scalar) {
    case "string":
    case "bytes":
      return STRING;
    case "bool":
      return BOOLEAN;
    case "int32":
    case "int64":
    case "float64":
      return NUMBER;
    case "Time":
    case "MicroTime":
    case "Duration":
    case "Quantity":
    case "IntOrString":
      return LEAF;
    case "RawExtension":
      // A value of any type has none in Kubernetes' OpenAPI; this one is taken whole, the others by their parts.
      return ATOMIC;
    case "JSON":
    case "FieldsV1":
      return UNKNOWN;
  }
}
