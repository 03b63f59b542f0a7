/**
 * What a DaemonSet does next: one pod on each node that it wants, then, once that is so, the update of old ones.
 *
 * @see k8s.io/kubernetes/pkg/controller/daemon (podsShouldBeOnNode, rollingUpdate)
 */
import type { DaemonSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { scaled } from "../deployment/rounding.ts";
import { isReady, isTerminal, isTerminating, untilAvailableMs } from "../pods.ts";
import type { DaemonNode } from "./pods.ts";
import { isUpdated, targetNode } from "./pods.ts";

/** Pods created or deleted for one DaemonSet in one go, as in Kubernetes. */
export const BURST_REPLICAS = 250;

export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly DaemonNode[];
  /** The DaemonSet's own. */
  readonly pods: readonly Pod[];
  /** Of the present revision. */
  readonly hash: string;
  readonly nowMs: number;
  /** How long a node's failed pod has to stay yet, so that one that is refused at once is not made in a circle. */
  readonly failedBackoffMs: (node: string) => number;
}

export interface Ended {
  readonly pod: Pod;
  readonly node: string;
}

export interface DaemonPlan {
  /** Names of nodes, once for each pod that they are to get. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  /** Those of `delete` that have ended by themselves: there is an event for each. */
  readonly ended: readonly Ended[];
  /** When a failed pod may go; undefined: none waits. */
  readonly recheckAfterMs: number | undefined;
}

interface Draft {
  readonly create: string[];
  readonly delete: Pod[];
  readonly ended: Ended[];
  recheckAfterMs: number;
}

/** Pods by the node that they are on or made for. One that is being deleted and has ended is nobody's any more. */
export function podsByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod);
    if (node === undefined || (isTerminating(pod) && isTerminal(pod))) continue;
    const there = byNode.get(node);
    if (there === undefined) byNode.set(node, [pod]);
    else there.push(pod);
  }
  return byNode;
}

export function planDaemonSet(input: DaemonInput): DaemonPlan {
  const byNode = podsByNode(input.pods);
  const draft: Draft = { create: [], delete: [], ended: [], recheckAfterMs: Infinity };
  for (const node of input.nodes) manageNode(input, node, byNode.get(node.name) ?? [], draft);
  draft.delete.push(...strayed(input.nodes, byNode));
  const { updateStrategy } = input.set.spec ?? {};
  const settled = draft.create.length + draft.delete.length === 0;
  if (settled && (updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate") {
    if (surgeOf(input) === 0) replace(input, byNode, draft);
    else surge(input, byNode, draft);
  }
  return {
    create: draft.create.slice(0, BURST_REPLICAS),
    delete: draft.delete.slice(0, BURST_REPLICAS),
    ended: draft.ended,
    recheckAfterMs: draft.recheckAfterMs === Infinity ? undefined : draft.recheckAfterMs,
  };
}

/** The oldest on top: those on a node before those that wait for theirs. */
export function byAge(left: Pod, right: Pod): number {
  const placed = (pod: Pod): number => ((pod.spec?.nodeName ?? "") === "" ? 1 : 0);
  if (placed(left) !== placed(right)) return placed(left) - placed(right);
  const [a, b] = [left.metadata?.creationTimestamp ?? "", right.metadata?.creationTimestamp ?? ""];
  if (a !== b) return a < b ? -1 : 1;
  return (left.metadata?.name ?? "") < (right.metadata?.name ?? "") ? -1 : 1;
}

function manageNode(input: DaemonInput, node: DaemonNode, pods: readonly Pod[], draft: Draft): void {
  const { name, run, stay } = node;
  if (!stay) {
    draft.delete.push(...pods.filter((pod) => !isTerminating(pod)));
    return;
  }
  if (pods.length === 0) {
    if (run) draft.create.push(name);
    return;
  }
  const running: Pod[] = [];
  for (const pod of pods) {
    if (isTerminating(pod)) continue;
    if (!isTerminal(pod)) {
      running.push(pod);
      continue;
    }
    const waitMs = pod.status?.phase === "Failed" ? input.failedBackoffMs(name) : 0;
    if (waitMs > 0) {
      draft.recheckAfterMs = Math.min(draft.recheckAfterMs, waitMs);
      continue;
    }
    draft.delete.push(pod);
    draft.ended.push({ pod, node: name });
  }
  running.sort(byAge);
  if (!allowsSurge(input.set)) draft.delete.push(...running.slice(1));
  else if (running.length === 0 && run) draft.create.push(name);
  else if (running.length > 1) prunePair(input, running, draft);
}

/** Where pods may surge, an old and a new one are there together while the old one is ready and the new one is not available. */
function prunePair({ set, hash, nowMs }: DaemonInput, pods: readonly Pod[], draft: Draft): void {
  const isNew = (pod: Pod): boolean => isUpdated(set, pod, hash);
  const [fresh, ...moreFresh] = pods.filter(isNew);
  const [old, ...moreOld] = pods.filter((pod) => !isNew(pod));
  draft.delete.push(...pods.filter((pod) => moreFresh.includes(pod) || moreOld.includes(pod)));
  if (fresh === undefined || old === undefined) return;
  if (!isReady(old) || isAvailable(set, fresh, nowMs)) draft.delete.push(old);
}

/** Pods that wait for a node that is gone: no scheduler places them, and no kubelet reports them. */
function strayed(nodes: readonly DaemonNode[], byNode: ReadonlyMap<string, readonly Pod[]>): readonly Pod[] {
  const names = new Set(nodes.map(({ name }) => name));
  return [...byNode]
    .filter(([node]) => !names.has(node))
    .flatMap(([, pods]) => pods.filter((pod) => (pod.spec?.nodeName ?? "") === "" && !isTerminating(pod)));
}

interface Pair {
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}

/** Undefined where a node has several of a sort: they are pruned first. */
function pairOf({ set, hash }: DaemonInput, pods: readonly Pod[]): Pair | undefined {
  const present = pods.filter((pod) => !isTerminating(pod));
  const fresh = present.filter((pod) => isUpdated(set, pod, hash));
  const old = present.filter((pod) => !isUpdated(set, pod, hash));
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

/** Deletes old pods while no more are unavailable than may be. Those that are not available anyway may go at once. */
function replace(input: DaemonInput, byNode: ReadonlyMap<string, readonly Pod[]>, draft: Draft): void {
  const { set, nowMs } = input;
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const max = scaled(rolling?.maxUnavailable, desired(input), true, 1);
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const pods of byNode.values()) {
    const pair = pairOf(input, pods);
    if (pair === undefined || (pair.fresh === undefined) === (pair.old === undefined)) unavailable++;
    else if (pair.fresh !== undefined) unavailable += isAvailable(set, pair.fresh, nowMs) ? 0 : 1;
    else if (pair.old !== undefined && isAvailable(set, pair.old, nowMs)) candidates.push(pair.old);
    else if (pair.old !== undefined) {
      broken.push(pair.old);
      unavailable++;
    }
  }
  draft.delete.push(...broken, ...candidates.slice(0, Math.max(0, max - unavailable)));
}

/** Makes new pods beside old ones, and deletes those when the new ones are available. */
function surge(input: DaemonInput, byNode: ReadonlyMap<string, readonly Pod[]>, draft: Draft): void {
  const { set, nowMs } = input;
  const wanted = new Set(input.nodes.filter(({ run }) => run).map(({ name }) => name));
  const allowed: string[] = [];
  const candidates: string[] = [];
  const unwanted: Pod[] = [];
  let surging = 0;
  let available = 0;
  for (const [name, pods] of byNode) {
    const pair = pairOf(input, pods);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, old } = pair;
    const first = old ?? fresh;
    const firstIsAvailable = first !== undefined && isAvailable(set, first, nowMs);
    if (firstIsAvailable) available++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (isAvailable(set, fresh, nowMs)) draft.delete.push(old);
      else surging++;
      continue;
    }
    if (wanted.has(name)) (firstIsAvailable ? candidates : allowed).push(name);
    else if (firstIsAvailable) unwanted.push(old);
    else draft.delete.push(old);
  }
  draft.delete.push(...unwanted.slice(0, Math.max(0, available - wanted.size)));
  draft.create.push(...allowed, ...candidates.slice(0, Math.max(0, surgeOf(input) - surging)));
}

function surgeOf(input: DaemonInput): number {
  return scaled(input.set.spec?.updateStrategy?.rollingUpdate?.maxSurge, desired(input), true, 0);
}

/** Whether a node may have an old and a new pod at a time. */
function allowsSurge({ spec }: DaemonSet): boolean {
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  return type === "RollingUpdate" && scaled(rollingUpdate?.maxSurge, 100, true, 0) > 0;
}

/** Nodes that are to have a pod. */
function desired({ nodes }: DaemonInput): number {
  return nodes.filter(({ run }) => run).length;
}

function isAvailable(set: DaemonSet, pod: Pod, nowMs: number): boolean {
  return untilAvailableMs(pod, set.spec?.minReadySeconds ?? 0, nowMs) === 0;
}
