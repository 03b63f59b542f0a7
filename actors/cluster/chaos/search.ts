/** Which plans of faults to try on a controller, from what it did and was told in the run without faults. */
import type { ApiFault, EventWhen, When } from "../../../protocols/api-faults.ts";
import type { Lease } from "../../../protocols/kubernetes/types/coordination-v1.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { Random } from "../../../runtime/random.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import type { SeenDelivery, SeenRequest } from "../../../protocols/api-witness.ts";
import type { Pattern } from "./exploration.ts";
import type { History } from "./history.ts";

export interface PlannedRun {
  /** `random` for one that was drawn. */
  readonly pattern: Pattern | "random";
  /** For people. */
  readonly about: string;
  readonly plan: FaultPlan;
}

/** Longer than what controllers do at once, shorter than what the world waits for between two steps. */
const DOWN_MS = 1_500;
const AFTER_MS = 300;
const STALE_MS = 1_500;
const LATE_MS = 1_000;
/** Of what waits for what cancels it: a workload may wait for the controller before it does that. */
const HELD_MAX_MS = 10_000;
/** Of reads of one object, or list: those after them mostly ask for the same reason. */
const REFUSED_READS_MAX = 2;
/** A leader renews its Lease again and again, and one time is like the other. */
const LEASE_WRITES_MAX = 8;
/** Longer than a step and the rest after it. */
const TWICE_MS = 5_000;
/** Kubernetes' default. */
const LEASE_SECONDS = 15;
const LEASES = "leases.coordination.k8s.io";

/** All of these patterns, at each place where they may matter. */
export function systematicPlans(
  history: History,
  controllers: readonly string[],
  patterns: readonly Pattern[],
): readonly PlannedRun[] {
  const wanted = (run: PlannedRun): boolean => patterns.includes(run.pattern as Pattern);
  const plans = controllers.flatMap((by) => [
    ...atWrites(history, by),
    ...atDeliveries(history, by),
    ...atLives(history, by),
    ...atLeases(history, by),
    ...atChanges(history, by),
    ...atRequests(history, by),
  ]);
  return plans.filter(wanted);
}

/** Half of them swarms, which have some kinds of faults only, half with all kinds at once. */
export function randomPlan(
  history: History,
  controllers: readonly string[],
  workMs: number,
  seed: number,
  nth: number,
): PlannedRun {
  const random = new SeededRandom(seed, `plan/${nth}`);
  const resources = [...new Set(history.deliveries.map(({ resource }) => resource))].sort();
  const kinds = KINDS.filter((kind) => resources.length > 0 || !ON_WATCHES.includes(kind));
  const swarm = nth % 2 === 0 ? kinds : kinds.filter(() => random.next() < 0.5);
  const chosen = swarm.length === 0 ? kinds : swarm;
  const faults = Array.from({ length: 1 + random.below(5) }, (_, index) => {
    const drawn = {
      id: `f${index}`,
      by: one(random, controllers),
      when: { atMs: random.below(Math.ceil(workMs) + 1) },
    };
    return randomFault(random, one(random, chosen), drawn, resources);
  });
  return {
    pattern: "random",
    about: `random plan ${nth}: ${faults.map(({ kind }) => kind).join(", ")}`,
    plan: { faults },
  };
}

const KINDS: readonly ApiFault["kind"][] = [
  "api-error",
  "reply-lost",
  "view-stale",
  "watch-hold",
  "watch-drop",
  "watch-expire",
  "controller-crash",
  "controller-pause",
];
const ON_WATCHES: readonly ApiFault["kind"][] = ["view-stale", "watch-hold", "watch-drop", "watch-expire"];
const STATUSES = [409, 429, 500, 504] as const;
const CHANCES = [0.2, 0.5, 1] as const;
const LASTS_MS = [50, 300, 1_000, 2_500] as const;

function randomFault(
  random: Random,
  kind: ApiFault["kind"],
  drawn: { readonly id: string; readonly by: string; readonly when: When },
  resources: readonly string[],
): ApiFault {
  const until: When = { atMs: one(random, LASTS_MS) };
  switch (kind) {
    case "api-error":
      return { ...drawn, kind, until, status: one(random, STATUSES), chance: one(random, CHANCES) };
    case "reply-lost":
      return { ...drawn, kind, until, chance: one(random, CHANCES) };
    case "view-stale":
      return { ...drawn, kind, until, of: one(random, resources), at: "now" };
    case "watch-hold":
      return { ...drawn, kind, until, of: one(random, resources) };
    case "watch-drop":
    case "watch-expire":
      return { ...drawn, kind, of: one(random, resources) };
    case "controller-crash":
      return { ...drawn, kind, downMs: one(random, [0, ...LASTS_MS]) };
    case "controller-pause":
      return { ...drawn, kind, downMs: one(random, LASTS_MS) };
    case "controller-twice":
      return { ...drawn, kind, forMs: one(random, LASTS_MS) };
  }
}

function one<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

/** Each request is refused once, as by a server in trouble. Conflicts are another matter. */
function atRequests(history: History, by: string): readonly PlannedRun[] {
  const counts = new Count();
  return history.requestsOf(by).flatMap((seen) => {
    if (seen.resource === LEASES) return [];
    const [of, verb] = [placeOf(seen), seen.verb];
    const nth = counts.next(`${verb} ${of}`);
    if (isRead(seen) && nth > REFUSED_READS_MAX) return [];
    const on = isRead(seen) ? "read" : "write";
    const when: EventWhen = { on, verb, of, ...nthOf(nth) };
    const about = `${verb} ${of}${nth > 1 ? `, time ${nth}` : ""}`;
    return [planned("refused", about, { id: "refused", kind: "api-error", by, when, on, status: 500 })];
  });
}

/**
 * Before and after each write. A crash before one is left out where the controller learnt nothing since its write before:
 * the crash after that one is the same.
 */
function atWrites(history: History, by: string): readonly PlannedRun[] {
  const plans: PlannedRun[] = [];
  const arrived = new Count();
  const done = new Count();
  let knowsMore = true;
  for (const seen of activityOf(history, by)) {
    if (!("verb" in seen) || isRead(seen)) {
      knowsMore = true;
      continue;
    }
    if (seen.resource === LEASES) continue;
    const [of, verb] = [placeOf(seen), seen.verb];
    const nth = arrived.next(`${verb} ${of}`);
    const before: When = { on: "write", verb, of, ...nthOf(nth) };
    const about = `${verb} ${of}${nth > 1 ? `, time ${nth}` : ""}`;
    if (knowsMore)
      plans.push(planned("crash-before", about, { id: "crash", kind: "controller-crash", by, when: before }));
    plans.push(planned("conflict", about, { id: "conflict", kind: "api-error", by, when: before, status: 409 }));
    if (!isDone(seen)) continue;
    knowsMore = false;
    const after: When = { on: "write", phase: "after", verb, of, ...nthOf(done.next(`${verb} ${of}`)) };
    plans.push(
      planned("crash-after", about, { id: "crash", kind: "controller-crash", by, when: after }),
      planned("lost-reply", about, { id: "lost", kind: "reply-lost", by, when: before }),
    );
    if (hearsWithin(history, by, seen.atMs)) {
      const down: ApiFault = { id: "down", kind: "controller-crash", by, when: after, downMs: DOWN_MS };
      plans.push(planned("down-after", about, down));
    }
  }
  return plans;
}

/**
 * At each notification. Those of the controller's own writes, which a crash after the write covers, are only late, and only
 * where it hears of something else meanwhile.
 */
function atDeliveries(history: History, by: string): readonly PlannedRun[] {
  const plans: PlannedRun[] = [];
  const counts = new Count();
  const told = toldTo(history, by);
  const isAlone = new Set(told.map(({ resource }) => resource)).size < 2;
  for (const [index, seen] of told.entries()) {
    const of = placeOf(seen);
    const nth = counts.next(`${seen.type} ${of}`);
    const when: EventWhen = { on: "delivery", verb: seen.type, of, ...nthOf(nth) };
    const about = `${seen.type} ${of}${nth > 1 ? `, time ${nth}` : ""}`;
    if (isOwn(history, by, seen)) {
      if (!isAlone) plans.push(planned("late", about, late(by, seen.resource, when)));
      continue;
    }
    plans.push(planned("down", about, { id: "down", kind: "controller-crash", by, when, downMs: DOWN_MS }));
    const after: EventWhen = { ...when, phase: "after" };
    plans.push(planned("dropped", about, { id: "drop", kind: "watch-drop", by, of: seen.resource, when: after }));
    const next = told.slice(index + 1).find((later) => placeOf(later) === of);
    if (next === undefined) continue;
    const cancels: EventWhen = { on: "delivery", verb: next.type, of };
    const until: When = { any: [cancels, { atMs: HELD_MAX_MS }] };
    const hold: ApiFault = { id: "hold", kind: "watch-hold", by, of: seen.resource, when, until };
    const expire: ApiFault = {
      id: "expire",
      kind: "watch-expire",
      by,
      of: seen.resource,
      when: { seq: [when, cancels] },
    };
    const both = `${about} until ${next.type}`;
    // What expires comes first: what ends the hold would otherwise tell what is not to be told.
    plans.push(planned("held", both, hold), planned("unseen", both, expire, hold));
  }
  return plans;
}

function atLives(history: History, by: string): readonly PlannedRun[] {
  const plans: PlannedRun[] = [];
  const counts = new Count();
  for (const seen of history.deliveries) {
    if (seen.by !== by || seen.atMs < history.beganMs || seen.type === "MODIFIED") continue;
    const of = placeOf(seen);
    const event: EventWhen = {
      on: "delivery",
      phase: "after",
      verb: seen.type,
      of,
      ...nthOf(counts.next(`${seen.type} ${of}`)),
    };
    const when: When = { seq: [event, { atMs: AFTER_MS }] };
    plans.push(
      planned(
        "stale-restart",
        `${seen.type === "ADDED" ? "birth" : "death"} of ${of}`,
        { id: "stale", kind: "view-stale", by, of: seen.resource, at: "before", when, until: { atMs: STALE_MS } },
        { id: "restart", kind: "controller-crash", by, when },
      ),
    );
  }
  return plans;
}

/**
 * The cache has an earlier state of an object when the controller starts again after a later change of it: after the next one,
 * which births and deaths have already, after each birth that follows, and after the last.
 */
function atChanges(history: History, by: string): readonly PlannedRun[] {
  const plans: PlannedRun[] = [];
  const lives = new Map<string, { readonly seen: SeenDelivery; readonly nth: number }[]>();
  const counts = new Count();
  for (const seen of toldTo(history, by)) {
    const of = placeOf(seen);
    const nth = counts.next(`${seen.type} ${of}`);
    const life = lives.get(of);
    if (life === undefined) lives.set(of, [{ seen, nth }]);
    else life.push({ seen, nth });
  }
  for (const [of, life] of lives) {
    for (const [index, { seen: past }] of life.entries()) {
      for (let later = index + 1; later < life.length; later++) {
        const { seen, nth } = life[later]!;
        const isNext = later === index + 1;
        const isWanted = isNext ? seen.type === "MODIFIED" : seen.type === "ADDED" || later === life.length - 1;
        if (!isWanted) continue;
        const event: EventWhen = { on: "delivery", phase: "after", verb: seen.type, of, ...nthOf(nth) };
        const when: When = { seq: [event, { atMs: AFTER_MS }] };
        const about = `${seen.type} ${of}${nth > 1 ? `, time ${nth}` : ""}, back to ${past.type} at ${past.revision}`;
        const at = past.revision;
        plans.push(
          planned(
            "travel",
            about,
            { id: "stale", kind: "view-stale", by, of: seen.resource, at, when, until: { atMs: STALE_MS } },
            { id: "restart", kind: "controller-crash", by, when },
          ),
        );
      }
    }
  }
  return plans;
}

/** Another may lead when it wakes up. */
function atLeases(history: History, by: string): readonly PlannedRun[] {
  const counts = new Count();
  return history.requestsOf(by).flatMap((seen) => {
    if (seen.resource !== LEASES || isRead(seen) || !isDone(seen)) return [];
    const of = placeOf(seen);
    const nth = counts.next(of);
    if (nth > LEASE_WRITES_MAX) return [];
    const written = history.changes.find(
      ({ revision, object }) => revision === seen.revision && object.kind === "Lease",
    );
    const { leaseDurationSeconds = LEASE_SECONDS } = (written?.object as Lease | undefined)?.spec ?? {};
    const downMs = leaseDurationSeconds * 1_000 + AFTER_MS;
    const when: EventWhen = { on: "lease", phase: "after", of, ...nthOf(nth) };
    const about = `write ${nth} of ${of}`;
    return [
      planned("paused", about, { id: "pause", kind: "controller-pause", by, when, downMs }),
      planned("twice", about, { id: "twice", kind: "controller-twice", by, when, forMs: TWICE_MS }),
    ];
  });
}

function late(by: string, of: string, when: EventWhen): ApiFault {
  return { id: "late", kind: "watch-hold", by, of, when, until: { atMs: LATE_MS } };
}

/** Whether it is told soon of what it has not written. */
function hearsWithin(history: History, by: string, sinceMs: number): boolean {
  return toldTo(history, by).some(
    (seen) => seen.atMs > sinceMs && seen.atMs <= sinceMs + DOWN_MS && !isOwn(history, by, seen),
  );
}

function toldTo(history: History, by: string): readonly SeenDelivery[] {
  return history.deliveries.filter((seen) => seen.by === by && seen.atMs >= history.beganMs);
}

function planned(pattern: Pattern, about: string, ...faults: readonly ApiFault[]): PlannedRun {
  return { pattern, about: `${pattern}: ${about}`, plan: { faults } };
}

class Count {
  private readonly counts = new Map<string, number>();

  /** The how-manieth it is. */
  next(of: string): number {
    const count = (this.counts.get(of) ?? 0) + 1;
    this.counts.set(of, count);
    return count;
  }
}

function nthOf(nth: number): { readonly nth?: number } {
  return nth === 1 ? {} : { nth };
}

/** Requests and deliveries in the order in which they were seen. */
function activityOf(history: History, by: string): readonly (SeenRequest | SeenDelivery)[] {
  const seen = [...history.requestsOf(by), ...toldTo(history, by)];
  return seen.sort((left, right) => left.atMs - right.atMs);
}

function isRead({ verb }: SeenRequest): boolean {
  return verb === "get" || verb === "list";
}

function isDone({ code }: SeenRequest): boolean {
  return code >= 200 && code < 300;
}

function isOwn(history: History, by: string, { revision }: SeenDelivery): boolean {
  return history.writerOf(revision) === `inkube:${by}`;
}

function placeOf({ resource, namespace, name }: SeenRequest | SeenDelivery): string {
  return [resource, namespace, name].filter((part) => part !== "").join("/");
}
