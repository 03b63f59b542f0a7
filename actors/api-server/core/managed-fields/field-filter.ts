/**
 * Which fields a write can't change, whatever it says of them, so that nobody comes to own them by it.
 * Source: `GetResetFields` of the strategies in `pkg/registry`.
 */
import type { FieldSet } from "./field-set.ts";
import { isEmpty, recursiveDifference, setOfPath, union } from "./field-set.ts";
import type { PathElement } from "./path-element.ts";
import { fieldElement, SELF } from "./path-element.ts";

export interface FieldFilter {
  /** Paths of fields: `metadata.labels`. */
  readonly except?: readonly string[];
  /** Nothing but these; `*` is any step. */
  readonly only?: readonly string[];
}

/** What a status can't change whose metadata is the object's as well. */
export const METADATA_AND_SPEC: FieldFilter = { except: ["metadata", "spec"] };

const NONE: FieldSet = {};

/** What is excepted, as a set: filters are parts of the rules, and live as long. */
const EXCEPTED = new WeakMap<FieldFilter, FieldSet>();

export function filterFields(set: FieldSet, filter: FieldFilter): FieldSet {
  if (isEmpty(set)) return set;
  let except = EXCEPTED.get(filter);
  if (except === undefined) EXCEPTED.set(filter, (except = setOfPaths(filter.except ?? [])));
  const left = recursiveDifference(set, except);
  return filter.only === undefined ? left : matching(left, filter.only.map(stepsOf));
}

function setOfPaths(paths: readonly string[]): FieldSet {
  return paths.map((path) => setOfPath(stepsOf(path))).reduce(union, NONE);
}

function stepsOf(path: string): readonly PathElement[] {
  return path.split(".").map((name) => (name === ANY ? ANY : fieldElement(name)));
}

const ANY = "*";

/** What lies on a path, or below its end. */
function matching(set: FieldSet, paths: readonly (readonly PathElement[])[]): FieldSet {
  const result: Record<PathElement, FieldSet> = {};
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element === SELF) {
      result[SELF] = node;
      continue;
    }
    const onward = paths.filter(([step]) => step === ANY || step === element).map(([, ...rest]) => rest);
    if (onward.length === 0) continue;
    if (onward.some((rest) => rest.length === 0) || isEmpty(node)) result[element] = node;
    else {
      const below = matching(node, onward);
      if (!isEmpty(below)) result[element] = below;
    }
  }
  return result;
}
