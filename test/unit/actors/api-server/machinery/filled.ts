/** Objects made from the schema: with every field that a kind has, or with none. */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { EitherType, FieldType, ScalarType, TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { findType, PACKAGES } from "../../../../../protocols/kubernetes/schema/schema.ts";

/** Types that hold themselves are filled so deep. */
const WITHIN_ITSELF_MAX = 1;

/** Every kind that has a message. */
export const MESSAGE_KINDS: readonly { readonly apiVersion: string; readonly kind: string; readonly type: TypeRef }[] =
  PACKAGES.filter(({ name }) => name !== "meta").flatMap(({ apiVersion, types }) =>
    Object.keys(types).flatMap((kind) => {
      const type = types[kind]?.includes("\n!kind\n") === true ? findType(apiVersion, kind) : undefined;
      return type === undefined ? [] : [{ apiVersion, kind, type }];
    }),
  );

/** One value of a scalar, as the API would store it. */
export type ScalarSource = (type: ScalarType) => unknown;
/** Which of so many choices is taken: forms of a value, elements of a list. */
export type Choice = (count: number) => number;

/** Each call another value; always the same in the same order. */
export function counted(): { readonly scalar: ScalarSource; readonly choose: Choice } {
  let count = 0;
  return {
    scalar: (type) => {
      count++;
      if (type.values !== undefined) return type.values[count % type.values.length];
      switch (type.scalar) {
        case "string":
          return `text ${count} ü`;
        case "bool":
          return true;
        case "int32":
        case "int64":
          return count % 3 === 0 ? -count : count * 100;
        case "float64":
          return count + 0.5;
        case "bytes":
          return Buffer.from(`bytes ${count}`).toString("base64");
        case "Time":
          return `2026-01-02T03:04:${String(count % 60).padStart(2, "0")}Z`;
        case "MicroTime":
          return `2026-01-02T03:04:05.${String(count).padStart(6, "0")}Z`;
        case "Duration":
          return `${count}s`;
        case "Quantity":
          return `${count * 10 + 1}m`;
        case "IntOrString":
          return count % 2 === 0 ? count : `${count}%`;
        case "FieldsV1":
          return { "f:metadata": { [`f:${count}`]: {} } };
        case "RawExtension":
          return { apiVersion: "v1", kind: "Any", count };
        case "JSON":
          return { any: [count, null, "x"] };
      }
    },
    choose: (choices) => count % choices,
  };
}

export function filled(
  { apiVersion, kind, type }: { readonly apiVersion: string; readonly kind: string; readonly type: TypeRef },
  { scalar, choose }: { readonly scalar: ScalarSource; readonly choose: Choice },
): KubernetesObject {
  const open: TypeRef[] = [];
  const objectOf = (of: TypeRef): Record<string, unknown> => {
    open.push(of);
    const entries = [...of.fields.values()]
      .filter(({ number }) => number > 0)
      .flatMap((field): [string, unknown][] => {
        const value = valueOf(field.type);
        return value === undefined ? [] : [[field.name, value]];
      });
    open.pop();
    return Object.fromEntries(entries);
  };
  const valueOf = (of: FieldType): unknown => {
    switch (of.is) {
      case "object": {
        const within = open.filter((each) => each === of.type).length;
        return within > WITHIN_ITSELF_MAX ? undefined : objectOf(of.type);
      }
      case "list": {
        const items = Array.from({ length: 1 + choose(2) }, () => valueOf(of.of));
        return items.includes(undefined) ? undefined : items;
      }
      case "map": {
        const values = ["b/c", "a", "Z"].slice(0, 1 + choose(3)).map((key): [string, unknown] => [key, valueOf(of.of)]);
        return values.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(values);
      }
      case "scalar":
        return scalar(of);
      case "either":
        return formOf(of);
    }
  };
  const formOf = ({ forms }: EitherType): unknown => {
    const first = choose(forms.length);
    for (const { type: form } of [...forms.slice(first), ...forms.slice(0, first)]) {
      const value = valueOf(form);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  return { kind, apiVersion, ...objectOf(type) };
}
