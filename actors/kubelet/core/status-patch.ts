/**
 * What must be written so that the API server has what the kubelet says. Only the kubelet's own part of a status is looked at
 * and touched: conditions of other types, and fields that the kubelet never writes, belong to others, who may write them at
 * any moment. So each patch is a strategic merge patch, in which conditions are merged by their type.
 */
import { isEqual } from "../../../protocols/equality.ts";
import type { NodeStatus, PodCondition, PodStatus } from "../../../protocols/kubernetes/types/core-v1.ts";

type Plain = Readonly<Record<string, unknown>>;

/** The conditions of a pod that its kubelet answers for. PodScheduled is the scheduler's, where there was one. */
const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
]);
/** Other fields of a pod's status that the kubelet answers for, those whose lists have a merge key apart. */
const OWN_FIELDS = [
  "observedGeneration",
  "phase",
  "reason",
  "message",
  "hostIP",
  "podIP",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
] as const;
const OWN_ADDRESS_LISTS = ["hostIPs", "podIPs"] as const;
/** Of a condition. What else the API server shows of one, such as an empty `lastProbeTime`, says nothing. */
const CONDITION_FIELDS = ["status", "observedGeneration", "lastTransitionTime", "reason", "message"] as const;

/** The patch that gives the API server, which has `served`, the kubelet's part of `wanted`; undefined when it has it. */
export function podStatusPatch(served: PodStatus, wanted: PodStatus): Plain | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of OWN_FIELDS) {
    if (!isEqual(served[field], wanted[field])) patch[field] = wanted[field] ?? null;
  }
  for (const field of OWN_ADDRESS_LISTS) {
    if (!isEqual(served[field], wanted[field])) patch[field] = [{ $patch: "replace" }, ...(wanted[field] ?? [])];
  }
  const conditions = (wanted.conditions ?? []).flatMap((condition): Plain[] => {
    const before = served.conditions?.find(({ type }) => type === condition.type);
    const isOwn = OWN_CONDITIONS.has(condition.type) || before === undefined;
    return isOwn && !isSameCondition(before, condition) ? [conditionPatch(condition)] : [];
  });
  if (conditions.length > 0) patch["conditions"] = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isSameCondition(before: PodCondition | undefined, after: PodCondition): boolean {
  return before !== undefined && CONDITION_FIELDS.every((field) => (before[field] ?? "") === (after[field] ?? ""));
}

function conditionPatch(condition: PodCondition): Plain {
  return { type: condition.type, ...Object.fromEntries(CONDITION_FIELDS.map((key) => [key, condition[key] ?? null])) };
}

/** Whether the API server, which has `served`, has all that the kubelet says of its node, times of heartbeats apart. */
export function hasNodeStatus(served: NodeStatus, wanted: NodeStatus): boolean {
  return covers(withoutHeartbeats(served), withoutHeartbeats(wanted));
}

function withoutHeartbeats(status: NodeStatus): NodeStatus {
  return {
    ...status,
    conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _heartbeat, ...condition }) => condition),
  };
}

/** Whether all of `part` is in `whole`: what merging the one into the other would leave as it is. Lists go by `type`. */
function covers(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    const items = Array.isArray(whole) ? (whole as readonly { readonly type?: unknown }[]) : [];
    return (part as readonly { readonly type?: unknown }[]).every((item) =>
      covers(
        items.find(({ type }) => type === item.type),
        item,
      ),
    );
  }
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null) return false;
  return Object.entries(part).every(([key, value]) => covers((whole as Plain)[key], value));
}

/** Whether version `one` of an object came after version `other`. @see KEP-5504: versions of one object are ordered as numbers. */
export function isNewerVersion(one: string, other: string): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}
