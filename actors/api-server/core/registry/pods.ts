/** Pods: what creation fills in, how long deletion waits, and binding to a node. */
import type { Container, Pod, PodSpec, PodStatus, Toleration } from "../../../../protocols/kubernetes/core-v1.ts";
import { compareQuantities } from "../../../../protocols/kubernetes/quantity.ts";
import { formatTime } from "../machinery/time.ts";
import type { Admission, Fields, Strategy } from "./strategy.ts";

/** Kubernetes gives pods that name none 30 seconds. */
const GRACE_SECONDS_DEFAULT = 30;

export const podStrategy: Strategy = {
  generation: true,
  returnsDeletedObject: true,
  status: "empty",
  prepareCreate: (object, admission) => {
    const pod = object as Pod;
    const spec = admitSpec(pod.spec ?? { containers: [] }, admission);
    return { ...object, spec, status: { phase: "Pending", qosClass: qosClass(spec) } };
  },
  prepareStatusUpdate: (object, old) => {
    const { ownerReferences: _new, ...metadata } = object.metadata ?? {};
    const owners = old.metadata?.ownerReferences;
    const status = {
      ...(object as Pod).status,
      qosClass: (old as Pod).status?.qosClass ?? qosClass((old as Pod).spec),
    };
    return {
      ...object,
      metadata: { ...metadata, ...(owners === undefined ? {} : { ownerReferences: owners }) },
      status,
    };
  },
  graceSeconds: (object, asked) => {
    const { spec, status } = object as Pod;
    if (spec?.nodeName === undefined || spec.nodeName === "") return 0;
    if (status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
    const seconds = asked ?? spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
    return seconds < 0 ? 1 : seconds;
  },
};

/** Admission plugins ServiceAccount (without its token volume), Priority and DefaultTolerationSeconds. */
function admitSpec(spec: PodSpec, admission: Admission): PodSpec {
  const account = spec.serviceAccountName || spec.serviceAccount || "default";
  return {
    ...spec,
    serviceAccountName: account,
    serviceAccount: account,
    priority: spec.priority ?? 0,
    preemptionPolicy: spec.preemptionPolicy ?? "PreemptLowerPriority",
    tolerations: withDefaultTolerations(spec.tolerations ?? [], admission.tolerationSeconds),
  };
}

function withDefaultTolerations(given: readonly Toleration[], tolerationSeconds: number): readonly Toleration[] {
  const added: Toleration[] = [];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const covered = given.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === "NoExecute"));
    if (!covered) added.push({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds });
  }
  return [...given, ...added];
}

/**
 * Guaranteed: every container limits cpu and memory, and requests just that. BestEffort: none asks for either.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass(spec: PodSpec | undefined): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers: readonly Container[] = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (positive(limit) || positive(request)) any = true;
      if (!positive(limit) || compareQuantities(limit ?? "0", request ?? "0") !== 0) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

function positive(quantity: string | undefined): boolean {
  return quantity !== undefined && compareQuantities(quantity, "0") > 0;
}

/** The pod on its node, or why that can't be. Source: `pkg/registry/core/pod/storage` `BindingREST.setPodNodeAndMetadata`. */
export function bindPod(
  pod: Fields,
  binding: { readonly node: string; readonly annotations?: Readonly<Record<string, string>> },
  nowMs: number,
): Fields | string {
  const { metadata, spec, status } = pod as Pod;
  const name = metadata?.name ?? "";
  if (metadata?.deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${name} is already assigned to node "${spec.nodeName}"`;
  if ((spec?.schedulingGates?.length ?? 0) > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  const annotations = { ...metadata?.annotations, ...binding.annotations };
  return {
    ...pod,
    metadata: { ...metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...spec, nodeName: binding.node },
    status: withScheduled(status ?? {}, nowMs),
  };
}

function withScheduled(status: PodStatus, nowMs: number): unknown {
  const others = (status.conditions ?? []).filter((condition) => condition.type !== "PodScheduled");
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: formatTime(nowMs),
  };
  return { ...status, conditions: [...others, scheduled] };
}
