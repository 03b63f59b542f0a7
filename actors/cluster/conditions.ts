/** What `waitFor` can wait for, as `kubectl wait` and `kubectl rollout status` judge it. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Deployment } from "../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly observedGeneration?: number;
}

interface WithConditions extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly Condition[]; readonly observedGeneration?: number };
}

/** What a condition's status may be; kubectl compares it, and the condition's name, without regard to case. */
const VALUES = ["true", "false", "unknown"];
/** These two are inkube's own, and have no status to compare. */
const OWN = ["rolledout", "deleted"];

/** `Ready` or `Ready=False` in lower case, apart. */
function read(condition: string): { readonly name: string; readonly value: string | undefined } {
  const at = condition.indexOf("=");
  const name = (at < 0 ? condition : condition.slice(0, at)).toLowerCase();
  return { name, value: at < 0 ? undefined : condition.slice(at + 1).toLowerCase() };
}

/**
 * `Ready`, `Available` or any other condition that must be True; `Ready=False` for one that must be something else; `RolledOut`
 * for a Deployment whose newest revision is all there is; `deleted`. What was said of an older generation of the object
 * does not count. Without an object only `deleted` is met.
 *
 * @see kubectl's `wait --for=condition=name[=value]`
 */
export function meets(object: KubernetesObject | undefined, condition: string): boolean {
  const { name, value = "true" } = read(condition);
  if (object === undefined) return name === "deleted";
  if (name === "rolledout") return isRolledOut(object);
  const { status, metadata }: WithConditions = object;
  const found = status?.conditions?.find(({ type }) => type.toLowerCase() === name);
  if (found === undefined) return false;
  const observed = found.observedGeneration ?? status?.observedGeneration ?? Infinity;
  return observed >= (metadata?.generation ?? 0) && found.status.toLowerCase() === value;
}

/** As `kubectl rollout status`: the newest generation seen, every replica updated and available, none of an old one left. */
function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted
  );
}

/** What Kubernetes' own components set, by kind; a kind that is not here may have any condition. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    "PodReadyToStartContainers",
    "PodScheduled",
    "Initialized",
    "ContainersReady",
    "Ready",
    "DisruptionTarget",
    "PodResizePending",
    "PodResizeInProgress",
  ],
  Node: ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"],
  Deployment: ["RolledOut", "Available", "Progressing", "ReplicaFailure"],
  ReplicaSet: ["ReplicaFailure"],
  Service: ["LoadBalancerPortsError"],
  Namespace: [
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
  ],
  ConfigMap: [],
  Secret: [],
  ServiceAccount: [],
  Endpoints: [],
  EndpointSlice: [],
  Event: [],
  Lease: [],
};

/**
 * Refuses to wait for what nobody will ever set: a condition that is neither the kind's nor one that this object has or
 * asks for, and a value that no condition has. Errors: UNKNOWN_CONDITION.
 */
export function checkCondition(kind: string, condition: string, object: KubernetesObject | undefined): void {
  const { name, value } = read(condition);
  if (value !== undefined && (OWN.includes(name) || !VALUES.includes(value))) {
    const why = OWN.includes(name) ? "stands alone" : "is True, False or Unknown";
    throw new InkubeError("UNKNOWN_CONDITION", `"${condition}" of a ${kind} is never met: such a condition ${why}`);
  }
  const known = CONDITIONS[kind];
  const isNamed = (type: string): boolean => type.toLowerCase() === name;
  if (known === undefined || name === "deleted" || known.some(isNamed)) return;
  const present = (object as WithConditions | undefined)?.status?.conditions ?? [];
  if (present.some(({ type }) => isNamed(type))) return;
  const gates = kind === "Pod" ? ((object as Pod | undefined)?.spec?.readinessGates ?? []) : [];
  if (gates.some(({ conditionType }) => isNamed(conditionType))) return;
  throw new InkubeError(
    "UNKNOWN_CONDITION",
    `nobody sets a condition "${condition}" of a ${kind}; there are ${[...known, "deleted"].join(", ")}. ` +
      "For a condition of your own, pass a function that looks at the object",
  );
}
