/** What the rules of a kind look at grows with an object, and not with its square: a body of 3 MB has room for 100,000 items. */
import { describe, expect, it } from "vitest";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { FieldErrors } from "../../../../../actors/api-server/core/machinery/validation/field-errors.ts";
import { validateCreate, validateUpdate } from "../../../../../actors/api-server/core/machinery/validation.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { catalog } from "../harness/catalog.ts";
import { counted, filled, MESSAGE_KINDS } from "../machinery/filled.ts";

const FEW = 25;
const MANY = 4 * FEW;
/** Of four times the items. What is quadratic comes to ten times the looks and more. */
const GROWTH_MAX = 7;

type Json = Record<string, unknown> | unknown[];
type Path = readonly (string | number)[];

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

/** Paths of all lists, and of those in their first items. */
function listsIn(value: unknown, path: Path = []): readonly Path[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : [path, ...listsIn(value[0], [...path, 0])];
  // Schemas are gone through elsewhere, and templates of pods as pods.
  if (
    !isJson(value) ||
    path.includes("openAPIV3Schema") ||
    (path.includes("template") && path.at(-1) === "spec" && path.length > 2)
  )
    return [];
  return Object.entries(value).flatMap(([name, item]) => listsIn(item, [...path, name]));
}

/** What leads to the list, and what is no list or object beside it. */
function leadingTo(value: unknown, [step, ...rest]: Path): unknown {
  if (step === undefined || !isJson(value)) return value;
  if (Array.isArray(value)) return [leadingTo(value[0], rest)];
  const kept = Object.entries(value).filter(([name, item]) => name === step || !isJson(item));
  return Object.fromEntries(kept.map(([name, item]) => [name, name === step ? leadingTo(item, rest) : item]));
}

/** The same list with `length` items, none like another. */
function withItems(object: KubernetesObject, path: Path, length: number, reversed: boolean): KubernetesObject {
  const copy = structuredClone(leadingTo(object, path)) as Record<string, unknown>;
  let at: unknown = copy;
  for (const step of path) at = (at as Record<string | number, unknown>)[step];
  const list = at as unknown[];
  const [first] = list;
  list.length = 0;
  for (let i = 0; i < length; i++) list.push(distinct(first, i));
  if (reversed) list.reverse();
  return copy;
}

function distinct(value: unknown, i: number): unknown {
  if (typeof value === "string") return `${value}${i}`;
  if (typeof value === "number") return i + 1;
  if (Array.isArray(value)) return value.map((item) => distinct(item, i));
  if (!isJson(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, distinct(item, i)]));
}

/** Counts how often anything in a value is looked at. */
class Looks {
  count = 0;
  private readonly known = new WeakMap<object, unknown>();

  at<T>(value: T): T {
    if (!isJson(value)) return value;
    const known = this.known.get(value);
    if (known !== undefined) return known as T;
    const watched = new Proxy<Json>(value, {
      get: (target, name, receiver) => {
        this.count++;
        return this.at(Reflect.get(target, name, receiver) as unknown);
      },
    });
    this.known.set(value, watched);
    return watched as T;
  }
}

/** What a hook makes of an object that is of no use does not count here. */
function tried(work: () => unknown): void {
  try {
    work();
  } catch {
    // Refused, or given up.
  }
}

const ADMISSION = {
  nowMs: 0,
  serviceAccounts: true,
  suffix: () => "zzzzz",
  tolerationSeconds: 300,
  find: () => ({}),
  all: () => [],
  by: { user: "admin", groups: [] },
  isSigned: () => true,
};

/** The looks that each hook of a kind takes at an object. */
function looksOf(served: Served, object: KubernetesObject, old: KubernetesObject): ReadonlyMap<string, number> {
  const { rules } = served;
  const hooks: Record<string, (now: never, before: never) => unknown> = {
    create: (now) => finished(validateCreate(rules, now)),
    update: (now, before) => finished(validateUpdate(rules, now, before)),
    status: (now, before) => finished(validateUpdate(rules, now, before, "status")),
    warnings: (now, before) => warningsOf(rules, now, before),
    cells: (now) => rules.cells?.(now, 0),
    rows: (now) => rules.rowConditions?.(now),
    prepareCreate: (now) => rules.prepareCreate?.(now, ADMISSION as never),
    prepareUpdate: (now, before) => rules.prepareUpdate?.(now, before),
    prepareStatusUpdate: (now, before) => rules.prepareStatusUpdate?.(now, before, 0),
    review: (now) => rules.review?.(now, { verb: "update", subresource: "", find: () => undefined, all: () => [] }),
    convert: (now) => rules.convert?.toServed(rules.convert.toStored(now)),
  };
  for (const [name, own] of Object.entries(rules.subresources ?? {})) {
    hooks[name] = (now, before) => {
      const changed = own.change(now, before, 0);
      own.validate(changed as never, before, new FieldErrors(), 0);
      own.warnings?.(changed as never, before);
    };
  }
  return new Map(
    Object.entries(hooks).map(([name, hook]) => {
      const looks = new Looks();
      tried(() => hook(looks.at(object) as never, looks.at(old) as never));
      return [name, looks.count];
    }),
  );
}

const kinds = MESSAGE_KINDS.flatMap((each) => {
  const served = catalog.all.find(({ info }) => info.apiVersion === each.apiVersion && info.kind === each.kind);
  return served === undefined ? [] : [{ ...each, served }];
});

describe("an object with a list of many items", () => {
  it.each(kinds)("is looked at in proportion to them: $apiVersion $kind", ({ served, ...kind }) => {
    const object = filled(kind, counted());
    const found: string[] = [];
    for (const path of listsIn(object)) {
      const looks = (length: number): ReadonlyMap<string, number> =>
        looksOf(served, withItems(object, path, length, false), withItems(object, path, length, true));
      const few = looks(FEW);
      for (const [hook, count] of looks(MANY)) {
        const before = few.get(hook) ?? 0;
        if (count > GROWTH_MAX * before) found.push(`${hook} ${path.join(".")}: ${before} looks became ${count}`);
      }
    }
    expect(found).toEqual([]);
  });
});
