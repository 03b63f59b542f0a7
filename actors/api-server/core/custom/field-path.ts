/** Paths to a field of a schema: `.spec.a`, `['a.b']`. Source: apiextensions-apiserver `schema/cel.ValidFieldPath`. */
import type { Schema } from "./schema.ts";

export type FieldAt =
  | { readonly path: string; readonly schema: Schema }
  /** In Kubernetes' words. */
  | { readonly problem: string };

const TOKEN = /'(?:[^'\\]|\\[\s\S])*'|[.[\]]|[^.[\]']+|'/g;

/** @param brackets whether `['name']` is allowed */
export function fieldAt(text: string, root: Schema, brackets: boolean): FieldAt {
  const tokens = text.match(TOKEN) ?? [];
  let at: { readonly path: string; readonly schema: Schema } = { path: "", schema: root };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token !== "." && token !== "[") return { problem: `expected [ or . but got: ${token}` };
    if (token === "[" && !brackets) return { problem: "array notation is not allowed" };
    let name = tokens[++i];
    if (name === undefined) return { problem: "unexpected end of JSON path" };
    if (token === "[") {
      if (!/^'[\s\S]*'$/.test(name) || name.length < 2)
        return { problem: `expected single quoted string but got ${name}` };
      name = name.slice(1, -1).replaceAll(/\\([\s\S])/g, "$1");
      const end = tokens[++i];
      if (end === undefined) return { problem: "unexpected end of JSON path" };
      if (end !== "]") return { problem: `expected ] but got ${end}` };
    }
    const next = step(at.schema, name);
    if (next === undefined) return { problem: "does not refer to a valid field" };
    const named = at.schema.properties.size > 0;
    at = { path: named ? `${at.path}${at.path === "" ? "" : "."}${name}` : `${at.path}[${name}]`, schema: next };
  }
  return at;
}

function step({ properties, additional }: Schema, name: string): Schema | undefined {
  if (properties.size > 0) return properties.get(name);
  return typeof additional === "object" ? additional : undefined;
}
