/** Which plans of faults to try on a controller, from what it did and was told in the run without faults. */
import type { ApiFault, EventWhen, When } from "../../../protocols/api-faults.ts";
import type { Lease } from "../../../protocols/kubernetes/types/coordination-v1.ts";
import type { FaultPlan } from "../../../runtime/faults/plan.ts";
import type { SeenDelivery, SeenRequest } from "../../../protocols/api-witness.ts";
import type { Sufferers } from "./cluster-plans.ts";
import { clusterPlans } from "./cluster-plans.ts";
import type { Pattern } from "./patterns.ts";
import type { History } from "./history.ts";

export interface PlannedRun {
  /** Of those that were drawn: how. */
  readonly pattern: Pattern | DrawnPattern;
  /** At which moment: `create configmaps/default/web, time 2`; of one that was drawn, its number. */
  readonly place: string;
  /** The controller, or `cluster`; absent of one that was drawn, which may be for several. */
  readonly by?: string;
  /** For people. */
  readonly about: string;
  readonly plan: FaultPlan;
}

/** `random`: at any time; `pct`: of what comes in which order; `mutant`: of a plan that has shown something new. */
export type DrawnPattern = "random" | "pct" | "mutant";

/** Where a pattern was not tried, as another plan does the same, or nothing that the controller learns would differ. */
export interface Pruned {
  readonly pattern: Pattern;
  readonly place: string;
  readonly by?: string;
  readonly why: string;
}

export interface SystematicPlans {
  readonly plans: readonly PlannedRun[];
  readonly pruned: readonly Pruned[];
}

interface Tried {
  readonly plans: readonly PlannedRun[];
  readonly pruned?: readonly Pruned[];
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
  sufferers: Sufferers,
): SystematicPlans {
  const wanted = ({ pattern }: { readonly pattern: PlannedRun["pattern"] }): boolean =>
    patterns.includes(pattern as Pattern);
  const tried = controllers.flatMap((by) => {
    const all: readonly Tried[] = [
      atWrites(history, by),
      atDeliveries(history, by),
      { plans: atLives(history, by) },
      { plans: atLeases(history, by) },
      { plans: atChanges(history, by) },
      atRequests(history, by),
    ];
    return all.map(({ plans, pruned = [] }) => ({
      plans: plans.filter(wanted).map((each) => ({ ...each, by })),
      pruned: pruned.filter(wanted).map((each) => ({ ...each, by })),
    }));
  });
  const ofCluster = clusterPlans(sufferers);
  return {
    plans: [...tried.flatMap(({ plans }) => plans), ...ofCluster.plans.filter(wanted)],
    pruned: [...tried.flatMap(({ pruned }) => pruned), ...ofCluster.pruned.filter(wanted)],
  };
}

/** Each request is refused once, as by a server in trouble. Conflicts are another matter. */
function atRequests(history: History, by: string): Tried {
  const counts = new Count();
  const plans: PlannedRun[] = [];
  const pruned: Pruned[] = [];
  for (const seen of history.requestsOf(by)) {
    if (seen.resource === LEASES) continue;
    const [of, verb] = [placeOf(seen), seen.verb];
    const nth = counts.next(`${verb} ${of}`);
    const place = momentOf(`${verb} ${of}`, nth);
    if (isRead(seen) && nth > REFUSED_READS_MAX) {
      pruned.push({ pattern: "refused", place, why: "it asks again for what was refused before" });
      continue;
    }
    const on = isRead(seen) ? "read" : "write";
    const when: EventWhen = { on, verb, of, ...nthOf(nth) };
    plans.push(planned("refused", place, { id: "refused", kind: "api-error", by, when, on, status: 500 }));
  }
  return { plans, pruned };
}

/**
 * Before and after each write. A crash before one is left out where the controller learnt nothing since its write before:
 * the crash after that one is the same.
 */
function atWrites(history: History, by: string): Tried {
  const plans: PlannedRun[] = [];
  const pruned: Pruned[] = [];
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
    const about = momentOf(`${verb} ${of}`, nth);
    if (knowsMore)
      plans.push(planned("crash-before", about, { id: "crash", kind: "controller-crash", by, when: before }));
    else pruned.push({ pattern: "crash-before", place: about, why: "it is the crash after the write before" });
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
    } else pruned.push({ pattern: "down-after", place: about, why: "nothing happens meanwhile" });
  }
  return { plans, pruned };
}

/**
 * At each notification. Those of the controller's own writes, which a crash after the write covers, are only late, and only
 * where it hears of something else meanwhile.
 */
function atDeliveries(history: History, by: string): Tried {
  const plans: PlannedRun[] = [];
  const pruned: Pruned[] = [];
  const counts = new Count();
  const told = toldTo(history, by);
  const isAlone = new Set(told.map(({ resource }) => resource)).size < 2;
  for (const [index, seen] of told.entries()) {
    const of = placeOf(seen);
    const nth = counts.next(`${seen.type} ${of}`);
    const when: EventWhen = { on: "delivery", verb: seen.type, of, ...nthOf(nth) };
    const about = momentOf(`${seen.type} ${of}`, nth);
    if (isOwn(history, by, seen)) {
      if (isAlone) pruned.push({ pattern: "late", place: about, why: "nothing else is told that could come before" });
      else plans.push(planned("late", about, late(by, seen.resource, when)));
      const why = "it is the controller's own write, and a crash after that covers it";
      pruned.push({ pattern: "down", place: about, why }, { pattern: "dropped", place: about, why });
      continue;
    }
    plans.push(planned("down", about, { id: "down", kind: "controller-crash", by, when, downMs: DOWN_MS }));
    const after: EventWhen = { ...when, phase: "after" };
    plans.push(planned("dropped", about, { id: "drop", kind: "watch-drop", by, of: seen.resource, when: after }));
    const next = told.slice(index + 1).find((later) => placeOf(later) === of);
    if (next === undefined) {
      const why = "nothing cancels it";
      pruned.push({ pattern: "held", place: about, why }, { pattern: "unseen", place: about, why });
      continue;
    }
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
    const both = `until ${next.type}`;
    // What expires comes first: what ends the hold would otherwise tell what is not to be told.
    plans.push(plannedOf("held", about, both, hold), plannedOf("unseen", about, both, expire, hold));
  }
  return { plans, pruned };
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
        const about = momentOf(`${seen.type} ${of}`, nth);
        const back = `back to ${past.type} at ${past.revision}`;
        const at = past.revision;
        plans.push(
          plannedOf(
            "travel",
            about,
            back,
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

function planned(pattern: Pattern, place: string, ...faults: readonly ApiFault[]): PlannedRun {
  return { pattern, place, about: `${pattern}: ${place}`, plan: { faults } };
}

/** `how`: what tells it from others of the pattern at that place. */
function plannedOf(pattern: Pattern, place: string, how: string, ...faults: readonly ApiFault[]): PlannedRun {
  const between = how.startsWith("until") ? " " : ", ";
  return { pattern, place, about: `${pattern}: ${place}${between}${how}`, plan: { faults } };
}

function momentOf(what: string, nth: number): string {
  return nth === 1 ? what : `${what}, time ${nth}`;
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

export function placeOf({ resource, namespace, name }: SeenRequest | SeenDelivery): string {
  return [resource, namespace, name].filter((part) => part !== "").join("/");
}
