/**
 * Whether a pod may be evicted, by the budgets that it falls under.
 *
 * @see k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go
 */
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { Condition } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { PodDisruptionBudget } from "../../../../protocols/kubernetes/types/policy-v1.ts";
import { compileSelectorObject } from "../../../../protocols/kubernetes/selectors.ts";
import { forbidden, tooManyRequests, unexplained } from "../machinery/status.ts";
import { formatTime } from "../machinery/time.ts";

/** Evictions that their budget allowed and whose pods are still there: more would make an object that nobody can keep. */
const DISRUPTED_PODS_MAX = 2_000;
/** When a budget that is being worked on may be asked again. */
const RETRY_SECONDS = 10;

/** A pod that does not run counts for no budget. */
export function isBeyondBudgets({ metadata, status }: Pod): boolean {
  const phase = status?.phase ?? "";
  return ["Pending", "Succeeded", "Failed"].includes(phase) || metadata?.deletionTimestamp !== undefined;
}

/** The budget that the pod falls under. Throws where there are several. */
export function budgetOf(pod: Pod, budgets: readonly PodDisruptionBudget[]): PodDisruptionBudget | undefined {
  const { labels } = pod.metadata ?? {};
  const found = budgets.filter(
    ({ spec }) => spec?.selector !== undefined && compileSelectorObject(spec.selector).matches(labels),
  );
  if (found.length < 2) return found[0];
  const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
  throw unexplained(why);
}

/** A pod that is not ready, and whose end would take nothing from a budget. */
export function isSpared(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (pod.status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true) return false;
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** The budget with one disruption less. @throws Status 429 where it allows none, 403 where it can't be counted on */
export function spent(budget: PodDisruptionBudget, pod: string, nowMs: number): PodDisruptionBudget {
  const { metadata = {}, status = {} } = budget;
  const { name = "", generation = 0 } = metadata;
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0, conditions = [] } = status;
  const resource = { group: "policy", resource: "poddisruptionbudgets" };
  if (observedGeneration < generation) {
    throw refused(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS);
  }
  if (disruptionsAllowed < 0) throw forbidden(resource, name, "pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    const why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
    throw forbidden(resource, name, why);
  }
  if (disruptionsAllowed === 0) throw refused(whyNot(budget));
  const left = disruptionsAllowed - 1;
  const known = conditions.find(({ type }) => type === "DisruptionAllowed");
  const at = formatTime(nowMs);
  const none: Condition = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "InsufficientPods",
    message: "",
    observedGeneration,
    lastTransitionTime: known?.status === "False" ? known.lastTransitionTime : at,
  };
  const others = conditions.filter((condition) => condition !== known);
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: left,
      disruptedPods: { ...disruptedPods, [pod]: at },
      conditions: left > 0 ? conditions : [...others, none],
    },
  };
}

function refused(why: string, retryAfterSeconds: number = 0): InkubeError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  return tooManyRequests(message, retryAfterSeconds, [{ reason: "DisruptionBudget", message: why }]);
}

function whyNot({ metadata, status }: PodDisruptionBudget): string {
  const { currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status ?? {};
  const failed = conditions.find(({ type, reason }) => type === "DisruptionAllowed" && reason === "SyncFailed");
  const of = `The disruption budget ${metadata?.name}`;
  if (failed !== undefined)
    return `${of} does not allow evicting pods currently because it failed sync: ${failed.message}`;
  if (currentHealthy > desiredHealthy) return `${of} does not allow evicting pods currently`;
  return `${of} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}
