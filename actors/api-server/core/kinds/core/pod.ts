/** Pods: what creation fills in, how long deletion waits, and binding to a node. */
import type {
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
  ResourceRequirements,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities } from "../../../../../protocols/kubernetes/quantity.ts";
import { member, syncFirst } from "../../machinery/default-values.ts";
import { isJsonObject } from "../../machinery/json-value.ts";
import { defaultPod, defaultPodSpec } from "../../machinery/pod-defaults.ts";
import { withPodRequests } from "../../machinery/pod-resources.ts";
import { formatTime } from "../../machinery/time.ts";
import { validatePodCreate, validatePodUpdate } from "../../machinery/validation/pod.ts";
import type { Fields, KindRules } from "../rules.ts";
import { awaitedAccount } from "./pod-account.ts";
import { admitPod, admitPodUpdate } from "./pod-admission.ts";
import { podCells } from "./pod-cells.ts";
import { podWarnings } from "./pod-warnings.ts";

/** Kubernetes gives pods that name none 30 seconds. */
const GRACE_SECONDS_DEFAULT = 30;

export const podRules: KindRules = {
  generation: true,
  returnsDeletedObject: true,
  status: "empty",
  resetFields: {
    status: { except: ["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"] },
    ephemeralcontainers: { only: ["spec.ephemeralContainers"] },
    resize: {
      only: ["containers", "initContainers"].flatMap((list) => [
        `spec.${list}.*.resources`,
        `spec.${list}.*.resizePolicy`,
      ]),
    },
  },
  defaults: (object) => {
    const spec = member(object, "spec");
    defaultPodSpec(spec);
    defaultPod(spec);
    const ipOf = (item: unknown): unknown => (isJsonObject(item) ? item["ip"] : undefined);
    syncFirst(member(object, "status"), "podIP", "podIPs", (ip) => ({ ip }), ipOf);
  },
  validate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warnings: (object: Pod) => podWarnings("", object),
  cells: podCells,
  rowConditions: ({ status }: Pod) => {
    const phase = status?.phase;
    if (phase !== "Succeeded" && phase !== "Failed") return [];
    const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
    return [{ type: "Completed", status: "True", reason: phase, message }];
  },
  // Where the kubelets' watches find their pods.
  indexed: { name: "spec.nodeName", valueOf: (object) => (object as Pod).spec?.nodeName ?? "" },
  awaits: (object, namespace) => awaitedAccount(object as Pod, namespace),
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
  subresources: {
    ephemeralcontainers: (object, old) => {
      const { ephemeralContainers } = (object as Pod).spec ?? {};
      return { ...old, spec: { ...(old as Pod).spec, ephemeralContainers } };
    },
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
  unbound: Fields,
  binding: { readonly node: string; readonly annotations?: Readonly<Record<string, string>> },
  nowMs: number,
): Fields | string {
  const { metadata, spec, status } = unbound as Pod;
  const name = metadata?.name ?? "";
  if (metadata?.deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${name} is already assigned to node "${spec.nodeName}"`;
  if ((spec?.schedulingGates?.length ?? 0) > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  const annotations = { ...metadata?.annotations, ...binding.annotations };
  return {
    ...unbound,
    metadata: { ...metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...spec, nodeName: binding.node },
    status: withScheduled(status ?? {}, nowMs),
  };
}

/** A pod that is about to be evicted says so to whoever counts disruptions. Source: `registry/core/pod/storage/eviction.go`. */
export function evictedPod(pod: Fields, nowMs: number): Fields {
  const why = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
  return { ...pod, status: withTrue((pod as Pod).status ?? {}, "DisruptionTarget", nowMs, why) };
}

function withScheduled(status: PodStatus, nowMs: number): unknown {
  return withTrue(status, "PodScheduled", nowMs, {});
}

function withTrue(
  status: PodStatus,
  type: string,
  nowMs: number,
  why: { readonly reason?: string; readonly message?: string },
): unknown {
  const others = (status.conditions ?? []).filter((condition) => condition.type !== type);
  const condition = { type, status: "True", lastProbeTime: null, lastTransitionTime: formatTime(nowMs), ...why };
  return { ...status, conditions: [...others, condition] };
}
