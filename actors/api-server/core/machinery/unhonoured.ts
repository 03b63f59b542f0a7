/**
 * Fields that inkube stores, as Kubernetes does, and that nothing in it acts on: whoever sets one is told by a `Warning` header.
 * The lists of them stand with their kinds. Fields that the kubelet tells of by an event on the pod, because only it knows, are in none.
 */
import type { JsonObject } from "./json-value.ts";
import { equalJson, isJsonObject } from "./json-value.ts";

export interface Unhonoured {
  /** Within the spec; `[]` stands for every item of a list. */
  readonly path: string;
  /** What is so instead. */
  readonly words: string;
  /** Values that ask for just that. */
  readonly benign?: readonly unknown[];
  /** Of which specs it is so; of all when left out. */
  readonly when?: (spec: JsonObject) => boolean;
}

/** The rows by their steps, so that looking costs what the spec has, and not what the list has. */
interface Branch {
  readonly fields: Map<string, Branch>;
  /** Below each item of the list that stands here. */
  items?: Branch;
  /** Which row ends here. */
  row?: number;
}

export class UnhonouredFields {
  readonly #rows: readonly Unhonoured[];
  readonly #root: Branch = { fields: new Map() };

  constructor(rows: readonly Unhonoured[]) {
    this.#rows = rows;
    for (const [index, { path }] of rows.entries()) {
      let branch = this.#root;
      for (const step of path.split(".")) {
        const name = step.endsWith("[]") ? step.slice(0, -2) : step;
        branch = getOrMake(branch.fields, name);
        if (name !== step) branch = branch.items ??= { fields: new Map() };
      }
      branch.row = index;
    }
  }

  /** One sentence for each field of the list that is set, of several items for the first; in the order of the list. */
  in(at: string, spec: JsonObject): readonly string[] {
    const places = new Map<number, string>();
    this.#look(at, spec, this.#root, places);
    if (places.size === 0) return [];
    return [...places]
      .filter(([row]) => this.#rows[row]?.when?.(spec) !== false)
      .sort(([left], [right]) => left - right)
      .map(([row, place]) => `${place}: stored, but not honoured by inkube: ${this.#rows[row]?.words}`);
  }

  #look(at: string, value: unknown, { fields, items, row }: Branch, places: Map<number, string>): void {
    if (row !== undefined && !places.has(row) && isSet(value) && !this.#isBenign(row, value)) places.set(row, at);
    if (items !== undefined && Array.isArray(value)) {
      for (const [i, item] of value.entries()) this.#look(`${at}[${i}]`, item, items, places);
    }
    if (fields.size === 0 || !isJsonObject(value)) return;
    for (const name in value) {
      const below = fields.get(name);
      if (below !== undefined) this.#look(`${at}.${name}`, value[name], below, places);
    }
  }

  #isBenign(row: number, value: unknown): boolean {
    return this.#rows[row]?.benign?.some((one) => equalJson(one, value)) === true;
  }
}

function getOrMake(fields: Map<string, Branch>, name: string): Branch {
  const known = fields.get(name);
  if (known !== undefined) return known;
  const made: Branch = { fields: new Map() };
  fields.set(name, made);
  return made;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return !(Array.isArray(value) && value.length === 0);
}
