/** What a write changed of an object, field by field; and the object made of the one before and that. */

export type FieldPath = readonly (string | number)[];

export interface FieldDifference {
  readonly path: FieldPath;
  /** Undefined: there was none. */
  readonly before: unknown;
  /** Undefined: there is none any more. */
  readonly after: unknown;
}

/** Both as JSON has them. Items of lists are compared by their place. */
export function differencesBetween(before: unknown, after: unknown): readonly FieldDifference[] {
  const found: FieldDifference[] = [];
  compare(before, after, [], found);
  return found;
}

/** `after` again. What did not change is shared with `before`. */
export function applied(before: unknown, changes: readonly Pick<FieldDifference, "path" | "after">[]): unknown {
  return changes.reduce((value, { path, after }) => withField(value, path, 0, after), before);
}

/** `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
export function textOfPath(path: FieldPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

function compare(before: unknown, after: unknown, path: FieldPath, found: FieldDifference[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index++) compare(before[index], after[index], [...path, index], found);
  } else if (isTable(before) && isTable(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [from, to] = [own(before, name), own(after, name)];
      compare(from, to, [...path, name], found);
    }
  } else found.push({ path, before, after });
}

function withField(value: unknown, path: FieldPath, depth: number, after: unknown): unknown {
  const part = path[depth];
  if (part === undefined) return after;
  if (typeof part === "number") {
    const list: unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [];
    const item = withField(list[part], path, depth + 1, after);
    // Only the last ones are ever taken away.
    if (item === undefined) list.length = Math.min(list.length, part);
    else list[part] = item;
    return list;
  }
  const entries = Object.entries(isTable(value) ? value : {}).filter(([name]) => name !== part);
  const field = withField(isTable(value) ? own(value, part) : undefined, path, depth + 1, after);
  // Not by assignment: a field may be called `__proto__`.
  return Object.fromEntries(field === undefined ? entries : [...entries, [part, field]]);
}

function own(table: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
