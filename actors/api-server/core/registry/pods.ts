/** Pods: what creation fills in, how long deletion waits, and binding to a node. */
import type {
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
  ResourceRequirements,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities } from "../../../../protocols/kubernetes/quantity.ts";
import { withPodRequests } from "../machinery/pod-resources.ts";
import { formatTime } from "../machinery/time.ts";
import { admitPod, admitPodUpdate } from "./pod-admission.ts";
import type { Fields, Strategy } from "./strategy.ts";

/** Kubernetes gives pods that name none 30 seconds. */
const GRACE_SECONDS_DEFAULT = 30;

export const podStrategy: Strategy = {
  generation: true,
  returnsDeletedObject: true,
  status: "empty",
  prepareCreate: (object, admission) => {
    const admitted = admitPod(object as Pod, admission);
    const spec =
      admitted.resources === undefined
        ? admitted
        : { ...admitted, resources: withPodRequests(admitted.resources, admitted) };
    const gated = (spec.schedulingGates ?? []).length > 0;
    const conditions = gated ? { conditions: [gatedCondition(admission.nowMs)] } : {};
    return { ...object, spec, status: { phase: "Pending", ...conditions, qosClass: qosClass(spec) } };
  },
  prepareUpdate: (object, old) => {
    const { spec } = object as Pod;
    return spec === undefined
      ? object
      : { ...object, spec: admitPodUpdate(spec, (old as Pod).spec ?? { containers: [] }) };
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

function gatedCondition(nowMs: number): PodCondition {
  return {
    type: "PodScheduled",
    status: "False",
    lastProbeTime: null,
    lastTransitionTime: formatTime(nowMs),
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
  } as unknown as PodCondition;
}

/**
 * Guaranteed: every container limits cpu and memory, and requests just that. BestEffort: none asks for either.
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass(spec: PodSpec | undefined): "Guaranteed" | "Burstable" | "BestEffort" {
  // What the pod says as a whole counts instead of what its containers say.
  const containers: readonly { readonly resources?: ResourceRequirements }[] =
    spec?.resources === undefined
      ? [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
      : [{ resources: spec.resources }];
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
