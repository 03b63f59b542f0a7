/**
 * How large what a schema describes can be, which is what a rule's cost is estimated from. Source: apiserver `pkg/cel/common/schemas.go`
 * and `pkg/cel/limits.go`.
 */
import type { Sized } from "../cel/sizes.ts";
import { propertiesByCelName } from "./rule-values.ts";
import type { Schema } from "./schema.ts";

/** Bytes of a request, which all that is in it shares. */
const REQUEST_BYTES_MAX = 3 * 1024 * 1024;
/** Of a text without its quotes, or a list or map without its brackets. */
const INNER_BYTES_MAX = REQUEST_BYTES_MAX - 2;
/** `{}`, `[]`, `""`. */
const EMPTY_BYTES = 2;
/** Of UTF-8. */
const CHAR_BYTES_MAX = 4;

export interface SizedValue extends Sized {
  /** Of the smallest one in JSON. */
  readonly bytesMin: number;
}

const MAP_KEY: Sized = { max: 0 };

/** Sizes of the schemas of one tree: each is found once, whoever asks for it. */
export class Sizes {
  readonly #known = new Map<Schema, SizedValue | undefined>();

  /** @param root whether the schema is that of a whole object; @returns undefined: rules know nothing of such values */
  of(given: Schema, root: boolean): SizedValue | undefined {
    const schema = !given.intOrString && (root || given.embedded) ? given.headed : given;
    if (!this.#known.has(schema)) this.#known.set(schema, this.#sizesOf(schema));
    return this.#known.get(schema);
  }

  #sizesOf(schema: Schema): SizedValue | undefined {
    const { limits, intOrString, type } = schema;
    if (intOrString) {
      const max = limits.maxLength === undefined ? INNER_BYTES_MAX : positive(limits.maxLength) * CHAR_BYTES_MAX;
      return { max, bytesMin: 1 };
    }
    switch (type) {
      case "array": {
        const items = schema.items === undefined ? undefined : this.of(schema.items, false);
        if (items === undefined) return undefined;
        const fitting = Math.floor(INNER_BYTES_MAX / (items.bytesMin + 1));
        const max = limits.maxItems === undefined ? fitting : positive(limits.maxItems);
        return { max, bytesMin: EMPTY_BYTES, items };
      }
      case "object":
        return typeof schema.additional === "object"
          ? this.#mapSizes(schema, schema.additional)
          : this.#objectSizes(schema);
      case "string":
        return textSizes(schema);
      case "boolean":
        return { max: 0, bytesMin: 4 };
      case "number":
      case "integer":
        return { max: 0, bytesMin: 1 };
    }
    return undefined;
  }

  #mapSizes({ limits }: Schema, additional: Schema): SizedValue | undefined {
    const items = this.of(additional, false);
    if (items === undefined) return undefined;
    // A key of two letters with its quotes, a colon and a comma.
    const fitting = Math.floor(INNER_BYTES_MAX / (items.bytesMin + 6));
    const max = limits.maxProperties === undefined ? fitting : positive(limits.maxProperties);
    return { max, bytesMin: EMPTY_BYTES, items, keys: MAP_KEY };
  }

  #objectSizes(schema: Schema): SizedValue {
    const { properties, required } = schema;
    let bytesMin = EMPTY_BYTES;
    for (const name of new Set(required)) {
      const property = properties.get(name);
      const sizes = property?.default === undefined && property !== undefined ? this.of(property, false) : undefined;
      if (sizes !== undefined) bytesMin += new TextEncoder().encode(name).length + sizes.bytesMin + 4;
    }
    let names: ReadonlyMap<string, string> | undefined;
    const get = (name: string): Sized | undefined => {
      const property = properties.get((names ??= propertiesByCelName(schema)).get(name) ?? "");
      return property && this.of(property, false);
    };
    return { max: 0, bytesMin, fields: { get } };
  }
}

/** How often a value can be in one object when no limit says so. */
export function mostTimes({ bytesMin }: SizedValue): number {
  return Math.floor(REQUEST_BYTES_MAX / (bytesMin + 1));
}

function positive(limit: number): number {
  return Math.max(0, limit);
}

/** Of texts that have a form, whatever their limit. */
const FORMED: Readonly<Record<string, SizedValue>> = {
  date: { max: 12, bytesMin: 12 },
  "date-time": { max: 32, bytesMin: 21 },
  duration: { max: 32, bytesMin: 3 },
};

function textSizes({ format, limits, enum: values }: Schema): SizedValue {
  const formed = Object.hasOwn(FORMED, format) ? FORMED[format] : undefined;
  if (formed !== undefined) return formed;
  const { maxLength } = limits;
  if (maxLength !== undefined) {
    return { max: positive(maxLength) * (format === "byte" ? 1 : CHAR_BYTES_MAX), bytesMin: EMPTY_BYTES };
  }
  if (values.length === 0 || format === "byte") return { max: INNER_BYTES_MAX, bytesMin: EMPTY_BYTES };
  const lengths = values.map((value) => (typeof value === "string" ? new TextEncoder().encode(value).length : 0));
  return { max: lengths.reduce((most, length) => Math.max(most, length), 0), bytesMin: EMPTY_BYTES };
}
