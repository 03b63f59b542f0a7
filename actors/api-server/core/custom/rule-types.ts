/** Types of a schema as CEL has them: its objects are structs. Source: apiserver `pkg/cel/common/schemas.go`, `pkg/cel/types.go`. */
import type { CelEnvironment } from "../cel/type-check.ts";
import type { CelType } from "../cel/types.ts";
import { DYN_TYPE, STRING_TYPE, listType, mapType, namedType, structType } from "../cel/types.ts";
import { celName, withHead } from "./rule-values.ts";
import type { Schema } from "./schema.ts";

export interface SchemaTypes extends Pick<CelEnvironment, "fieldsOf"> {
  readonly self: CelType;
}

/** @param root whether the schema is that of a whole object */
export function schemaTypes(schema: Schema, root: boolean): SchemaTypes {
  const structs = new Map<string, ReadonlyMap<string, CelType>>();
  const self = typeOf(schema, root, "selfType", structs) ?? DYN_TYPE;
  return {
    self,
    fieldsOf: (struct) => {
      const fields = structs.get(struct);
      return fields && ((field) => fields.get(field));
    },
  };
}

/**
 * @param name of the type, when it is an object's
 * @returns undefined: rules know nothing of such values
 */
function typeOf(
  given: Schema,
  root: boolean,
  name: string,
  structs: Map<string, ReadonlyMap<string, CelType>>,
): CelType | undefined {
  if (given.intOrString) return DYN_TYPE;
  const schema = root || given.embedded ? withHead(given) : given;
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
      const fields = new Map<string, CelType>();
      for (const [property, below] of schema.properties) {
        const known = celName(property);
        const type = known === undefined ? undefined : typeOf(below, false, `${name}.${known}`, structs);
        if (known !== undefined && type !== undefined) fields.set(known, type);
      }
      structs.set(name, fields);
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
