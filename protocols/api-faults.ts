/**
 * Faults of the Kubernetes API as one client meets them: what goes wrong between it and the API servers, triggered by what
 * happens. They are part of a `FaultPlan`; the API servers carry them out, in front of both of their doors.
 *
 * A fault does only what a real control plane may do: a read from the quorum is never stale, a watch loses and repeats
 * nothing, a write whose reply is lost has been committed.
 */
import type { FieldProblem, FieldRule } from "./fault-fields.ts";
import {
  MS,
  NAME,
  PERIOD,
  SHARE,
  fieldProblems,
  isNumber,
  isRecord,
  oneOf,
  optional,
  required,
} from "./fault-fields.ts";

/** Something that passes an API server. What is left out may be anything. */
export interface EventWhen {
  /**
   * `write`: a create, update, patch, delete or deletecollection. `read`: a get or list. `delivery`: an event of a watch.
   * `lease`: a write of a Lease.
   */
  readonly on: "write" | "read" | "delivery" | "lease";
  /** `before` (the default): it has arrived, and nothing has been done. `after`: it is committed, read or delivered. */
  readonly phase?: "before" | "after";
  /** Whose; default: the fault's own client; of a fault that has none, anybody's. */
  readonly by?: string;
  /** Of what: see `ObjectPattern`. */
  readonly of?: ObjectPattern;
  /** The request's verb; for a delivery ADDED, MODIFIED or DELETED. */
  readonly verb?: string;
  /** The how-manieth that matches, counted by each API server from when the plan was applied; default 1. */
  readonly nth?: number;
}

/**
 * When a fault begins or ends. `atMs`: that long after the plan was applied, for an `until` after the fault began, within a
 * `seq` after what stands before it. `seq`: one after the other. What an `until` counts, it counts from the fault's begin.
 */
export type When =
  | EventWhen
  | { readonly atMs: number }
  | { readonly all: readonly When[] }
  | { readonly any: readonly When[] }
  | { readonly seq: readonly When[] };

/**
 * A resource as `configmaps` or `deployments.apps`, or an object as `configmaps/default/web`, `nodes/worker-0`. `*` stands
 * for anything within a part.
 */
export type ObjectPattern = string;

/** Of faults that are no client's: they begin with what passes an API server, in place of a time. */
export interface Triggered {
  /** Not beside `fromMs`. */
  readonly when?: When;
}

/** What API servers are given of such a fault: they tell when it has come. */
export interface AwaitedFault {
  readonly kind: "awaited";
  readonly id: string;
  readonly when: When;
}

interface OfClient {
  /** Names the fault in reports and in its random choices; unique in the plan. */
  readonly id: string;
  readonly when: When;
  /** Which client: the user's name, of a controller under test that of its replica; `*` stands for anything. */
  readonly by: string;
}

/** Strikes the first request from `when` on that it is for; with `until`, each of them until then. */
interface OnRequests extends OfClient {
  readonly until?: When;
  /** Which requests; default: `write`. */
  readonly on?: "write" | "read";
  readonly of?: ObjectPattern;
  readonly verb?: string;
  /** Of each such request; default 1. */
  readonly chance?: number;
}

/** From `when` until `until`; without it, as long as the plan is applied. `of` is a resource. */
interface OnWatches extends OfClient {
  readonly of: string;
}

export type ApiFault =
  /**
   * The request is refused, and nothing of it is done. `retryAfterMs`: of 429, in whole seconds as it is told. 410: of reads
   * (`on`), and of them only lists of an exact revision or the next page of one, which may be forgotten by then.
   */
  | (OnRequests & {
      readonly kind: "api-error";
      readonly status: 409 | 410 | 429 | 500 | 504;
      readonly retryAfterMs?: number;
    })
  /** The write is committed, and the connection breaks before its answer. */
  | (Omit<OnRequests, "on"> & { readonly kind: "reply-lost" })
  /**
   * The client is served by a cache that has stopped at a revision: what asks for no newest state (`resourceVersion: "0"`,
   * or one that is reached) is answered from there, and watches tell nothing newer. Reads from the quorum are as ever. `at`:
   * the present; the revision before the first event of `when`; or that one.
   */
  | (OnWatches & { readonly kind: "view-stale"; readonly until?: When; readonly at: "now" | "before" | number })
  /** What its watches would tell is kept, and told in order at the end. */
  | (OnWatches & { readonly kind: "watch-hold"; readonly until?: When })
  /** Its watches end, as when a server stops: it can go on after the last event that it was told. */
  | (OnWatches & { readonly kind: "watch-drop" })
  /** Its watches end with 410, reason Expired: it has to list again. What was held is never told. */
  | (OnWatches & { readonly kind: "watch-expire" })
  /**
   * The client's actor dies; a request of its own that this falls together with is never answered, and in the phase `before`
   * never carried out. It is started again after `downMs` (default: as soon as its supervisor does).
   */
  | (OfClient & { readonly kind: "controller-crash"; readonly downMs?: number })
  /** The client's actor does nothing for `downMs`. */
  | (OfClient & { readonly kind: "controller-pause"; readonly downMs: number })
  /** A second one of the client's actor runs beside it for `forMs`, as in a rolling update: `secondOf` names it. */
  | (OfClient & { readonly kind: "controller-twice"; readonly forMs: number });

export type ApiFaultKind = ApiFault["kind"];

/** The actor that a `controller-twice` starts beside another; a host that has none can't carry the fault out. */
export function secondOf(actor: string): string {
  return `${actor}-second`;
}

/** The kind of actors that carry these faults out. */
export const API_FAULTS_AT = "api-server";

const WRITE_VERBS = ["create", "update", "patch", "delete", "deletecollection"];
const READ_VERBS = ["get", "list"];
const DELIVERY_VERBS = ["ADDED", "MODIFIED", "DELETED"];
const NTH = required("a whole number from 1", (value) => isNumber(value, 1, 1e9) && Number.isInteger(value));
/** Of an `ObjectPattern`. */
export const OBJECT_PATTERN: FieldRule = required(
  "a resource as configmaps or deployments.apps, or an object as configmaps/default/web",
  isPattern,
);
const RESOURCE = required(
  "a resource as configmaps or deployments.apps",
  (value) => isPattern(value) && !value.includes("/"),
);
const VERB = oneOf(...WRITE_VERBS, ...READ_VERBS, ...DELIVERY_VERBS);
const AT = required(
  "now, before, or a revision",
  (value) =>
    value === "now" || value === "before" || (isNumber(value, 1, Number.MAX_SAFE_INTEGER) && Number.isInteger(value)),
);

const EVENT_FIELDS: { readonly [F in keyof EventWhen]-?: FieldRule } = {
  on: oneOf("write", "read", "delivery", "lease"),
  phase: optional(oneOf("before", "after")),
  by: optional(NAME),
  of: optional(OBJECT_PATTERN),
  verb: optional(VERB),
  nth: optional(NTH),
};

const WHEN: FieldRule = {
  ...required("{ on: … }, { atMs: … }, or all, any or seq of such", isRecord),
  within: (value, field) => whenProblems(value as Readonly<Record<string, unknown>>, field),
};

const COMPOSED = ["all", "any", "seq"] as const;
const WHENS = required("a list of at least one", (value) => Array.isArray(value) && value.length > 0);

function whenProblems(when: Readonly<Record<string, unknown>>, at: string): readonly FieldProblem[] {
  const composed = COMPOSED.find((word) => Object.hasOwn(when, word));
  if (composed !== undefined) {
    const within = (value: unknown, field: string): readonly FieldProblem[] =>
      (value as readonly unknown[]).flatMap((each, index) =>
        isRecord(each)
          ? whenProblems(each, `${field}[${index}]`)
          : [{ field: `${field}[${index}]`, problem: "it is no object", allowed: WHEN.allowed }],
      );
    return fieldProblems(when, { [composed]: { ...WHENS, within } }, `a when of ${composed}`, `${at}.`);
  }
  if (Object.hasOwn(when, "atMs")) return fieldProblems(when, { atMs: MS }, "a when of a time", `${at}.`);
  const problems = fieldProblems(when, EVENT_FIELDS, "a when of an event", `${at}.`);
  if (problems.length > 0) return problems;
  const { on, verb } = when as unknown as EventWhen;
  const verbs = on === "delivery" ? DELIVERY_VERBS : on === "read" ? READ_VERBS : WRITE_VERBS;
  if (verb === undefined || verbs.includes(verb)) return [];
  return [{ field: `${at}.verb`, problem: `no ${on} is ${verb}`, allowed: verbs.join(", ") }];
}

/** The field of `Triggered`. */
export const TRIGGERED: { readonly [F in keyof Triggered]-?: FieldRule } = { when: optional(WHEN) };

const OF_CLIENT = { id: NAME, when: WHEN, by: NAME };
const ON_REQUESTS = {
  ...OF_CLIENT,
  until: optional(WHEN),
  of: optional(OBJECT_PATTERN),
  verb: optional(VERB),
  chance: optional(SHARE),
};
const ON_WATCHES = { ...OF_CLIENT, of: RESOURCE };

type FieldsOf<K extends ApiFaultKind> = Exclude<keyof Extract<ApiFault, { readonly kind: K }>, "kind">;

/** Every field of every kind, and what it may be. */
export const API_FAULT_FIELDS: { readonly [K in ApiFaultKind]: { readonly [F in FieldsOf<K>]-?: FieldRule } } = {
  "api-error": {
    ...ON_REQUESTS,
    on: optional(oneOf("write", "read")),
    status: oneOf(409, 410, 429, 500, 504),
    retryAfterMs: optional(MS),
  },
  "reply-lost": ON_REQUESTS,
  "view-stale": { ...ON_WATCHES, until: optional(WHEN), at: AT },
  "watch-hold": { ...ON_WATCHES, until: optional(WHEN) },
  "watch-drop": ON_WATCHES,
  "watch-expire": ON_WATCHES,
  "controller-crash": { ...OF_CLIENT, downMs: optional(MS) },
  "controller-pause": { ...OF_CLIENT, downMs: PERIOD },
  "controller-twice": { ...OF_CLIENT, forMs: PERIOD },
};

/** What fields hold each for itself, and not together. */
export function problemsOfApiFault(fault: ApiFault): readonly FieldProblem[] {
  if (fault.kind !== "api-error") return [];
  const { status, on = "write", verb = "list" } = fault;
  if (status === 410 && on !== "read") {
    return [{ field: "on", problem: `no ${on} is answered 410`, allowed: "read" }];
  }
  if (status === 410 && verb !== "list")
    return [{ field: "verb", problem: `no ${verb} is answered 410`, allowed: "list" }];
  return [];
}

export function isApiFault(fault: { readonly kind: string }): fault is ApiFault {
  return Object.hasOwn(API_FAULT_FIELDS, fault.kind);
}

/** Whether API servers carry it out, or tell when it begins. */
export function isOfApiServers(fault: { readonly kind: string }): fault is ApiFault | AwaitedFault {
  return fault.kind === "awaited" || isApiFault(fault);
}

/** Whether it ends with its first strike. */
export function strikesOnce(fault: ApiFault | AwaitedFault): boolean {
  switch (fault.kind) {
    case "awaited":
      return true;
    case "api-error":
    case "reply-lost":
      return fault.until === undefined;
    case "view-stale":
    case "watch-hold":
      return false;
    case "watch-drop":
    case "watch-expire":
    case "controller-crash":
    case "controller-pause":
    case "controller-twice":
      return true;
  }
}

function isPattern(value: unknown): value is string {
  return typeof value === "string" && /^[a-z*][a-z0-9.*-]*(\/[A-Za-z0-9.*:_-]+){0,2}$/.test(value);
}
