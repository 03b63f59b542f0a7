/** A configuration as it was written, checked against what may stand in it: nothing that is not known is left out in silence. */

/** What may stand at a place. `any`: whatever it is, somebody else looks at it. */
export type Shape =
  | "integer"
  | "number"
  | "boolean"
  | "string"
  | "duration"
  | "any"
  | { readonly listOf: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/** What is wrong, one text each, in the words of Kubernetes' strict decoder. */
export function wrongWith(value: unknown, shape: Shape, path: string = ""): readonly string[] {
  if (value === undefined || value === null) return [];
  const mistyped = (wanted: string): readonly string[] => [
    `strict decoding error: ${path === "" ? "the configuration" : path} must be ${wanted}, not ${JSON.stringify(value)}`,
  ];
  switch (shape) {
    case "any":
      return [];
    case "integer":
      return Number.isSafeInteger(value) ? [] : mistyped("a whole number");
    case "number":
    case "boolean":
    case "string":
      return typeof value === shape ? [] : mistyped(`a ${shape}`);
    case "duration":
      return typeof value === "string" && DURATION.test(value) ? [] : mistyped('a duration, as "15s"');
  }
  if ("listOf" in shape) {
    if (!Array.isArray(value)) return mistyped("a list");
    return value.flatMap((item, index) => wrongWith(item, shape.listOf, `${path}[${index}]`));
  }
  if (typeof value !== "object" || Array.isArray(value)) return mistyped("a table");
  const place = (name: string): string => (path === "" ? name : `${path}.${name}`);
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    return known === undefined
      ? [`strict decoding error: unknown field ${JSON.stringify(place(name))}`]
      : wrongWith(inner, known, place(name));
  });
}

const DURATION = /^-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$|^0$/;

/** A message of field validation, as apimachinery's `field.Error` has it. */
export const invalid = (path: string, value: unknown, why: string): string =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`;
export const required = (path: string, why: string = ""): string =>
  `${path}: Required value${why === "" ? "" : `: ${why}`}`;
export const duplicate = (path: string, value: unknown): string => `${path}: Duplicate value: ${JSON.stringify(value)}`;
export const unsupported = (path: string, value: unknown, supported: readonly string[]): string =>
  `${path}: Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`;
export const forbidden = (path: string, why: string): string => `${path}: Forbidden: ${why}`;
