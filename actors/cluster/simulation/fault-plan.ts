/**
 * What goes wrong beneath a whole cluster, besides the kills of its story: slow and lossy links, disks that are slow or
 * full for a while, power failures, clocks that are off. A cluster must come through all of it by itself.
 *
 * Raft promises nothing about bits that flip in what was synced, and a member that lost its disk has to be added anew,
 * so there is neither.
 */
import type { FaultPlan } from "../../../runtime/faults/plan.ts";

export const CLUSTER_FAULTS: FaultPlan = {
  faults: [
    { id: "raft-delay", kind: "link-delay", from: "etcd-*", to: "etcd-*", byMs: [1, 20], chance: 0.1 },
    { id: "raft-drop", kind: "link-drop", from: "etcd-*", to: "etcd-*", chance: 0.02 },
    { id: "raft-twice", kind: "link-duplicate", from: "etcd-*", to: "etcd-*", chance: 0.02 },
    { id: "raft-order", kind: "link-reorder", from: "etcd-*", to: "etcd-*", chance: 0.02, byMs: [1, 30] },
    { id: "api-delay", kind: "link-delay", from: "api-server-*", to: "**", byMs: [1, 10], chance: 0.05 },
    { id: "kubelet-delay", kind: "link-delay", from: "*/kubelet", to: "api-server-*", byMs: [1, 50], chance: 0.05 },
    { id: "slow-disk", kind: "disk-slow", at: "etcd-*", byMs: [1, 10], chance: 0.1 },
    { id: "stalled-disk", kind: "disk-stall", at: "etcd-0", fromMs: 20_000, forMs: 700 },
    { id: "torn-write", kind: "disk-torn-write", at: "etcd-1", fromMs: 25_000, forMs: 2_000, chance: 0.02 },
    { id: "power", kind: "actor-crash", at: "etcd-*", fromMs: 15_000, everyMs: 17_000, disk: "crash" },
    { id: "skew", kind: "clock-skew", at: "worker-0/*", byMs: 30_000, fromMs: 10_000 },
    { id: "jump", kind: "clock-jump", at: "controller-manager-1", byMs: -45_000, fromMs: 12_000 },
    { id: "slow", kind: "actor-slow", at: "scheduler-0", share: 0.5, fromMs: 10_000, forMs: 20_000 },
    { id: "one-way", kind: "partition", from: "etcd-2", to: "etcd-*", oneWay: true, fromMs: 40_000, forMs: 2_000 },
  ],
};
