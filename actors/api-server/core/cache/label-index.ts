/**
 * Finds the objects that a label selector can match without looking at all of them. A label is indexed from the first list on
 * that selects by it: what nobody selects by costs nothing.
 */
import type { LabelRequirement } from "../../../../protocols/kubernetes/selectors.ts";
import type { StoredObject } from "./stored-object.ts";

/** Labels indexed at once; beyond it the one indexed first makes room. Clients select by a handful. */
const LABELS_MAX = 16;
const NONE: ReadonlySet<string> = new Set();

/** Keys of objects, by the value of one label. */
type ByValue = Map<string, Set<string>>;

export class LabelIndex {
  private readonly labels = new Map<string, ByValue>();

  clear(): void {
    this.labels.clear();
  }

  /** An object came, changed or went. */
  change(key: string, previous: StoredObject | undefined, current: StoredObject | undefined): void {
    for (const [label, byValue] of this.labels) {
      const before = valueOf(previous, label);
      const now = valueOf(current, label);
      if (before === now) continue;
      if (before !== undefined) remove(byValue, before, key);
      if (now !== undefined) add(byValue, now, key);
    }
  }

  /** Keys, in no order, among which are all that meet `requirements`; undefined where that would be no narrowing. */
  candidates(
    requirements: readonly LabelRequirement[],
    objects: ReadonlyMap<string, StoredObject>,
  ): readonly string[] | undefined {
    let fewest: readonly ReadonlySet<string>[] | undefined;
    let least = objects.size / 2;
    for (const { key, operator, values } of requirements) {
      if (operator !== "=" && operator !== "in" && operator !== "exists") continue;
      const byValue = this.labels.get(key) ?? this.index(key, objects);
      const sets = operator === "exists" ? [...byValue.values()] : values.map((value) => byValue.get(value) ?? NONE);
      const count = sets.reduce((sum, set) => sum + set.size, 0);
      if (count >= least) continue;
      least = count;
      fewest = sets;
    }
    return fewest?.flatMap((set) => [...set]);
  }

  private index(label: string, objects: ReadonlyMap<string, StoredObject>): ByValue {
    const byValue: ByValue = new Map();
    for (const [key, stored] of objects) {
      const value = valueOf(stored, label);
      if (value !== undefined) add(byValue, value, key);
    }
    const [oldest] = this.labels.keys();
    if (this.labels.size >= LABELS_MAX && oldest !== undefined) this.labels.delete(oldest);
    this.labels.set(label, byValue);
    return byValue;
  }
}

function valueOf(stored: StoredObject | undefined, label: string): string | undefined {
  const labels = stored?.object.metadata?.labels;
  return labels !== undefined && Object.hasOwn(labels, label) ? labels[label] : undefined;
}

function add(byValue: ByValue, value: string, key: string): void {
  const keys = byValue.get(value);
  if (keys === undefined) byValue.set(value, new Set([key]));
  else keys.add(key);
}

function remove(byValue: ByValue, value: string, key: string): void {
  const keys = byValue.get(value);
  keys?.delete(key);
  if (keys?.size === 0) byValue.delete(value);
}
