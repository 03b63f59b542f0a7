/**
 * Which nodes are alive, by their Leases; and what a node's state means for its conditions and taints.
 *
 * A Lease counts from when its change was seen here, so no clock but the controller's own matters.
 *
 * @see k8s.io/kubernetes/pkg/controller/nodelifecycle
 */
import type { LeaseSpec } from "../../../protocols/kubernetes/types/coordination-v1.ts";
import type { Node, NodeCondition, Taint, TaintEffect } from "../../../protocols/kubernetes/types/core-v1.ts";

export interface HealthOptions {
  /** Without a renewal for so long a node is lost, unless its Lease is good for longer. */
  readonly graceMs: number;
  /** What a node has until its first renewal. */
  readonly startupGraceMs: number;
}

interface Seen {
  renewTime: string | undefined;
  /** Of the newest Ready condition. */
  heartbeatTime?: string;
  /** How long its silence is none: nodes of a large cluster renew less often, and their Leases say so. */
  graceMs: number;
  /** When the node's silence is too long. */
  deadlineMs: number;
  lost: boolean;
}

export class NodeHealth {
  private readonly options: HealthOptions;
  private readonly nodes = new Map<string, Seen>();
  private heardAtMs = -Infinity;
  /** A silence of all nodes has been taken for our own deafness once, since the last renewal of any. */
  private doubted = false;

  constructor(options: HealthOptions) {
    this.options = options;
  }

  addNode(name: string, nowMs: number): void {
    if (this.nodes.has(name)) return;
    const { graceMs, startupGraceMs } = this.options;
    this.nodes.set(name, { renewTime: undefined, graceMs, deadlineMs: nowMs + startupGraceMs, lost: false });
  }

  removeNode(name: string): void {
    this.nodes.delete(name);
  }

  /**
   * A Lease as a watch or a read shows it. Answers whether the node has to be looked at: it was lost and is back, or its
   * first renewal has brought its deadline forward.
   */
  renewed(name: string, lease: LeaseSpec | undefined, nowMs: number): boolean {
    const renewTime = lease?.renewTime;
    const seen = this.nodes.get(name);
    if (seen === undefined || renewTime === undefined || seen.renewTime === renewTime) return false;
    const first = seen.renewTime === undefined;
    seen.renewTime = renewTime;
    seen.graceMs = Math.max(this.options.graceMs, (lease?.leaseDurationSeconds ?? 0) * 1_000);
    seen.deadlineMs = nowMs + seen.graceMs;
    this.heardAtMs = nowMs;
    this.doubted = false;
    const back = seen.lost || first;
    seen.lost = false;
    return back;
  }

  /**
   * A node's own report counts as a renewal too: the kubelet of a node that is back writes it before its Lease, and must
   * not be contradicted for that. The first one seen is no news.
   * @see tryUpdateNodeHealth of Kubernetes' node lifecycle controller
   */
  reported(name: string, heartbeatTime: string | undefined, nowMs: number): void {
    const seen = this.nodes.get(name);
    if (seen === undefined || heartbeatTime === undefined || seen.heartbeatTime === heartbeatTime) return;
    const first = seen.heartbeatTime === undefined;
    seen.heartbeatTime = heartbeatTime;
    if (first) return;
    seen.deadlineMs = Math.max(seen.deadlineMs, nowMs + seen.graceMs);
    seen.lost = false;
    this.heardAtMs = nowMs;
    this.doubted = false;
  }

  /** What is left until the node counts as lost; 0 when its time is up. */
  leftMs(name: string, nowMs: number): number {
    return Math.max(0, (this.nodes.get(name)?.deadlineMs ?? Infinity) - nowMs);
  }

  isLost(name: string): boolean {
    return this.nodes.get(name)?.lost === true;
  }

  /**
   * The node's time is up and its Lease, read anew, is unchanged. Answers whether it is lost. When of several nodes not one
   * was heard of lately, the fault is more likely on this side: all get another grace period, once.
   */
  timeUp(name: string, nowMs: number): boolean {
    const seen = this.nodes.get(name);
    if (seen === undefined) return false;
    const alive = [...this.nodes.values()].filter(({ lost }) => !lost);
    const deaf = alive.length > 1 && nowMs - this.heardAtMs >= this.options.graceMs / 2;
    if (deaf && !this.doubted) {
      this.doubted = true;
      for (const other of alive) other.deadlineMs = Math.max(other.deadlineMs, nowMs + this.options.graceMs);
      return false;
    }
    seen.lost = true;
    return true;
  }
}

const CONDITION_TYPES = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] as const;

/** The conditions of a node that is not heard of; undefined when they say so already. */
export function lostConditions(node: Node, time: string): readonly NodeCondition[] | undefined {
  const conditions: NodeCondition[] = [];
  for (const type of CONDITION_TYPES) {
    const before = node.status?.conditions?.find((condition) => condition.type === type);
    if (before?.status === "Unknown" && before.reason !== undefined) continue;
    conditions.push({
      ...(before?.lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime: before.lastHeartbeatTime }),
      type,
      status: "Unknown",
      reason: before === undefined ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
      message: before === undefined ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
      lastTransitionTime: time,
    });
  }
  return conditions.length === 0 ? undefined : conditions;
}

export function readyStatus(node: Node): string | undefined {
  return node.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";
const PRESSURE_TAINTS: readonly (readonly [condition: string, taint: string])[] = [
  ["MemoryPressure", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "node.kubernetes.io/network-unavailable"],
];
const MANAGED: ReadonlySet<string> = new Set([
  NOT_READY,
  UNREACHABLE,
  UNSCHEDULABLE,
  ...PRESSURE_TAINTS.map(([, key]) => key),
]);

/** The node's taints as its state wants them; undefined when they are so. Taints of others stay. */
export function plannedTaints(node: Node, time: string): readonly Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const wanted = wantedTaints(node);
  const same = (left: Taint, right: Taint): boolean => left.key === right.key && left.effect === right.effect;
  const kept = present.filter((taint) => !MANAGED.has(taint.key) || wanted.some((other) => same(taint, other)));
  const added = wanted.filter((taint) => !present.some((other) => same(taint, other)));
  if (kept.length === present.length && added.length === 0) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: time }))];
}

function wantedTaints(node: Node): readonly Taint[] {
  const wanted: Taint[] = [];
  const add = (key: string, ...effects: readonly TaintEffect[]): void => {
    for (const effect of effects) wanted.push({ key, effect });
  };
  const ready = readyStatus(node);
  if (ready === "Unknown") add(UNREACHABLE, "NoSchedule", "NoExecute");
  else if (ready === "False") add(NOT_READY, "NoSchedule", "NoExecute");
  else if (ready === undefined) add(NOT_READY, "NoSchedule");
  for (const [type, key] of PRESSURE_TAINTS) {
    if (node.status?.conditions?.find((condition) => condition.type === type)?.status === "True")
      add(key, "NoSchedule");
  }
  if (node.spec?.unschedulable === true) add(UNSCHEDULABLE, "NoSchedule");
  return wanted;
}
