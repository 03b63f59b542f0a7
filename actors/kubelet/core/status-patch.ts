/** What must be written to turn one status into another. */

/** A merge patch (RFC 7386) of the fields that differ, or undefined when none does. */
export function statusPatch(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!isEqual(before[key], after[key])) patch[key] = after[key] ?? null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Equality of plain data; a field that is absent equals one that is undefined. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((item, index) => isEqual(item, other[index]));
  }
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => isEqual(left[key], right[key]));
}

/** Whether version `one` of an object came after version `other`. @see KEP-5504: versions of one object are ordered as numbers. */
export function isNewerVersion(one: string, other: string): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}
