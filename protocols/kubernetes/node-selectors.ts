/** Which nodes a pod may be on, by `nodeSelector` and node affinity. @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from "./types/core-v1.ts";

/** Whether the node is one that the pod asks for. A pod that asks for none may be on each. */
export function matchesRequiredNodes(spec: PodSpec | undefined, node: Node | undefined): boolean {
  const { nodeSelector, affinity } = spec ?? {};
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    Object.entries(nodeSelector ?? {}).every(([key, value]) => node?.metadata?.labels?.[key] === value) &&
    (required === undefined || required.nodeSelectorTerms.some((term) => matchesNodeTerm(term, node)))
  );
}

/** All of a term's expressions must hold; a term without any matches nothing. */
export function matchesNodeTerm(term: NodeSelectorTerm, node: Node | undefined): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const { labels, name } = node?.metadata ?? {};
  return (
    expressions.every((requirement) => holds(requirement, labels?.[requirement.key])) &&
    fields.every((requirement) => requirement.key === "metadata.name" && holds(requirement, name))
  );
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return integers(value, values, (left, right) => left > right);
    case "Lt":
      return integers(value, values, (left, right) => left < right);
  }
}

function integers(
  value: string | undefined,
  values: readonly string[],
  compare: (left: number, right: number) => boolean,
): boolean {
  const bound = values[0];
  if (value === undefined || bound === undefined || !/^-?\d+$/.test(value) || !/^-?\d+$/.test(bound)) return false;
  return compare(Number(value), Number(bound));
}
