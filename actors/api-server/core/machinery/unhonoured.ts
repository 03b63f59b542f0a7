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

/** One sentence for each field of the list that is set, of several items for the first. */
export function unhonouredIn(at: string, spec: JsonObject, rows: readonly Unhonoured[]): readonly string[] {
  const told: string[] = [];
  for (const { path, words, benign = [], when } of rows) {
    if (when?.(spec) === false) continue;
    const place = firstSet(at, spec, path.split("."), benign);
    if (place !== undefined) told.push(`${place}: stored, but not honoured by inkube: ${words}`);
  }
  return told;
}

function firstSet(
  at: string,
  value: unknown,
  steps: readonly string[],
  benign: readonly unknown[],
): string | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return isSet(value) && !benign.some((one) => equalJson(one, value)) ? at : undefined;
  if (!isJsonObject(value)) return undefined;
  const list = step.endsWith("[]");
  const name = list ? step.slice(0, -2) : step;
  const next = Object.hasOwn(value, name) ? value[name] : undefined;
  if (!list) return firstSet(`${at}.${name}`, next, rest, benign);
  for (const [i, item] of (Array.isArray(next) ? next : []).entries()) {
    const found = firstSet(`${at}.${name}[${i}]`, item, rest, benign);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return !(Array.isArray(value) && value.length === 0);
}
