/**
 * The pod of a DaemonSet for a node, and which node it may be on.
 *
 * @see k8s.io/kubernetes/pkg/controller/daemon/util, and NodeShouldRunDaemonPod beside it
 */
import type { DaemonSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type {
  Affinity,
  Node,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import { matchesRequiredNodes } from "../../../../protocols/kubernetes/node-selectors.ts";
import { tolerates } from "../../../../protocols/kubernetes/taints.ts";
import { REVISION_LABEL } from "../controller-revisions.ts";
import { podOfTemplate } from "../pod-template.ts";

/** Counts the templates of a DaemonSet; `apps/v1` has no field for it. */
const GENERATION_ANNOTATION = "deprecated.daemonset.template.generation";
const GENERATION_LABEL = "pod-template-generation";

const EVERYWHERE: readonly (readonly [taint: string, effect: "NoExecute" | "NoSchedule"])[] = [
  ["not-ready", "NoExecute"],
  ["unreachable", "NoExecute"],
  ["disk-pressure", "NoSchedule"],
  ["memory-pressure", "NoSchedule"],
  ["pid-pressure", "NoSchedule"],
  ["unschedulable", "NoSchedule"],
];

/** The template's pod for one node, which the scheduler then finds to be the only one that fits. */
export function daemonPod(set: DaemonSet, node: string, hash: string): Pod {
  const pod = podOfTemplate(set, { apiVersion: "apps/v1", kind: "DaemonSet" }, set.spec?.template);
  const generation = set.metadata?.annotations?.[GENERATION_ANNOTATION];
  const spec = pod.spec ?? { containers: [] };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata?.labels,
        ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
        [REVISION_LABEL]: hash,
      },
    },
    spec: { ...spec, tolerations: tolerationsOf(spec), affinity: onNode(spec.affinity, node) },
  };
}

/** Whether the pod is of the DaemonSet's present template. */
export function isUpdated(set: DaemonSet, pod: Pod, hash: string): boolean {
  const { labels } = pod.metadata ?? {};
  const generation = set.metadata?.annotations?.[GENERATION_ANNOTATION];
  return labels?.[REVISION_LABEL] === hash || (generation !== undefined && labels?.[GENERATION_LABEL] === generation);
}

/** The node that a pod is on, or was made for; undefined where it says neither. */
export function targetNode({ spec }: Pod): string | undefined {
  if ((spec?.nodeName ?? "") !== "") return spec?.nodeName;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === "metadata.name" && operator === "In" && values.length === 1) return values[0];
    }
  }
  return undefined;
}

/** A node, as a DaemonSet sees it. */
export interface DaemonNode {
  readonly name: string;
  /** Whether a pod belongs there. */
  readonly run: boolean;
  /** Whether one that is there may stay: only NoExecute, and what it never asked for, send it away. */
  readonly stay: boolean;
}

export function daemonNodes(set: DaemonSet, nodes: readonly Node[]): readonly DaemonNode[] {
  const spec = set.spec?.template.spec;
  const named = spec?.nodeName ?? "";
  const tolerations = tolerationsOf(spec);
  return nodes.map((node): DaemonNode => {
    const name = node.metadata?.name ?? "";
    if ((named !== "" && named !== name) || !matchesRequiredNodes(spec, node)) return { name, run: false, stay: false };
    const untolerated = (node.spec?.taints ?? []).filter((taint) => !tolerates(tolerations, taint));
    const stay = untolerated.every(({ effect }) => effect !== "NoExecute");
    return { name, run: stay && untolerated.every(({ effect }) => effect !== "NoSchedule"), stay };
  });
}

/** The template's own tolerations, and those that let it go where nothing else does. */
function tolerationsOf(spec: PodSpec | undefined): readonly Toleration[] {
  const own = spec?.tolerations ?? [];
  const kinds =
    spec?.hostNetwork === true ? [...EVERYWHERE, ["network-unavailable", "NoSchedule"] as const] : EVERYWHERE;
  const added = kinds.map(([taint, effect]): Toleration => ({
    key: `node.kubernetes.io/${taint}`,
    operator: "Exists",
    effect,
  }));
  const addedFor = (toleration: Toleration): Toleration | undefined =>
    added.find(
      ({ key, effect, operator }) =>
        key === toleration.key &&
        effect === toleration.effect &&
        operator === toleration.operator &&
        (toleration.value ?? "") === "",
    );
  const replaced = own.map((toleration) => addedFor(toleration) ?? toleration);
  return [...replaced, ...added.filter((toleration) => !replaced.includes(toleration))];
}

/** What the pod required of nodes is answered: it is for this one. */
function onNode(affinity: Affinity | undefined, node: string): Affinity {
  const field: NodeSelectorTerm = { matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] };
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [field] },
    },
  };
}
