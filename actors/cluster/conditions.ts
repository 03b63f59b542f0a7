/** What `waitFor` can wait for, as `kubectl wait` and `kubectl rollout status` judge it. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Deployment } from "../../protocols/kubernetes/apps-v1.ts";

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
