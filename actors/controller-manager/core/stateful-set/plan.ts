/**
 * What a StatefulSet does next. In order: each pod waits for the one before it, the last goes first, and nothing else happens
 * meanwhile. Parallel: all at once, but for updates, of which no more are under way than may be unavailable.
 *
 * @see updateStatefulSet in k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_control.go
 */
import type {
  ControllerRevision,
  StatefulSet,
  StatefulSetStatus,
} from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { scaled } from "../deployment/rounding.ts";
import { isActive, isReady, isTerminal, isTerminating, untilAvailableMs } from "../pods.ts";
import {
  claimsOf,
  hasIdentity,
  isInRange,
  ordinalOf,
  revisionOfPod,
  startOf,
  statefulPod,
  wantedReplicas,
  withIdentity,
} from "./identity.ts";
import { isStale, ownedClaim, ownersOf } from "./retention.ts";
import { planStatus } from "./status.ts";

/** Pods worked on for one StatefulSet in one go: a limit on what a mistake can do at once. */
export const BURST_REPLICAS = 500;

export interface StatefulInput {
  readonly set: StatefulSet;
  /** The set's own. */
  readonly pods: readonly Pod[];
  /** The revision that the pods came from, and the one that they go to. */
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
  readonly nowMs: number;
}

/** One pod's share: claims first, then what becomes of the pod. */
export interface Step {
  readonly pod: Pod;
  readonly verb: "create" | "update" | "delete" | "none";
  /** To be made. */
  readonly claims: readonly PersistentVolumeClaim[];
  /** To be given to other owners. */
  readonly owned: readonly PersistentVolumeClaim[];
  /** A claim that is being deleted: without it the pod can't be made. */
  readonly blockedBy?: string;
}

export interface StatefulPlan {
  /** One after the other; each only when all before it have succeeded. The steps of a stage may be taken together. */
  readonly stages: readonly (readonly Step[])[];
  /** Undefined when it says what is there already. */
  readonly status: StatefulSetStatus | undefined;
  /** When a ready pod becomes available; undefined when none is about to. */
  readonly recheckAfterMs: number | undefined;
}

interface Slot {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** `collisions`: of names of revisions. `held`: what was asked for last has not been seen yet, so only the status is looked at. */
export function planStatefulSet(input: StatefulInput, collisions: number, held: boolean): StatefulPlan {
  const isOver = held || input.set.metadata?.deletionTimestamp !== undefined;
  const stages = isOver ? [] : stagesOf(input);
  const outdated = stages.flat().filter((step) => step.verb === "delete" && isOutdated(input, step.pod)).length;
  return { stages, ...planStatus(input, collisions, held, outdated) };
}

export function isUnavailable({ set, nowMs }: StatefulInput, pod: Pod | undefined): boolean {
  return pod === undefined || isTerminating(pod) || !isAvailable(set, pod, nowMs);
}

/** A pod that is at the current revision, is to be at another, and is in the range of the update. */
function isOutdated({ set, current, update }: StatefulInput, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod);
  const isCurrent = revisionOfPod(pod) === current.metadata?.name && current.metadata?.name !== update.metadata?.name;
  return isCurrent && ordinal !== undefined && isInRange(set, ordinal) && !isTerminal(pod);
}

function stagesOf(input: StatefulInput): readonly (readonly Step[])[] {
  const { set, pods } = input;
  const inOrder = set.spec?.podManagementPolicy !== "Parallel";
  const members = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const slots = Array.from({ length: wantedReplicas(set) }, (_, index): Slot => {
    const ordinal = startOf(set) + index;
    return { ordinal, pod: members.get(ordinal) };
  });
  const condemned = [...members]
    .flatMap(([ordinal, pod]) => (ordinal === undefined || isInRange(set, ordinal) ? [] : [{ ordinal, pod }]))
    .sort((left, right) => right.ordinal - left.ordinal);
  const stages: (readonly Step[])[] = [];
  if (inOrder) {
    for (const slot of slots) {
      const { step, wait } = stepOf(input, slot, true);
      if (step !== undefined) stages.push([step]);
      if (wait) return stages;
    }
  } else stages.push(slots.flatMap((slot) => stepOf(input, slot, false).step ?? []).slice(0, BURST_REPLICAS));
  stages.push(condemned.flatMap((slot) => claimsStep(input, slot)));
  const leaving = inOrder ? lastOfAll(input, slots, condemned) : condemned.filter(({ pod }) => !isTerminating(pod));
  stages.push(leaving.map(({ pod }) => deletion(pod)));
  // A pod that is one too many goes before any update.
  const waits = inOrder && condemned.length > 0;
  if (!waits && (set.spec?.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate") {
    stages.push(outdatedOf(input, slots).map(deletion));
  }
  return stages.filter((stage) => stage.length > 0);
}

/** What is to be done for one ordinal, and whether those after it have to wait for it. */
function stepOf(input: StatefulInput, slot: Slot, inOrder: boolean): { readonly step?: Step; readonly wait: boolean } {
  const { set, nowMs } = input;
  const { pod, ordinal } = slot;
  if (pod === undefined) return created(input, ordinal);
  if (isTerminal(pod)) return { ...(isTerminating(pod) ? {} : { step: deletion(pod) }), wait: true };
  const claims = pod.status?.phase === "Pending" ? missingClaims(input, pod, ordinal) : [];
  const own = { set, pod, ordinal };
  if (inOrder && (isTerminating(pod) || !isAvailable(set, pod, nowMs))) {
    return { ...(claims.length === 0 ? {} : { step: { pod, verb: "none", claims, owned: [] } }), wait: true };
  }
  const owned = presentClaims(input, ordinal).flatMap((claim) => ownedClaim(claim, own) ?? []);
  const fits = hasIdentity(set, pod, ordinal);
  if (fits && claims.length + owned.length === 0) return { wait: false };
  // As in Kubernetes, a claim's new owners are told as an update of its pod.
  const step: Step = fits
    ? { pod, verb: owned.length === 0 ? "none" : "update", claims, owned }
    : { pod: withIdentity(set, pod, ordinal), verb: "update", claims: missingClaims(input, pod, ordinal), owned };
  return { step, wait: false };
}

function created(input: StatefulInput, ordinal: number): { readonly step?: Step; readonly wait: boolean } {
  const { set } = input;
  const pod = statefulPod(set, isOfCurrent(input, ordinal) ? input.current : input.update, ordinal);
  const present = presentClaims(input, ordinal);
  if (present.some((claim) => isStale(claim, { set, pod, ordinal }))) return { wait: true };
  const leaving = present.find(({ metadata }) => metadata?.deletionTimestamp !== undefined);
  const step: Step = {
    pod,
    verb: "create",
    claims: missingClaims(input, pod, ordinal),
    owned: present.flatMap((claim) => ownedClaim(claim, { set, pod, ordinal }) ?? []),
    ...(leaving === undefined ? {} : { blockedBy: leaving.metadata?.name ?? "" }),
  };
  return { step, wait: true };
}

/** Whether a new pod of this ordinal is to be as those before the update. */
function isOfCurrent({ set }: StatefulInput, ordinal: number): boolean {
  const { type = "RollingUpdate", rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type !== "RollingUpdate") return false;
  const count = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : (rollingUpdate.partition ?? 0);
  return ordinal < startOf(set) + count;
}

/** Of the pods that are too many the last one, once all others are well; one that is not well goes only when it is the first such. */
function lastOfAll(
  input: StatefulInput,
  slots: readonly Slot[],
  condemned: readonly (Slot & { readonly pod: Pod })[],
): readonly (Slot & { readonly pod: Pod })[] {
  const [last] = condemned;
  if (last === undefined || isTerminating(last.pod)) return [];
  if (isAvailable(input.set, last.pod, input.nowMs)) return [last];
  const first = [...slots, ...condemned.toReversed()].find(({ pod }) => isUnavailable(input, pod));
  return first?.pod === last.pod ? [last] : [];
}

/** Old pods that may go now, the last first. Where nothing has an order, those that nobody misses go besides, and first. */
function outdatedOf(input: StatefulInput, slots: readonly Slot[]): readonly Pod[] {
  const { set, update } = input;
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const first = startOf(set) + (rolling?.partition ?? 0);
  const max = Math.max(1, scaled(rolling?.maxUnavailable, slots.length, false, 1));
  const room = Math.max(0, max - slots.filter(({ pod }) => isUnavailable(input, pod)).length);
  const old = slots
    .toReversed()
    .flatMap(({ pod, ordinal }) => (pod === undefined || ordinal < first ? [] : [pod]))
    .filter((pod) => revisionOfPod(pod) !== update.metadata?.name && isActive(pod));
  if (set.spec?.podManagementPolicy !== "Parallel") return old.slice(0, room);
  const isBroken = (pod: Pod): boolean => isUnavailable(input, pod);
  return [...old.filter(isBroken), ...old.filter((pod) => !isBroken(pod)).slice(0, room)];
}

function presentClaims(input: StatefulInput, ordinal: number): readonly PersistentVolumeClaim[] {
  return claimsOf(input.set, ordinal).flatMap(({ claim }) => input.claim(claim.metadata?.name ?? "") ?? []);
}

function missingClaims(input: StatefulInput, pod: Pod, ordinal: number): readonly PersistentVolumeClaim[] {
  const { set } = input;
  const ownerReferences = ownersOf({ set, pod, ordinal });
  return claimsOf(set, ordinal)
    .map(({ claim }) => claim)
    .filter(({ metadata }) => input.claim(metadata?.name ?? "") === undefined)
    .map((claim) =>
      ownerReferences.length === 0 ? claim : { ...claim, metadata: { ...claim.metadata, ownerReferences } },
    );
}

function claimsStep(input: StatefulInput, { pod, ordinal }: Slot): readonly Step[] {
  if (pod === undefined) return [];
  const owned = presentClaims(input, ordinal).flatMap((claim) => ownedClaim(claim, { ...input, pod, ordinal }) ?? []);
  return owned.length === 0 ? [] : [{ pod, verb: "none", claims: [], owned }];
}

function deletion(pod: Pod): Step {
  return { pod, verb: "delete", claims: [], owned: [] };
}

function isAvailable(set: StatefulSet, pod: Pod, nowMs: number): boolean {
  return (
    pod.status?.phase === "Running" &&
    isReady(pod) &&
    untilAvailableMs(pod, set.spec?.minReadySeconds ?? 0, nowMs) === 0
  );
}
