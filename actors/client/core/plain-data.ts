/** Whether a body is plain data, which is all that the API keeps: anything else would become something else on its way. */

/** As deep as the wire's decoder can follow on any thread; objects of Kubernetes nest less than a tenth of it. */
const DEPTH_MAX = 1_000;
/** Each takes a byte at least, and etcd takes no object of more than 1.5 MB. Values that are shared count at each place. */
const VALUES_MAX = 1_500_000;

export interface NotPlain {
  /** `spec.containers[0].env`; empty for the value itself. */
  readonly path: string;
  /** `is a symbol`. */
  readonly what: string;
}

/**
 * The first place in `value` that is none of: string, finite number, boolean, null, array or plain object of such, at most
 * 1,000 deep. A field may be undefined, which says that it is absent. A field named `__proto__` is refused, because the
 * wire renames it.
 */
export function findNotPlain(value: unknown): NotPlain | undefined {
  const path: (string | number)[] = [];
  let what: string | undefined;
  try {
    what = new Search(path).visit(value);
  } catch (error) {
    what = `can't be read${error instanceof Error ? `: ${error.message}` : ""}`;
  }
  return what === undefined ? undefined : { path: spell(path), what };
}

class Search {
  /** Where it is; where it ended, when something was found. */
  private readonly path: (string | number)[];
  private values = 0;

  constructor(path: (string | number)[]) {
    this.path = path;
  }

  visit(value: unknown): string | undefined {
    if (++this.values > VALUES_MAX) return `has more than ${VALUES_MAX} values`;
    switch (typeof value) {
      case "string":
      case "boolean":
        return undefined;
      case "number":
        return Number.isFinite(value) ? undefined : `is ${value}, which no JSON has`;
      case "object":
        return value === null ? undefined : this.visitObject(value);
      case "undefined":
        return "is undefined";
      case "bigint":
      case "function":
      case "symbol":
        return `is a ${typeof value}`;
    }
  }

  private visitObject(value: object): string | undefined {
    const { path } = this;
    if (path.length >= DEPTH_MAX) return `is nested more than ${DEPTH_MAX} deep; does it contain itself?`;
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        path.push(index);
        const what = this.visit(value[index]);
        if (what !== undefined) return what;
        path.pop();
      }
      return undefined;
    }
    // Of any realm: a test runner's objects have an Object.prototype of their own.
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return "is an instance of a class";
    if (Object.getOwnPropertySymbols(value).length > 0) return "has a field that is named by a symbol";
    for (const key of Object.keys(value)) {
      path.push(key);
      if (key === "__proto__") return "has a name that can't be kept";
      const field = (value as Record<string, unknown>)[key];
      const what = field === undefined ? undefined : this.visit(field);
      if (what !== undefined) return what;
      path.pop();
    }
    return undefined;
  }
}

/** Of a long path its beginning. */
const SPELLED_MAX = 12;

function spell(path: readonly (string | number)[]): string {
  const spelled = path
    .slice(0, SPELLED_MAX)
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("");
  return (spelled.startsWith(".") ? spelled.slice(1) : spelled) + (path.length > SPELLED_MAX ? "…" : "");
}
