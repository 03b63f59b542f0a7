/**
 * Plans of faults that are drawn: at any time, of what is told in which order, and from plans that have shown something new.
 * Each is a function of the seed and its number alone.
 */
import type { ApiFault, EventWhen, When } from "../../../protocols/api-faults.ts";
import type { Fault, FaultPlan } from "../../../runtime/faults/plan.ts";
import type { Random } from "../../../runtime/random.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import type { Sufferers } from "./cluster-plans.ts";
import { FLIPPED, LOSS_MS } from "./cluster-plans.ts";
import type { ClusterPattern } from "./patterns.ts";
import type { History } from "./history.ts";
import type { PlannedRun } from "./search.ts";
import { placeOf } from "./search.ts";

/** What is drawn from: what the run without faults has shown. */
export interface Drawing {
  readonly controllers: readonly string[];
  /** That watches tell of. */
  readonly resources: readonly string[];
  /** How long the workload takes, in virtual time. */
  readonly workMs: number;
  /** What controllers were told and what they wrote, in order. */
  readonly moments: readonly Moment[];
  /** As plans name them. */
  readonly pods: readonly string[];
  readonly images: readonly string[];
  readonly nodes: readonly string[];
}

interface Moment {
  readonly by: string;
  readonly resource: string;
  readonly when: EventWhen & { readonly on: "delivery" | "write" };
}

type DrawnKind = ApiFault["kind"] | ClusterPattern;

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
const ON_PODS: readonly ClusterPattern[] = ["pod-kill", "image-gone", "object-flip"];
const ON_NODES: readonly ClusterPattern[] = ["node-loss", "node-drain", "memory-pressure", "node-upgrade"];
const STATUSES = [409, 429, 500, 504] as const;
const CHANCES = [0.2, 0.5, 1] as const;
const LASTS_MS = [50, 300, 1_000, 2_500] as const;
/** Of a node: until its loss is noticed it takes seconds. */
const DOWN_MS = [...LASTS_MS, LOSS_MS] as const;
const FAULTS_MAX = 5;
/** How far a message may be put off: past so many others. */
const OVERTAKEN_MAX = 12;
/** What a message is put off for may not come at all without it. */
const PUT_OFF_MAX_MS = 2_500;

export function drawingOf(
  history: History,
  controllers: readonly string[],
  workMs: number,
  { pods, nodes }: Sufferers,
): Drawing {
  const resources = [...new Set(history.deliveries.map(({ resource }) => resource))].sort();
  const counts = new Map<string, number>();
  const moments: { readonly atMs: number; readonly moment: Moment }[] = [];
  for (const seen of history.deliveries) {
    if (seen.atMs < history.beganMs || !controllers.includes(seen.by)) continue;
    const of = placeOf(seen);
    const key = `${seen.by} ${seen.type} ${of}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    const when = { on: "delivery", verb: seen.type, of, ...(nth === 1 ? {} : { nth }) } as const;
    moments.push({ atMs: seen.atMs, moment: { by: seen.by, resource: seen.resource, when } });
  }
  for (const by of controllers) {
    for (const seen of history.requestsOf(by)) {
      if (seen.verb === "get" || seen.verb === "list" || seen.verb === "watch") continue;
      const when = { on: "write", phase: "after", by, verb: seen.verb, of: placeOf(seen) } as const;
      moments.push({ atMs: seen.atMs, moment: { by, resource: seen.resource, when } });
    }
  }
  moments.sort((left, right) => left.atMs - right.atMs);
  return {
    controllers,
    resources,
    workMs,
    moments: moments.map(({ moment }) => moment),
    pods: pods.map(({ name }) => name),
    images: [...new Set(pods.map(({ image }) => image))],
    nodes: nodes.map(({ name }) => name),
  };
}

/** Half of them swarms, which have some kinds of faults only, half with all kinds at once. */
export function randomPlan(drawing: Drawing, seed: number, nth: number): PlannedRun {
  const random = new SeededRandom(seed, `plan/${nth}`);
  const kinds = kindsFor(drawing);
  const swarm = nth % 2 === 0 ? kinds : kinds.filter(() => random.next() < 0.5);
  const chosen = swarm.length === 0 ? kinds : swarm;
  const faults = Array.from({ length: 1 + random.below(FAULTS_MAX) }, (_, index) =>
    randomFault(random, drawing, chosen, `f${index}`),
  );
  return drawnPlan("random", nth, faults);
}

/**
 * `depth` messages of watches, each of which comes only after something that came after it: another's message, or a write. A
 * mistake that takes so many orders to show is hit with a chance of at least one to the moments of a run, times how far a
 * message is put off, to the power of `depth`.
 * Source: Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs (ASPLOS 2010): a thread is a
 * watch here, a change of priority a message that waits. Undefined where nothing is told that could wait.
 */
export function pctPlan({ moments }: Drawing, depth: number, seed: number, nth: number): PlannedRun | undefined {
  const random = new SeededRandom(seed, `pct/${nth}`);
  const told = moments.flatMap(({ when }, index) => (when.on === "delivery" ? [index] : []));
  if (told.length === 0) return undefined;
  const faults = new Map<number, ApiFault>();
  for (let left = depth; left > 0; left--) {
    const early = one(random, told);
    const { by, resource, when } = moments[early]!;
    const isOther = (late: Moment): boolean => late.when.on === "write" || late.by !== by || late.resource !== resource;
    const later = moments.slice(early + 1, early + 1 + OVERTAKEN_MAX).filter(isOther);
    const capped: When = { atMs: PUT_OFF_MAX_MS };
    const until: When = later.length === 0 ? capped : { any: [after(one(random, later)), capped] };
    faults.set(early, { id: `late${early}`, kind: "watch-hold", by, of: resource, when, until });
  }
  return drawnPlan("pct", nth, [...faults.values()]);
}

/** Of a plan that has shown something new: with one fault more, one less, or one at another time. */
export function mutantOf({ faults }: FaultPlan, drawing: Drawing, seed: number, nth: number): PlannedRun {
  const random = new SeededRandom(seed, `mutant/${nth}`);
  const kinds = kindsFor(drawing);
  const id = freeId(faults);
  const drawn = randomFault(random, drawing, kinds, id);
  const index = random.below(Math.max(1, faults.length));
  const without = faults.filter((_, at) => at !== index);
  const place = random.next();
  if (faults.length < FAULTS_MAX && place < 0.4) return drawnPlan("mutant", nth, [...faults, drawn]);
  if (faults.length > 1 && place < 0.6) return drawnPlan("mutant", nth, without);
  const moved = faults[index];
  if (place < 0.8 && moved !== undefined && "when" in moved) {
    const when = "by" in moved ? whenOf(random, drawing, moved.by) : anybodysWhen(random, drawing);
    return drawnPlan(
      "mutant",
      nth,
      faults.map((fault) => (fault === moved ? { ...moved, when } : fault)),
    );
  }
  return drawnPlan("mutant", nth, [...without, drawn]);
}

function drawnPlan(pattern: "random" | "pct" | "mutant", nth: number, faults: readonly Fault[]): PlannedRun {
  const kinds = faults.map(({ kind }) => kind).join(", ");
  return { pattern, place: String(nth), about: `${pattern} plan ${nth}: ${kinds}`, plan: { faults } };
}

/** Those of the cluster last: without any the plans are what they are without pods. */
function kindsFor({ resources, pods, nodes }: Drawing): readonly DrawnKind[] {
  return [
    ...KINDS.filter((kind) => resources.length > 0 || !ON_WATCHES.includes(kind)),
    ...(pods.length > 0 ? ON_PODS : []),
    ...(nodes.length > 0 ? ON_NODES : []),
  ];
}

function freeId(faults: readonly Fault[]): string {
  for (let index = 0; ; index++) {
    const id = `m${index}`;
    if (!faults.some((fault) => fault.id === id)) return id;
  }
}

/** As often at a time as at a moment that the run without faults had. */
function whenOf(random: Random, { moments, workMs }: Drawing, by: string): When {
  const own = moments.filter((moment) => moment.by === by);
  if (own.length === 0 || random.next() < 0.5) return { atMs: random.below(Math.ceil(workMs) + 1) };
  return one(random, own).when;
}

/** Of what a fault is for that is no client's. */
function anybodysWhen(random: Random, drawing: Drawing): When {
  const by = one(random, drawing.controllers);
  const when = whenOf(random, drawing, by);
  return "on" in when ? { ...when, by } : when;
}

function after({ by, when: { nth: _nth, ...event } }: Moment): When {
  return { ...event, by, phase: "after" };
}

function randomFault(
  random: Random,
  { controllers, resources, workMs, pods, images, nodes }: Drawing,
  kinds: readonly DrawnKind[],
  id: string,
): Fault {
  // The order of these draws is the order of the fields: what a seed stands for hangs on it.
  const by = one(random, controllers);
  const when: When = { atMs: random.below(Math.ceil(workMs) + 1) };
  const kind = one(random, kinds);
  const drawn = { id, by, when };
  const lastsMs = one(random, LASTS_MS);
  const until: When = { atMs: lastsMs };
  const ofCluster = { id, when };
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
    case "pod-kill":
      return { ...ofCluster, kind, pod: one(random, pods) };
    case "object-flip":
      return { ...ofCluster, kind, of: `pods/${one(random, pods)}`, field: FLIPPED };
    case "image-gone":
      return { ...ofCluster, kind, image: one(random, images), forMs: lastsMs };
    case "node-loss":
      return { ...ofCluster, kind, at: one(random, nodes), downMs: one(random, DOWN_MS) };
    case "node-drain":
    case "memory-pressure":
      return { ...ofCluster, kind, at: one(random, nodes), forMs: one(random, DOWN_MS) };
    case "node-upgrade":
      return { ...ofCluster, kind, at: one(random, nodes) };
  }
}

function one<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}
