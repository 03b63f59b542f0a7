import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";

/**
 * The first claim that the pod waits for, in the words of Kubernetes' plugin of this name; no node can help it. Claims are no
 * served kind yet, so that every claim that a pod names is missing.
 */
export function missingClaim(pod: Pod): string | undefined {
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec?.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod.metadata?.name ?? ""}-${name}` : undefined);
    if (claim === undefined) continue;
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(claim)}`
      : `persistentvolumeclaim ${JSON.stringify(claim)} not found`;
  }
  return undefined;
}
