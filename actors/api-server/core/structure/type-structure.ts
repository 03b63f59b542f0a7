/** The structure of a kind that has a field table. */
import type { Field, FieldType, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Structure } from "./structure.ts";
import { ATOMIC, LEAF, listMapOf, mapOf, setOf, UNKNOWN } from "./structure.ts";

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
    return this.#type.isKind && (name === "apiVersion" || name === "kind") ? LEAF : undefined;
  }
}

function structureOfField(field: Field): Structure {
  const { type } = field;
  switch (type.is) {
    case "list":
      return structureOfList(field, type.of);
    case "map":
      return field.mapType === "atomic" ? ATOMIC : structureOf(type);
    case "object":
      if (field.mapType === undefined) return structureOf(type);
      return field.mapType === "atomic" ? ATOMIC : granular(type.type);
    case "scalar":
    case "either":
      return structureOf(type);
  }
}

/** A list that says nothing of how server-side apply merges it is merged as strategic merge patches do. */
function structureOfList({ listType, listMapKeys, patchStrategies, mergeKey }: Field, of: FieldType): Structure {
  switch (listType) {
    case "atomic":
      return ATOMIC;
    case "set":
      return setOf(structureOf(of));
    case "map":
      return keyed(of, listMapKeys);
    case undefined:
      if (!patchStrategies.includes("merge")) return ATOMIC;
      return mergeKey === undefined ? setOf(structureOf(of)) : keyed(of, [mergeKey]);
  }
}

function keyed(of: FieldType, keys: readonly string[]): Structure {
  const fields = of.is === "object" ? of.type.fields : undefined;
  return listMapOf(structureOf(of), keys, (key) => fields?.get(key)?.default);
}

function structureOf(type: FieldType): Structure {
  switch (type.is) {
    case "list":
      return ATOMIC;
    case "map":
      return mapOf(structureOf(type.of));
    case "object":
      return type.type.atomic ? ATOMIC : granular(type.type);
    case "either":
      return UNKNOWN;
    case "scalar":
      // A value of any kind has no type in Kubernetes' OpenAPI, but for this one, which is taken whole.
      if (type.scalar === "RawExtension") return ATOMIC;
      return type.scalar === "JSON" || type.scalar === "FieldsV1" ? UNKNOWN : LEAF;
  }
}
