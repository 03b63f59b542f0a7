import type {
  Affinity,
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PreferredSchedulingTerm,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { FilterPlugin, ScorePlugin } from "../framework.ts";
import { normalizeToMax } from "../framework.ts";

/** `nodeSelector` and node affinity. @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity */
export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  filter(pod, { node }) {
    const { nodeSelector, affinity } = pod.pod.spec ?? {};
    const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (nodeSelector === undefined && required === undefined) return undefined;
    const matches =
      Object.entries(nodeSelector ?? {}).every(([key, value]) => node?.metadata?.labels?.[key] === value) &&
      (required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node)));
    if (matches) return undefined;
    return {
      plugin: "NodeAffinity",
      reasons: ["node(s) didn't match Pod's node affinity/selector"],
      unresolvable: true,
    };
  },
  applies: (pod) => preferredOf(pod.pod.spec?.affinity).length > 0,
  score(pod, { node }) {
    let sum = 0;
    for (const { weight, preference } of preferredOf(pod.pod.spec?.affinity)) {
      if (matchesTerm(preference, node)) sum += weight;
    }
    return sum;
  },
  normalize(scores) {
    normalizeToMax(scores, false);
  },
};

function preferredOf(affinity: Affinity | undefined): readonly PreferredSchedulingTerm[] {
  return affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** All of a term's expressions must hold; a term without any matches nothing. */
function matchesTerm(term: NodeSelectorTerm, node: Node | undefined): boolean {
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
