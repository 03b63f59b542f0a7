/** Types of a schema as CEL has them: its objects are structs. Source: apiserver `pkg/cel/common/schemas.go`, `pkg/cel/types.go`. */
import type { CelEnvironment } from "../cel/type-check.ts";
import type { CelType } from "../cel/types.ts";
import { DYN_TYPE, STRING_TYPE, listType, mapType, namedType, structType } from "../cel/types.ts";
import { propertiesByCelName } from "./rule-values.ts";
import type { Schema } from "./schema.ts";

export interface SchemaTypes extends Pick<CelEnvironment, "fieldsOf"> {
  readonly self: CelType;
}

/**
 * Of what rules name, and of nothing else: most of a large schema no rule speaks of.
 * @param root whether the schema is that of a whole object
 */
export function schemaTypes(schema: Schema, root: boolean): SchemaTypes {
  const structs = new Map<string, Struct>();
  const self = typeOf(schema, root, "selfType", structs) ?? DYN_TYPE;
  return {
    self,
    fieldsOf: (name) => {
      const struct = structs.get(name);
      return struct && ((field) => struct.fieldOf(field));
    },
  };
}

/** An object's type, by its name; it may be that of several which are the same. */
class Struct {
  readonly #name: string;
  readonly #schema: Schema;
  readonly #structs: Map<string, Struct>;
  readonly #types = new Map<string, CelType | undefined>();
  #properties: ReadonlyMap<string, string> | undefined;

  constructor(name: string, schema: Schema, structs: Map<string, Struct>) {
    this.#name = name;
    this.#schema = schema;
    this.#structs = structs;
  }

  fieldOf(field: string): CelType | undefined {
    if (!this.#types.has(field)) this.#types.set(field, this.#typeOf(field));
    return this.#types.get(field);
  }

  #typeOf(field: string): CelType | undefined {
    this.#properties ??= propertiesByCelName(this.#schema);
    const property = this.#schema.properties.get(this.#properties.get(field) ?? "");
    return property && typeOf(property, false, `${this.#name}.${field}`, this.#structs);
  }
}

/** @param name of the type, when it is an object's; @returns undefined: rules know nothing of such values */
function typeOf(given: Schema, root: boolean, name: string, structs: Map<string, Struct>): CelType | undefined {
  if (given.intOrString) return DYN_TYPE;
  const schema = root || given.embedded ? given.headed : given;
  switch (schema.type) {
    case "array": {
      const items = schema.items && typeOf(schema.items, false, `${name}.@idx`, structs);
      return items && listType(items);
    }
    case "object": {
      if (typeof schema.additional === "object") {
        const values = typeOf(schema.additional, false, `${name}.@elem`, structs);
        return values && mapType(STRING_TYPE, values);
      }
      structs.set(name, new Struct(name, schema, structs));
      return structType(name);
    }
    case "string":
      return Object.hasOwn(FORMATS, schema.format) ? FORMATS[schema.format] : STRING_TYPE;
    case "boolean":
      return namedType("bool");
    case "number":
      return namedType("double");
    case "integer":
      return namedType("int");
  }
  return undefined;
}

const FORMATS: Readonly<Record<string, CelType>> = {
  byte: namedType("bytes"),
  duration: namedType("duration"),
  date: namedType("timestamp"),
  "date-time": namedType("timestamp"),
};
