/**
 * How many pods of a PodDisruptionBudget may be taken away: what its status says, by which the API server judges evictions.
 *
 * @see k8s.io/kubernetes/pkg/controller/disruption
 */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Condition } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../../protocols/kubernetes/types/policy-v1.ts";
import { isEqual } from "../../../protocols/equality.ts";
import { scaled } from "./deployment/rounding.ts";
import { isReady, isTerminating } from "./pods.ts";

/** An eviction that was allowed and did not come to delete its pod within so long is forgotten. */
export const EVICTION_TIMEOUT_MS = 120_000;

/** What the pods' owners want. */
export interface Scales {
  /** Replicas of all that control them, together. */
  readonly replicas: number;
  /** Whether some have no controller. */
  readonly hasUnmanaged: boolean;
}

export interface DisruptionPlan {
  /** Undefined when it says what is there already. */
  readonly status: PodDisruptionBudgetStatus | undefined;
  /** Pods whose eviction was allowed long ago, and that are still there. */
  readonly notDeleted: readonly Pod[];
  readonly recheckAfterMs: number | undefined;
}

/** Whether the budget is in terms of all the pods that their owners want. */
export function asksScales({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === "string";
}

/** `pods`: those that match. `scales`: where the budget asks for them. */
export function planDisruption(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  scales: Scales | undefined,
  now: { readonly epochMs: number; readonly text: string },
): DisruptionPlan {
  const { expectedPods, desiredHealthy } = expectation(budget, pods.length, scales);
  const { disruptedPods, notDeleted, recheckAfterMs } = disrupted(budget, pods, now.epochMs);
  const isHealthy = (pod: Pod): boolean =>
    isReady(pod) && !isTerminating(pod) && !Object.hasOwn(disruptedPods, pod.metadata?.name ?? "");
  const currentHealthy = pods.filter(isHealthy).length;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const reason = disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods";
  const status = statusOf(budget, now.text, reason, "", {
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    disruptedPods,
  });
  return { status: isEqual(budget.status, status) ? undefined : status, notDeleted, recheckAfterMs };
}

/** What the status says where the numbers are not to be had: nothing may be taken away. */
export function withoutNumbers(budget: PodDisruptionBudget, now: string, why: string): PodDisruptionBudgetStatus {
  const { disruptedPods = {}, currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = budget.status ?? {};
  const numbers = { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: 0, disruptedPods };
  return statusOf(budget, now, "SyncFailed", why, numbers);
}

function expectation(
  { spec }: PodDisruptionBudget,
  count: number,
  scales: Scales | undefined,
): { readonly expectedPods: number; readonly desiredHealthy: number } {
  if (scales === undefined) return { expectedPods: count, desiredHealthy: Number(spec?.minAvailable ?? 0) };
  const { replicas: expectedPods } = scales;
  if (spec?.maxUnavailable === undefined) {
    return { expectedPods, desiredHealthy: scaled(spec?.minAvailable, expectedPods, true, 0) };
  }
  return {
    expectedPods,
    desiredHealthy: Math.max(0, expectedPods - scaled(spec.maxUnavailable, expectedPods, true, 0)),
  };
}

function disrupted(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  nowMs: number,
): {
  readonly disruptedPods: Record<string, string>;
  readonly notDeleted: readonly Pod[];
  readonly recheckAfterMs: number | undefined;
} {
  const disruptedPods: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  let recheckAfterMs = Infinity;
  for (const pod of pods) {
    const { name = "" } = pod.metadata ?? {};
    const at = Object.hasOwn(status?.disruptedPods ?? {}, name) ? status?.disruptedPods?.[name] : undefined;
    if (at === undefined || isTerminating(pod)) continue;
    const leftMs = Date.parse(at) + EVICTION_TIMEOUT_MS - nowMs;
    if (leftMs <= 0) notDeleted.push(pod);
    else {
      disruptedPods[name] = at;
      recheckAfterMs = Math.min(recheckAfterMs, leftMs);
    }
  }
  return { disruptedPods, notDeleted, recheckAfterMs: recheckAfterMs === Infinity ? undefined : recheckAfterMs };
}

function statusOf(
  { metadata, status: before }: PodDisruptionBudget,
  now: string,
  reason: "SufficientPods" | "InsufficientPods" | "SyncFailed",
  message: string,
  { disruptedPods, ...numbers }: Required<Omit<PodDisruptionBudgetStatus, "conditions" | "observedGeneration">>,
): PodDisruptionBudgetStatus {
  const { generation: observedGeneration } = metadata ?? {};
  const generation = observedGeneration === undefined ? {} : { observedGeneration };
  const conditions = before?.conditions ?? [];
  const known = conditions.find(({ type }) => type === "DisruptionAllowed");
  const status = reason === "SufficientPods" ? "True" : "False";
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : now;
  const condition: Condition = {
    type: "DisruptionAllowed",
    status,
    ...generation,
    lastTransitionTime,
    reason,
    message,
  };
  return {
    ...generation,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    ...numbers,
    conditions: [...conditions.filter((one) => one !== known), condition],
  };
}
