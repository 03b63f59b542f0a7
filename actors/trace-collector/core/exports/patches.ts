/** What has to be changed of one value, as JSON has it, to make another of it. */

export type FieldPath = readonly (string | number)[];

export interface FieldChange {
  readonly path: FieldPath;
  /** Undefined: there is none any more. */
  readonly after: unknown;
}

/** Items of lists are compared by their place. */
export function patchBetween(before: unknown, after: unknown): readonly FieldChange[] {
  const found: FieldChange[] = [];
  compare(before, after, [], found);
  return found;
}

/** `after` again. What did not change is shared with `before`. */
export function patched(before: unknown, changes: readonly FieldChange[]): unknown {
  return changes.reduce((value, { path, after }) => withField(value, path, 0, after), before);
}

function compare(before: unknown, after: unknown, path: FieldPath, found: FieldChange[]): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index++) compare(before[index], after[index], [...path, index], found);
  } else if (isTable(before) && isTable(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [from, to] = [own(before, name), own(after, name)];
      compare(from, to, [...path, name], found);
    }
  } else found.push({ path, after });
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
