/**
 * What the subresource `ephemeralcontainers` changes of a pod, and what of that is refused.
 * Source: Kubernetes 1.37 `podEphemeralContainersStrategy`, `ValidatePodEphemeralContainersUpdate`.
 */
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validatePod } from "../../machinery/validation/pod.ts";
import type { SubresourceRules } from "../rules.ts";

/** As kube-apiserver names a fault of the whole pod. */
export const NO_FIELD = "[]";

const MIRROR = "kubernetes.io/config.mirror";

/** Whether it shows a pod that a kubelet has by itself. */
export function isMirror({ metadata }: Pod): boolean {
  return metadata?.annotations?.[MIRROR] !== undefined;
}

export const podEphemeralContainers: SubresourceRules = {
  change: (object, old) => {
    const { ephemeralContainers } = (object as Pod).spec ?? {};
    return { ...old, spec: { ...(old as Pod).spec, ephemeralContainers } };
  },
  validate: (pod: Pod, old: Pod, errors: FieldErrors) => {
    if (isMirror(old)) return errors.forbidden(NO_FIELD, "static pods do not support ephemeral containers");
    validatePod(pod, errors);
    const containers = new Map((pod.spec?.ephemeralContainers ?? []).map((one) => [one.name, one]));
    for (const before of old.spec?.ephemeralContainers ?? []) {
      const now = containers.get(before.name);
      if (equalJson(now, before)) continue;
      const what = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`;
      errors.forbidden("spec.ephemeralContainers", `${what} ${now === undefined ? "removed\n" : "changed"}`);
    }
  },
};
