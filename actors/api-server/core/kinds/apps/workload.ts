/** What Deployments and ReplicaSets have in common. Source: Kubernetes `pkg/apis/apps/validation/validation.go`. */
import type { Deployment, ReplicaSet } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { podWarnings } from "../core/pod-warnings.ts";
import type { KindRules } from "../rules.ts";

/** The hooks that all workloads with a pod template share. */
export const workload: KindRules = {
  generation: true,
  status: "empty",
  warnings: ({ spec }: Deployment | ReplicaSet) => podWarnings("spec.template.", spec?.template ?? {}),
};

export function validateSelectorUpdate(
  object: Deployment | ReplicaSet,
  old: Deployment | ReplicaSet,
  errors: FieldErrors,
): void {
  immutable("spec.selector", object.spec?.selector, old.spec?.selector, errors);
}

/** A workload's pods run until it ends them. Source: `ValidatePodTemplateSpecForReplicaSet`. */
export function validatePodOfWorkload(spec: PodSpec | undefined, errors: FieldErrors): void {
  const policy = spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") {
    errors.oneOf("spec.template.spec.restartPolicy", policy, ["Always"]);
  }
  if (spec?.activeDeadlineSeconds === undefined) return;
  const detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
  errors.forbidden("spec.template.spec.activeDeadlineSeconds", detail);
}
