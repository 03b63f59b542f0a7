/**
 * Copies plain data as its way through the wire would, at a third of the price, and at a seventh as long as the engine has not
 * compiled what a run of some seconds does: that is what simulations of many seeds are made of.
 */
import { PreEncoded } from "../pre-encoded.ts";

/** As on threads (`threads/port-links.ts`): up to it a lone message is a structured clone, and beyond it a frame of records. */
const SMALL_VALUES_MAX = 24;

/** What the codec alone makes plain data of. */
const UNCOPIED = Symbol("uncopied");
let budget = 0;

/**
 * A copy that shares nothing with `envelopes`, or undefined when something in them is of a class, or what plain data can't
 * be. Throws for what can't be cloned in a lone small message.
 */
export function copyMessage<T extends readonly unknown[]>(envelopes: T): T | undefined {
  budget = envelopes.length === 1 ? SMALL_VALUES_MAX : 0;
  const copied = copyArray(envelopes);
  return copied === UNCOPIED ? undefined : (copied as T);
}

function copy(value: unknown): unknown {
  budget--;
  switch (typeof value) {
    case "number":
      // A frame carries -0 as 0, a clone keeps it.
      return Object.is(value, -0) ? UNCOPIED : value;
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return UNCOPIED;
    case "function":
    case "symbol":
      if (budget >= 0) throw new Error(`a ${typeof value} can't be sent to another actor`);
      return UNCOPIED;
    case "object":
      return value === null ? null : Array.isArray(value) ? copyArray(value) : copyObject(value);
  }
}

function copyArray(value: readonly unknown[]): unknown {
  const copied: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = copy(value[index]);
    if (item === UNCOPIED) return UNCOPIED;
    copied.push(item);
  }
  return copied;
}

function copyObject(value: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return copyInstance(value);
  // Spread first: the copy gets the shape that the engine knows of the original, in place of one that is looked up key by key.
  const copied: Record<string, unknown> = { ...value };
  for (const key in copied) {
    if (key === "__proto__") return UNCOPIED;
    const given = copied[key];
    if (typeof given === "string") {
      budget--;
      continue;
    }
    const item = copy(given);
    if (item === UNCOPIED) return UNCOPIED;
    if (item !== given) copied[key] = item;
  }
  return copied;
}

function copyInstance(value: object): unknown {
  if (value instanceof Uint8Array) {
    budget = 0;
    return new Uint8Array(value);
  }
  if (!(value instanceof PreEncoded)) return UNCOPIED;
  budget = 0;
  return copy(value.decoded);
}
