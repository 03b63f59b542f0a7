/**
 * Looks for an order of operations on one key that explains what everybody was told: the second opinion on what the log's
 * order says, and it knows nothing of revisions. Beginnings and ends are gone through as they came. Kept are all ways in which
 * what has begun may have been carried out so far, each as the key's value and the set of operations that still go on and are
 * done; two ways to the same are one. An end keeps those in which the operation is done; when none is left, there is no order.
 *
 * @see Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); Lowe, "Testing for Linearizability" (2017)
 */
import type { Operation } from "./etcd-history.ts";

/** What an operation does to the key's value, which is undefined where there is none; undefined: not what it was told. */
export interface Step {
  readonly name: string;
  readonly began: number;
  /** Infinity: it may be carried out at any time, or never. */
  readonly ended: number;
  readonly apply: (value: string | undefined) => { readonly value: string | undefined } | undefined;
}

export type Verdict =
  | { readonly type: "ordered" }
  | { readonly type: "impossible"; readonly at: string }
  /** There were more ways than the limit. */
  | { readonly type: "undecided" };

interface Way {
  readonly value: string | undefined;
  /** Numbers of operations that go on and are done, ascending. */
  readonly done: readonly number[];
}

const WAYS_MAX = 20_000;

/** `waysMax`: that are kept at a time. */
export function linearize(steps: readonly Step[], waysMax: number = WAYS_MAX): Verdict {
  const events = steps
    .flatMap(({ began, ended }, number) => [
      { at: began, number, isEnd: false },
      ...(ended < Infinity ? [{ at: ended, number, isEnd: true }] : []),
    ])
    .toSorted((a, b) => a.at - b.at);
  const open = new Set<number>();
  let ways: ReadonlyMap<string, Way> = new Map([["", { value: undefined, done: [] }]]);
  for (const { number, isEnd } of events) {
    if (!isEnd) {
      open.add(number);
      continue;
    }
    const left = waysThrough(number, ways, open, steps, waysMax);
    if (left === undefined) return { type: "undecided" };
    if (left.size === 0) return { type: "impossible", at: steps[number]!.name };
    open.delete(number);
    ways = left;
  }
  return { type: "ordered" };
}

/** All ways on from `ways` in which `wanted` is done, without the mention of it; undefined when they are too many. */
function waysThrough(
  wanted: number,
  ways: ReadonlyMap<string, Way>,
  open: ReadonlySet<number>,
  steps: readonly Step[],
  waysMax: number,
): ReadonlyMap<string, Way> | undefined {
  const seen = new Set(ways.keys());
  const left = new Map<string, Way>();
  const ahead = [...ways.values()];
  for (let way = ahead.pop(); way !== undefined; way = ahead.pop()) {
    if (way.done.includes(wanted)) {
      const without = { value: way.value, done: way.done.filter((number) => number !== wanted) };
      left.set(nameOf(without), without);
      continue;
    }
    for (const number of open) {
      if (way.done.includes(number)) continue;
      const after = steps[number]!.apply(way.value);
      if (after === undefined) continue;
      const next = { value: after.value, done: [...way.done, number].toSorted((a, b) => a - b) };
      const name = nameOf(next);
      if (seen.has(name)) continue;
      if (seen.size >= waysMax) return undefined;
      seen.add(name);
      ahead.push(next);
    }
  }
  return left;
}

function nameOf({ value, done }: Way): string {
  return `${done.join()}=${value ?? ""}`;
}

const decoder = new TextDecoder();

/** What clients did to each key, by what they were told of values alone. */
export function stepsByKey(operations: readonly Operation[]): ReadonlyMap<string, readonly Step[]> {
  const seen = valuesSeen(operations);
  const differing = lastDiffering(operations);
  const keys = new Set(operations.flatMap(({ request }) => ("key" in request ? [request.key] : [])));
  const byKey = new Map<string, Step[]>();
  const add = (key: string, step: Step): void => {
    const steps = byKey.get(key);
    if (steps === undefined) byKey.set(key, [step]);
    else steps.push(step);
  };
  for (const operation of operations) {
    const { request, answer } = operation;
    if (answer.type === "refused" || request.type === "past") continue;
    if (request.type === "get" || request.type === "list") {
      if (answer.type !== "found") continue;
      const found = new Map(answer.kvs.map(({ key, value }) => [key, decoder.decode(value)]));
      const asked = request.type === "get" ? [request.key] : [...keys].filter((key) => key.startsWith(request.prefix));
      for (const key of new Set([...found.keys(), ...asked])) add(key, reads(operation, key, found.get(key)));
      continue;
    }
    const { key, value } = request;
    // It may come after everything else, where it explains nothing.
    const isIdle = operation.began > (differing.get(key) ?? -1);
    if (answer.type === "unknown" && value !== undefined && !seen.has(value) && isIdle) continue;
    add(key, changes(operation, request));
  }
  return byKey;
}

function valuesSeen(operations: readonly Operation[]): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const { request, answer } of operations) {
    if (answer.type === "found") for (const { value } of answer.kvs) seen.add(decoder.decode(value));
    if (request.type === "swap" && request.expectedValue !== undefined) seen.add(request.expectedValue);
  }
  return seen;
}

/** By key: when the last swap ended that found another value, which need not be one that anybody saw. */
function lastDiffering(operations: readonly Operation[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const { request, answer, ended } of operations) {
    if (answer.type !== "differs" || request.type !== "swap") continue;
    last.set(request.key, Math.max(ended, last.get(request.key) ?? -1));
  }
  return last;
}

function reads({ client, began, ended }: Operation, key: string, found: string | undefined): Step {
  const name = `${client}'s read of ${found ?? "nothing"} at ${key}`;
  return { name, began, ended, apply: (value) => (value === found ? { value } : undefined) };
}

function changes(
  { client, began, ended, answer }: Operation,
  request: Extract<Operation["request"], { readonly type: "put" | "swap" }>,
): Step {
  const { key, value: wanted } = request;
  const name = `${client}'s ${request.type} of ${wanted ?? "nothing"} at ${key}`;
  if (request.type === "put") return { name, began, ended, apply: () => ({ value: wanted }) };
  const { expectedValue } = request;
  const apply: Step["apply"] = (value) => {
    if (answer.type === "differs") return value === expectedValue ? undefined : { value };
    return value === expectedValue ? { value: wanted } : undefined;
  };
  return { name, began, ended, apply };
}
