/** Pods: what creation fills in, how long deletion waits, and binding to a node. */
import type { Pod, PodCondition, PodStatus } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { member, syncFirst } from "../../machinery/default-values.ts";
import { isJsonObject } from "../../machinery/json-value.ts";
import { defaultPod, defaultPodSpec } from "../../machinery/pod-defaults.ts";
import { withPodRequests } from "../../../../../protocols/kubernetes/pod-resources.ts";
import { formatTime } from "../../machinery/time.ts";
import { validatePodCreate, validatePodUpdate } from "../../machinery/validation/pod.ts";
import type { Fields, KindRules } from "../rules.ts";
import { awaitedAccount } from "./pod-account.ts";
import { reviewPodLimits, withLimitDefaults } from "./limits.ts";
import { admitPod, admitPodUpdate } from "./pod-admission.ts";
import { podCells } from "./pod-cells.ts";
import { podEphemeralContainers } from "./pod-ephemeral.ts";
import { qosClass } from "../../../../../protocols/kubernetes/pod-qos.ts";
import { podResize } from "./pod-resize.ts";
import { keptStatus, validatePodStatus } from "./pod-status.ts";
import { podWarnings } from "./pod-warnings.ts";

/** Kubernetes gives pods that name none 30 seconds. */
const GRACE_SECONDS_DEFAULT = 30;

export const podRules: KindRules = {
  generation: true,
  returnsDeletedObject: true,
  status: "empty",
  resetFields: {
    status: { except: ["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"] },
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
  validateStatusUpdate: validatePodStatus,
  review: reviewPodLimits,
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
  prepareCreate: (given, admission) => {
    const object = withLimitDefaults(given as Pod, admission);
    const admitted = admitPod(object, admission);
    const spec =
      admitted.resources === undefined
        ? admitted
        : { ...admitted, resources: withPodRequests(admitted.resources, admitted) };
    const gated = (spec.schedulingGates ?? []).length > 0;
    const conditions = gated ? { conditions: [gatedCondition(admission.nowMs)] } : {};
    return { ...(object as Fields), spec, status: { phase: "Pending", ...conditions, qosClass: qosClass(spec) } };
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
    return {
      ...object,
      metadata: { ...metadata, ...(owners === undefined ? {} : { ownerReferences: owners }) },
      status: keptStatus(object as Pod, old as Pod),
    };
  },
  subresources: { ephemeralcontainers: podEphemeralContainers, resize: podResize },
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
