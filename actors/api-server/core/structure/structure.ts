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
   * - `unknown`: the value itself says what it is: an object is a map of unknowns, a list is atomic, the rest is a leaf.
   */
  readonly is: "leaf" | "struct" | "map" | "set" | "listMap" | "atomic" | "unknown";
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

/** What has no parts of its own that anybody could own. */
class Whole implements Structure {
  readonly is: "leaf" | "atomic";
  readonly keys = NO_KEYS;
  readonly element = undefined;

  constructor(is: "leaf" | "atomic") {
    this.is = is;
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

export const LEAF: Structure = new Whole("leaf");
export const ATOMIC: Structure = new Whole("atomic");

export const UNKNOWN: Structure = {
  is: "unknown",
  keys: NO_KEYS,
  element: undefined,
  keyDefault: () => undefined,
  field: () => UNKNOWN,
  declares: () => false,
};

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

export function setOf(element: Structure): Structure {
  return {
    is: "set",
    keys: NO_KEYS,
    element,
    keyDefault: () => undefined,
    field: () => undefined,
    declares: () => false,
  };
}

/** @param keyDefault the default of the field of an element that is a key */
export function listMapOf(
  element: Structure,
  keys: readonly string[],
  keyDefault: (key: string) => unknown,
): Structure {
  return { is: "listMap", keys, element, keyDefault, field: () => undefined, declares: () => false };
}
