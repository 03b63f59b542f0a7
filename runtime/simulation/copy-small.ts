/**
 * Copies small plain data as a structured clone would, at a fraction of its price: threads send lone small messages as
 * structured clones, and the simulation sends millions of them.
 */

/** As on threads (`threads/port-links.ts`): beyond it a frame of records is cheaper. */
const SMALL_VALUES_MAX = 24;
const SMALL_STRING_MAX = 256;

const LARGE = Symbol("large");
let budget = 0;

/** A copy that shares nothing with `value`, or undefined when it is large or binary. Throws for what can't be cloned. */
export function copySmall<T extends object>(value: T): T | undefined {
  budget = SMALL_VALUES_MAX;
  const copied = copy(value);
  return copied === LARGE ? undefined : (copied as T);
}

function copy(value: unknown): unknown {
  if (--budget < 0) return LARGE;
  switch (typeof value) {
    case "string":
      return value.length <= SMALL_STRING_MAX ? value : LARGE;
    case "number":
    case "boolean":
    case "undefined":
    case "bigint":
      return value;
    case "function":
    case "symbol":
      throw new Error(`a ${typeof value} can't be sent to another actor`);
    case "object":
      return value === null ? null : Array.isArray(value) ? copyArray(value) : copyObject(value);
  }
}

function copyArray(value: readonly unknown[]): unknown {
  const copied: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = copy(value[index]);
    if (item === LARGE) return LARGE;
    copied.push(item);
  }
  return copied;
}

function copyObject(value: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return LARGE;
  const copied: Record<string, unknown> = {};
  for (const key in value) {
    if (key === "__proto__") return LARGE;
    const item = copy((value as Record<string, unknown>)[key]);
    if (item === LARGE) return LARGE;
    copied[key] = item;
  }
  return copied;
}
