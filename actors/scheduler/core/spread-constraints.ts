/** Topology spread constraints as they hold for one pod: its own, or a profile's with the selectors of what the pod belongs to. */
import { matchesRequiredNodes } from "../../../protocols/kubernetes/node-selectors.ts";
import type { CompiledLabelSelector } from "../../../protocols/kubernetes/selectors.ts";
import { matchesPlainSelector } from "../../../protocols/kubernetes/selectors.ts";
import { tolerates } from "../../../protocols/kubernetes/taints.ts";
import type { TopologySpreadConstraint } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { ClusterObjects } from "./cluster-objects.ts";
import type { Snapshot } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodCounts } from "./pod-counts.ts";
import type { PodInfo } from "./pod-info.ts";
import { compileCached, withLabelKeys } from "./pod-terms.ts";

export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: CompiledLabelSelector;
  /** Equal for equal selectors. */
  readonly selectorText: string;
  /** With fewer domains than these, one without pods counts along. */
  readonly minDomains: number;
  /** Nodes that the pod's node affinity, or a taint, keeps it off are no part of the topology. */
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

type Action = TopologySpreadConstraint["whenUnsatisfiable"];

/** A profile's `defaults` hold for a pod that has no constraint of its own, and belongs to a Service or controller. */
export function spreadConstraints(
  pod: PodInfo,
  action: Action,
  defaults: readonly TopologySpreadConstraint[],
  objects: ClusterObjects,
): readonly SpreadConstraint[] {
  const own = pod.pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    return own
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
      .map((constraint) => {
        const { labelSelector, matchLabelKeys } = constraint;
        return compiled(constraint, withLabelKeys(labelSelector, matchLabelKeys, pod.labels, "In"));
      });
  }
  const chosen = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action);
  if (chosen.length === 0) return [];
  const selector = selectorFor(pod, objects);
  return selector === undefined ? [] : chosen.map((constraint) => compiled(constraint, selector));
}

function compiled(constraint: TopologySpreadConstraint, selector: LabelSelector | undefined): SpreadConstraint {
  return {
    maxSkew: constraint.maxSkew,
    topologyKey: constraint.topologyKey,
    selector: compileCached(selector),
    selectorText: JSON.stringify(selector) ?? "",
    minDomains: constraint.minDomains ?? 1,
    honorsAffinity: (constraint.nodeAffinityPolicy ?? "Honor") === "Honor",
    honorsTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

/** The selectors of all Services that mean the pod, and of its controller, as one. Undefined: it belongs to nothing that selects. */
function selectorFor({ pod, namespace, labels }: PodInfo, objects: ClusterObjects): LabelSelector | undefined {
  let matchLabels: Record<string, string> | undefined;
  for (const selector of objects.serviceSelectors(namespace)) {
    if (matchesPlainSelector(selector, labels)) matchLabels = { ...matchLabels, ...selector };
  }
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const owned = owner === undefined ? undefined : objects.controllerSelector(owner.kind, namespace, owner.name);
  if (matchLabels === undefined) return owned;
  if (owned === undefined) return { matchLabels };
  const pairs = Object.entries(owned.matchLabels ?? {});
  const expressions = pairs.map(([key, value]) => ({ key, operator: "In" as const, values: [value] }));
  return { matchLabels, matchExpressions: [...expressions, ...(owned.matchExpressions ?? [])] };
}

/** Pods that the constraint spreads: those of the pod's namespace that are not about to end. An empty selector spreads none. */
export function countsOf({ selector, selectorText }: SpreadConstraint, pod: PodInfo, { cache }: Snapshot): PodCounts {
  const isEmpty = selector.requirements.length === 0;
  return cache.countsOf(
    `spread ${pod.namespace} ${selectorText}`,
    pod.namespace,
    (other) => !isEmpty && !other.terminating && selector.matches(other.labels),
  );
}

/** Which nodes are part of the topology; undefined: all. */
export function eligibility(
  { honorsAffinity, honorsTaints }: SpreadConstraint,
  { pod, tolerations }: PodInfo,
): ((node: NodeInfo) => boolean) | undefined {
  const { nodeSelector, affinity } = pod.spec ?? {};
  const choosy =
    honorsAffinity &&
    (nodeSelector !== undefined ||
      affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined);
  if (!choosy && !honorsTaints) return undefined;
  return ({ node, taints }) =>
    (!choosy || matchesRequiredNodes(pod.spec, node)) &&
    (!honorsTaints || taints.every((taint) => taint.effect === "PreferNoSchedule" || tolerates(tolerations, taint)));
}
