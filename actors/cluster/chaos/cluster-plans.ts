/**
 * What can happen to the pods and nodes that controllers work with, and when it matters: after what the run without faults has
 * shown of them. Only of pods that somebody makes anew when they are gone: of others the end would be another whatever a
 * controller does.
 */
import type { EventWhen, When } from "../../../protocols/api-faults.ts";
import type { SeenRequest } from "../../../protocols/api-witness.ts";
import { fitsPattern } from "../../../protocols/fault-fields.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import type { ClusterPattern } from "./patterns.ts";
import type { Change, History } from "./history.ts";
import type { PlannedRun, Pruned } from "./search.ts";

/** In place of a controller: whom these plans are for. */
const CLUSTER = "cluster";

/** What can suffer in a run. Places and names as plans name them. */
export interface Sufferers {
  /** As `default/web-*`. */
  readonly pods: readonly KeptPods[];
  /** Whose pods are all among those. */
  readonly nodes: readonly KeptNode[];
  /** Nodes with pods that nobody would make anew. */
  readonly sparedNodes: readonly string[];
}

export const NO_SUFFERERS: Sufferers = { pods: [], nodes: [], sparedNodes: [] };

/** Pods of one name, or of one generated name. */
interface KeptPods {
  readonly name: string;
  readonly image: string;
  /** The first of them is created. */
  readonly created: EventWhen;
  /** It is told for the first time that one of them runs. */
  readonly runs: EventWhen;
}

interface KeptNode {
  readonly name: string;
  /** It is told that the last of its pods runs. */
  readonly runs: EventWhen;
}

/** What controllers do as they are told that a pod runs is done by then; what waits for the next step is not. */
const LATER_MS = 500;
const GONE_MS = 2_000;
const DRAIN_MS = 5_000;
/** Back before anybody has noticed. */
const REBOOT_MS = 1_000;
/** Longer than it takes until a node counts as lost and its pods are evicted, and for others to take their place. */
export const LOSS_MS = 12_000;
/** A true or false that its kubelet tells, and sets right. */
export const FLIPPED = "status.containerStatuses[0].ready";

export function clusterPlans(sufferers: Sufferers): {
  readonly plans: readonly PlannedRun[];
  readonly pruned: readonly Pruned[];
} {
  const plans = [
    ...sufferers.pods.flatMap((pods) => plansOfPods(pods)),
    ...sufferers.nodes.flatMap((node) => plansOfNode(node)),
  ];
  const why = "pods run there that nobody would make anew";
  const pruned = sufferers.sparedNodes.flatMap((name) =>
    (["node-loss", "node-drain", "memory-pressure", "node-upgrade"] as const).map((pattern): Pruned => {
      return { pattern, place: `node ${name}`, by: CLUSTER, why };
    }),
  );
  return { plans, pruned };
}

function plansOfPods({ name, image, created, runs }: KeptPods): readonly PlannedRun[] {
  const place = `pod ${name}`;
  const later: When = { seq: [runs, { atMs: LATER_MS }] };
  const kill = { id: "kill", kind: "pod-kill", pod: name } as const;
  return [
    planned("pod-kill", place, "as it runs", { ...kill, when: runs }),
    planned("pod-kill", place, "later", { ...kill, when: later }),
    planned("image-gone", place, "as it is created", {
      id: "gone",
      kind: "image-gone",
      image,
      when: created,
      forMs: GONE_MS,
    }),
    planned("object-flip", place, FLIPPED, {
      id: "flip",
      kind: "object-flip",
      of: `pods/${name}`,
      field: FLIPPED,
      when: later,
    }),
  ];
}

function plansOfNode({ name: at, runs }: KeptNode): readonly PlannedRun[] {
  const place = `node ${at}`;
  const when: When = { seq: [runs, { atMs: LATER_MS }] };
  const loss = { id: "loss", kind: "node-loss", at, when } as const;
  return [
    planned("node-loss", place, "back soon", { ...loss, downMs: REBOOT_MS }),
    planned("node-loss", place, "for long", { ...loss, downMs: LOSS_MS }),
    planned("node-drain", place, undefined, { id: "drain", kind: "node-drain", at, when, forMs: DRAIN_MS }),
    planned("memory-pressure", place, undefined, { id: "memory", kind: "memory-pressure", at, when, forMs: DRAIN_MS }),
    planned("node-upgrade", place, undefined, { id: "upgrade", kind: "node-upgrade", at, when }),
  ];
}

/** `how`: what tells it from others of the pattern at that place. */
function planned(pattern: ClusterPattern, place: string, how: string | undefined, fault: Fault): PlannedRun {
  const about = `${pattern}: ${place}${how === undefined ? "" : `, ${how}`}`;
  return { pattern, place, by: CLUSTER, about, plan: { faults: [fault] } };
}

export function sufferersIn(history: History, controllers: readonly string[]): Sufferers {
  const found = podsIn(history, controllers);
  const groups = new Map<string, KeptPods>();
  const nodes = new Map<string, KeptNode>();
  const spared = new Set<string>();
  const writes = podWritesIn(history);
  for (const { name, isKept, created, firstRun } of found) {
    const { spec } = firstRun.object as Pod;
    const node = spec?.nodeName ?? "";
    if (!isKept) {
      spared.add(node);
      continue;
    }
    const runs = whenOf(writes, name, firstRun);
    if (runs === undefined) continue;
    nodes.set(node, { name: node, runs });
    const creates = whenOf(writes, name, created);
    const image = spec?.containers[0]?.image;
    if (groups.has(name) || creates === undefined || image === undefined) continue;
    groups.set(name, { name, image, runs, created: { ...creates, phase: "before" } });
  }
  return {
    pods: [...groups.values()],
    nodes: [...nodes.values()].filter(({ name }) => !spared.has(name)),
    sparedNodes: [...spared],
  };
}

interface FoundPod {
  readonly name: string;
  readonly isKept: boolean;
  readonly created: Change;
  readonly firstRun: Change;
}

/** Those that came since the workload began, and ran, in the order in which that was told. */
function podsIn(history: History, controllers: readonly string[]): readonly FoundPod[] {
  const created = new Map<string, Change>();
  const found: FoundPod[] = [];
  for (const change of history.changes) {
    const { object, previous, atMs } = change;
    if (atMs < history.beganMs || object.kind !== "Pod") continue;
    const uid = object.metadata?.uid ?? "";
    if (change.type === "created") created.set(uid, change);
    const birth = created.get(uid);
    if (birth === undefined || !isRunning(object) || isRunning(previous)) continue;
    found.push({ name: patternOf(object), isKept: isMadeAnew(birth, controllers), created: birth, firstRun: change });
    created.delete(uid);
  }
  return found;
}

function isRunning(object: unknown): boolean {
  return (object as Pod | undefined)?.status?.phase === "Running";
}

/** Who of Job's pods fails counts for its end. */
function isMadeAnew({ by, object }: Change, controllers: readonly string[]): boolean {
  const owner = object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner !== undefined) return owner.kind !== "Job";
  return controllers.some((name) => by === `inkube:${name}`);
}

function patternOf({ metadata = {} }: Pod): string {
  const { name = "", namespace = "", generateName } = metadata;
  const isGenerated = generateName !== undefined && name.startsWith(generateName);
  return `${namespace}/${isGenerated ? `${generateName}*` : name}`;
}

function podWritesIn({ requests, beganMs }: History): readonly SeenRequest[] {
  return requests.filter(
    ({ resource, verb, code, atMs }) =>
      resource === "pods" && verb !== "get" && verb !== "list" && code >= 200 && code < 300 && atMs >= beganMs,
  );
}

/** The write that led to a change, after it was done; undefined where it was not seen. */
function whenOf(writes: readonly SeenRequest[], name: string, { revision }: Change): EventWhen | undefined {
  const index = writes.findIndex((write) => write.revision === revision);
  const write = writes[index];
  if (write === undefined) return undefined;
  const { verb } = write;
  const isSame = (other: SeenRequest): boolean =>
    other.verb === verb && fitsPattern(name, `${other.namespace}/${other.name}`);
  const nth = writes.slice(0, index + 1).filter(isSame).length;
  return { on: "write", phase: "after", verb, of: `pods/${name}`, ...(nth <= 1 ? {} : { nth }) };
}
