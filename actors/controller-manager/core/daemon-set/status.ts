/** What a DaemonSet's status says. @see updateDaemonSetStatus in k8s.io/kubernetes/pkg/controller/daemon */
import type { DaemonSetStatus } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import { isReady, untilAvailableMs } from "../pods.ts";
import type { DaemonInput } from "./plan.ts";
import { byAge, podsByNode } from "./plan.ts";
import { isUpdated } from "./pods.ts";

export interface DaemonStatusPlan {
  /** Undefined when it says what is there already. */
  readonly status: DaemonSetStatus | undefined;
  /** When a ready pod becomes available; undefined when none is about to. */
  readonly recheckAfterMs: number | undefined;
}

/** `observed`: whether what the spec says now has been acted on. `collisions`: of names of revisions. */
export function planDaemonStatus(input: DaemonInput, observed: boolean, collisions: number): DaemonStatusPlan {
  const { set, nodes, hash, nowMs } = input;
  const byNode = podsByNode(input.pods);
  let [desired, current, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0];
  let recheckAfterMs = Infinity;
  for (const node of nodes) {
    const [pod] = [...(byNode.get(node.name) ?? [])].sort(byAge);
    if (!node.run) {
      if (pod !== undefined) misscheduled++;
      continue;
    }
    desired++;
    if (pod === undefined) continue;
    current++;
    if (isUpdated(set, pod, hash)) updated++;
    if (!isReady(pod)) continue;
    ready++;
    const leftMs = untilAvailableMs(pod, set.spec?.minReadySeconds ?? 0, nowMs);
    if (leftMs === 0) available++;
    else recheckAfterMs = Math.min(recheckAfterMs, leftMs);
  }
  const generation = observed ? set.metadata?.generation : set.status?.observedGeneration;
  const before = set.status;
  const status: DaemonSetStatus = {
    ...(before?.conditions === undefined ? {} : { conditions: before.conditions }),
    ...(collisions === 0 ? {} : { collisionCount: collisions }),
    currentNumberScheduled: current,
    desiredNumberScheduled: desired,
    numberMisscheduled: misscheduled,
    numberReady: ready,
    updatedNumberScheduled: updated,
    numberAvailable: available,
    numberUnavailable: desired - available,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return {
    status: before !== undefined && same(before, status) ? undefined : status,
    recheckAfterMs: recheckAfterMs === Infinity ? undefined : recheckAfterMs,
  };
}

const COUNTS = [
  "currentNumberScheduled",
  "desiredNumberScheduled",
  "numberMisscheduled",
  "numberReady",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "observedGeneration",
  "collisionCount",
] as const;

function same(left: DaemonSetStatus, right: DaemonSetStatus): boolean {
  return COUNTS.every((count) => (left[count] ?? 0) === (right[count] ?? 0));
}
