/**
 * How the parts of a value are merged and owned, whether a field table or the schema of a CustomResourceDefinition says so.
 * Server-side apply, managedFields and the comparison of objects know nothing else of a kind.
 * Source: the schema of structured-merge-diff, and kube-openapi `schemaconv`, which says how OpenAPI becomes one.
 */

export interface Structure {
  /**
   * - `leaf`: a scalar, or a value of no known parts.
   * - `struct`: an object whose fields are declared; the object itself is owned only where it may be absent.
   * - `map`: an object of any keys, each of which is owned besides what it holds.
   * - `set`: a list of different scalars. `listMap`: a list of objects that `keys` tell apart.
   * - `atomic`: a list or object that is owned and replaced as a whole.
   * - `list`: stands only in what an `atomic` has `inside`: its elements are not told apart.
   * - `unknown`: the value itself says what it is: an object is a map of unknowns, a list is atomic, the rest is a leaf.
   */
  readonly is: "leaf" | "struct" | "map" | "set" | "listMap" | "atomic" | "list" | "unknown";
  /** Of a `leaf`: what it must be, when that is known to be one thing. */
  readonly scalar?: "string" | "number" | "boolean";
  /** Of an `atomic`: what it would be if it were not, by which what is applied is checked. */
  readonly inside?: Structure;
  /** Of a `listMap`, in the order in which they were declared. */
  readonly keys: readonly string[];
  /** What stands for a key that an element leaves out; undefined when it has no default. */
  keyDefault(key: string): unknown;
  /** Of a `struct` (undefined: there is no such field), a `map` (the same for every key) and an `unknown`. */
  field(name: string): Structure | undefined;
  /** Whether a `struct` names the field itself, and does not only take it because it takes unknown ones. */
  declares(name: string): boolean;
  /** Of a `set` or `listMap`. */
  readonly element: Structure | undefined;
}

const NO_KEYS: readonly string[] = [];

/** What has no parts that anybody could own. */
class Whole implements Structure {
  readonly is: "leaf" | "atomic";
  readonly keys = NO_KEYS;
  readonly element = undefined;
  readonly scalar?: "string" | "number" | "boolean";
  readonly inside?: Structure;

  constructor(is: "leaf" | "atomic", more: Pick<Structure, "scalar" | "inside"> = {}) {
    this.is = is;
    if (more.scalar !== undefined) this.scalar = more.scalar;
    if (more.inside !== undefined) this.inside = more.inside;
  }

  keyDefault(): undefined {
    return undefined;
  }

  field(): undefined {
    return undefined;
  }

  declares(): boolean {
    return false;
  }
}

/** Any scalar, or one of a kind. */
export const LEAF: Structure = new Whole("leaf");
export const STRING: Structure = new Whole("leaf", { scalar: "string" });
export const NUMBER: Structure = new Whole("leaf", { scalar: "number" });
export const BOOLEAN: Structure = new Whole("leaf", { scalar: "boolean" });
/** Of which nothing more is known. */
export const ATOMIC: Structure = new Whole("atomic");

export const UNKNOWN: Structure = {
  is: "unknown",
  keys: NO_KEYS,
  element: undefined,
  keyDefault: () => undefined,
  field: () => UNKNOWN,
  declares: () => false,
};

export function atomic(inside: Structure): Structure {
  return new Whole("atomic", { inside });
}

export function mapOf(value: Structure): Structure {
  return {
    is: "map",
    keys: NO_KEYS,
    element: undefined,
    keyDefault: () => undefined,
    field: () => value,
    declares: () => false,
  };
}

/** A list whose elements nothing tells apart. */
export function atomicListOf(element: Structure): Structure {
  return atomic(new List("list", element, NO_KEYS));
}

export function setOf(element: Structure): Structure {
  return new List("set", element, NO_KEYS);
}

/** @param keyDefault the default of the field of an element that is a key */
export function listMapOf(
  element: Structure,
  keys: readonly string[],
  keyDefault: (key: string) => unknown,
): Structure {
  return new List("listMap", element, keys, keyDefault);
}

class List implements Structure {
  readonly is: "list" | "set" | "listMap";
  readonly element: Structure;
  readonly keys: readonly string[];
  readonly #keyDefault: (key: string) => unknown;

  constructor(
    is: "list" | "set" | "listMap",
    element: Structure,
    keys: readonly string[],
    keyDefault: (key: string) => unknown = () => undefined,
  ) {
    this.is = is;
    this.element = element;
    this.keys = keys;
    this.#keyDefault = keyDefault;
  }

  keyDefault(key: string): unknown {
    return this.#keyDefault(key);
  }

  field(): undefined {
    return undefined;
  }

  declares(): boolean {
    return false;
  }
}
