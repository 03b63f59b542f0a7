/** How many pods a rolling update may have above and below the wanted number. */
import type { Deployment, ReplicaSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { IntOrString } from "../../../../protocols/kubernetes/types/meta-v1.ts";

export interface Fences {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** An absolute number, or a percentage of `total`. */
export function scaled(value: IntOrString | undefined, total: number, up: boolean, absent: IntOrString): number {
  const given = value ?? absent;
  if (typeof given === "number") return given;
  if (!given.endsWith("%")) return Number(given) || 0;
  const exact = (Number(given.slice(0, -1)) * total) / 100;
  return up ? Math.ceil(exact) : Math.floor(exact);
}

/**
 * Surge is rounded up and unavailability down; where both come to nothing, one pod may be missing. With Recreate none may:
 * it stops all pods on purpose, and is not available then.
 * @see deploymentutil.MaxUnavailable and ResolveFenceposts of Kubernetes' deployment controller
 */
export function fencesOf(deployment: Deployment): Fences {
  if (deployment.spec?.strategy?.type === "Recreate") return { maxSurge: 0, maxUnavailable: 0 };
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const replicas = wanted(deployment);
  const maxSurge = scaled(rolling?.maxSurge, replicas, true, "25%");
  const maxUnavailable = scaled(rolling?.maxUnavailable, replicas, false, "25%");
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge, maxUnavailable: 1 };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** `spec.replicas`. */
export function wanted(object: Deployment | ReplicaSet): number {
  return object.spec?.replicas ?? 1;
}
