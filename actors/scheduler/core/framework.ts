/**
 * What a scheduling plugin is: Kubernetes' extension points under Kubernetes' names. A plugin has those that it needs; all but
 * those of the binding answer at once.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
 * @see k8s.io/kube-scheduler/framework/interface.go
 */
import type { SchedulerCache } from "./cache.ts";
import type { ClusterEvent } from "./cluster-event.ts";
import type { ClusterObjects } from "./cluster-objects.ts";
import type { NodeInfo } from "./node-info.ts";
import type { Nominator } from "./nominator.ts";
import type { PodInfo } from "./pod-info.ts";

/** Best score of a node. */
export const MAX_NODE_SCORE = 100;

/** Why a pod can't go to a node, or to any. */
export interface Rejection {
  readonly plugin: string;
  /** In Kubernetes' words; several when several resources are short. */
  readonly reasons: readonly string[];
  /** Whether removing pods from the node could not help. */
  readonly unresolvable: boolean;
}

/** What plugins see besides the pod and the node. It is as it is now: what is assumed, or tried out, is in it. */
export interface Snapshot {
  readonly cache: SchedulerCache;
  readonly objects: ClusterObjects;
  readonly nominator: Nominator;
}

/** What the plugins of one attempt keep for its later extension points, each under its own name. */
export class CycleState {
  private readonly byPlugin = new Map<string, unknown>();

  write(plugin: string, state: unknown): void {
    this.byPlugin.set(plugin, state);
  }

  /** What the plugin itself has written; undefined: nothing in this attempt. */
  read(plugin: string): unknown {
    return this.byPlugin.get(plugin);
  }
}

/**
 * `skip`: the plugin's `filter` has nothing to say about this pod. `nodes`: no others come into question. A rejection holds for
 * all nodes. Undefined: go on.
 */
export type PreFilterResult =
  | "skip"
  | { readonly nodes: ReadonlySet<string> }
  | { readonly rejection: Rejection }
  | undefined;

/** What a `postFilter` has found for a pod that no node takes. */
export interface PostFilterResult {
  /** Where the pod is to go once there is room; `""` takes an earlier nomination back; undefined leaves it. */
  readonly nominatedNode?: string;
  /** Pods that are to be evicted for it, the most important first. */
  readonly victims?: readonly PodInfo[];
  /** How many of the victims a budget protects. */
  readonly violations?: number;
  /** Goes into the message of the attempt. */
  readonly message: string;
}

/** An extension point that may wait, which no core does: `binding-plugin.ts` says what it is asked and answers. */
type LaterPoint = (...asked: never[]) => unknown;

/** What an attempt has found out about the nodes, for `postFilter`. */
export interface Findings {
  /** By node. A node that is not in it has not been looked at, and can't be helped. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Whether the pod would fit on the node as it is now; what is tried out in the cache counts. */
  readonly fits: (node: NodeInfo) => Rejection | undefined;
  /** In [0, 1): where to begin among equals. */
  readonly chance: number;
}

export interface Plugin {
  readonly name: string;
  /** Before a pod may wait for its turn: why it may not, if it may not. */
  preEnqueue?(pod: PodInfo): Rejection | undefined;
  /** Which of two waiting pods is first; negative: the left one. */
  queueSort?(left: PodInfo, right: PodInfo): number;
  preFilter?(state: CycleState, pod: PodInfo, snapshot: Snapshot): PreFilterResult;
  /** Undefined: the pod may go there. */
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo, snapshot: Snapshot): Rejection | undefined;
  /** For a pod that no node takes. Undefined: nothing to say. */
  postFilter?(state: CycleState, pod: PodInfo, findings: Findings, snapshot: Snapshot): PostFilterResult | undefined;
  /** `skip`: the plugin scores no node of this attempt. */
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): "skip" | undefined;
  /** Between 0 and 100, unless `normalizeScore` brings it there. Higher is better. */
  score?(state: CycleState, pod: PodInfo, node: NodeInfo, snapshot: Snapshot): number;
  normalizeScore?(state: CycleState, pod: PodInfo, scores: number[], nodes: readonly NodeInfo[]): void;
  /** The pod is assumed on the node; a rejection ends the attempt, and whoever has reserved is told. */
  reserve?(state: CycleState, pod: PodInfo, node: string): Rejection | undefined;
  /** Takes `reserve` back; told in reverse order, also to those that have not been asked. Must not fail. */
  unreserve?(state: CycleState, pod: PodInfo, node: string): void;
  readonly permit?: LaterPoint;
  readonly preBind?: LaterPoint;
  readonly bind?: LaterPoint;
  postBind?(state: CycleState, pod: PodInfo, node: string): void;
  /**
   * Queueing hint: whether `event` may help a pod that this plugin has rejected. Without it a pod is tried again when the filters
   * that look at one node alone take it on the node that has changed.
   */
  isSchedulableAfter?(event: ClusterEvent, pod: PodInfo, snapshot: Snapshot): boolean;
}

/** The extension points that a configuration names, in Kubernetes' order. */
export const EXTENSION_POINTS = [
  "preEnqueue",
  "queueSort",
  "preFilter",
  "filter",
  "postFilter",
  "preScore",
  "score",
  "reserve",
  "permit",
  "preBind",
  "bind",
  "postBind",
] as const;
export type ExtensionPoint = (typeof EXTENSION_POINTS)[number];

/** Scales scores so that the highest is 100; reversed, so that the lowest is. All 0: all 0, reversed all 100. */
export function normalizeToMax(scores: number[], reversed: boolean): void {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  for (let index = 0; index < scores.length; index++) {
    const scaled = highest === 0 ? 0 : Math.floor((scores[index]! * MAX_NODE_SCORE) / highest);
    scores[index] = reversed ? MAX_NODE_SCORE - scaled : scaled;
  }
}
