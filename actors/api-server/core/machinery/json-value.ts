/** JSON values and the few operations on them that patches and defaults need. */

export type JsonObject = { [key: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sets a property of its own, whatever the key: `__proto__` in a body is a key like any other. */
export function setOwn(target: JsonObject, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

/**
 * `{ ...object, ...more }` of objects that have been decoded, where it is made for each request: written so, Node.js 20 takes a
 * microsecond for each field that `object` does not have.
 */
export function withFields<A extends object, B extends object>(object: A, more: B): Omit<A, keyof B> & B {
  return Object.assign({}, object, more) as Omit<A, keyof B> & B;
}

export function getOwn(target: Readonly<JsonObject>, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

export function cloneJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const result: JsonObject = {};
  for (const key in value) setOwn(result, key, cloneJson((value as JsonObject)[key]));
  return result as T;
}

/** Whether two JSON values are the same, whatever the order of their keys. A key that is undefined is not there. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => equalJson(item, b[i]));
  }
  const left = Object.keys(a).filter((key) => (a as JsonObject)[key] !== undefined);
  const right = Object.keys(b).filter((key) => (b as JsonObject)[key] !== undefined);
  if (left.length !== right.length) return false;
  return left.every((key) => Object.hasOwn(b, key) && equalJson((a as JsonObject)[key], (b as JsonObject)[key]));
}

/** Which values of two trees are the same, as `equalJson`: each is looked at once, however often it is asked for with those around it. */
export class SameValues {
  readonly #known = new Map<object, { readonly other: object; readonly same: boolean }>();

  are(a: unknown, b: unknown): boolean {
    if (a === b) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    const known = this.#known.get(a);
    if (known?.other === b) return known.same;
    const same = this.#compare(a, b);
    this.#known.set(a, { other: b, same });
    return same;
  }

  #compare(a: object, b: object): boolean {
    if (Array.isArray(a) || Array.isArray(b)) {
      if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
      return a.every((item, i) => this.are(item, b[i]));
    }
    const left = Object.keys(a).filter((key) => (a as JsonObject)[key] !== undefined);
    const right = Object.keys(b).filter((key) => (b as JsonObject)[key] !== undefined);
    if (left.length !== right.length) return false;
    return left.every((key) => Object.hasOwn(b, key) && this.are((a as JsonObject)[key], (b as JsonObject)[key]));
  }
}

/**
 * Characters of the value as JSON, without what escapes add; more than `max` as soon as that is known. What is shared in it counts each
 * time: a text of a few bytes can stand for a value of gigabytes, as aliases in YAML do.
 */
export function jsonChars(value: unknown, max: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return String(value).length;
  let count = 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (count > max) return count;
      count += 1 + jsonChars(item, max - count);
    }
    return count;
  }
  for (const key of Object.keys(value)) {
    if (count > max) return count;
    count += key.length + 4 + jsonChars((value as JsonObject)[key], max - count);
  }
  return count;
}

/** The same value with the keys of all its objects in order. */
export function keysInOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysInOrder);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, keysInOrder(value[key])]),
  );
}

/** Nothing but a text is one. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
