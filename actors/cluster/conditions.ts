/** What `waitFor` can wait for, as `kubectl wait` and `kubectl rollout status` judge it. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Deployment } from "../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";

interface WithConditions extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** `Ready`, `Available` or any other condition that must be True; `RolledOut` for a Deployment whose newest revision is all there is. */
export function meets(object: KubernetesObject, condition: string): boolean {
  if (condition === "RolledOut") return isRolledOut(object);
  const conditions = (object as WithConditions).status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === condition && status === "True");
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
 * asks for. Errors: UNKNOWN_CONDITION.
 */
export function checkCondition(kind: string, condition: string, object: KubernetesObject | undefined): void {
  const known = CONDITIONS[kind];
  if (known === undefined || condition === "deleted" || known.includes(condition)) return;
  const present = (object as WithConditions | undefined)?.status?.conditions ?? [];
  if (present.some(({ type }) => type === condition)) return;
  const gates = kind === "Pod" ? ((object as Pod | undefined)?.spec?.readinessGates ?? []) : [];
  if (gates.some(({ conditionType }) => conditionType === condition)) return;
  throw new InkubeError(
    "UNKNOWN_CONDITION",
    `nobody sets a condition "${condition}" of a ${kind}; there are ${[...known, "deleted"].join(", ")}. ` +
      "For a condition of your own, pass a function that looks at the object",
  );
}
