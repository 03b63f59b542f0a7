/** Rules of Deployments and ReplicaSets. Source: Kubernetes `pkg/apis/apps/validation/validation.go`. */
import type { Deployment, DeploymentStrategy, ReplicaSet } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { IntOrString } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateWorkloadSelector } from "./label-selector.ts";
import { immutable } from "./object-meta.ts";
import { validateTemplate } from "./pod.ts";

export function validateDeployment({ spec }: Deployment, errors: FieldErrors): void {
  if (spec === undefined) return errors.required("spec");
  errors.notNegative("spec.replicas", spec.replicas);
  validateWorkloadSelector("deployment", spec.selector, spec.template?.metadata?.labels, errors);
  validateTemplate("spec.template", spec.template ?? {}, errors);
  validatePodOfWorkload(spec.template?.spec, errors);
  validateStrategy(spec.strategy ?? {}, errors);
  errors.notNegative("spec.minReadySeconds", spec.minReadySeconds);
  errors.notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit);
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  errors.notNegative("spec.progressDeadlineSeconds", deadline);
  if (typeof deadline === "number" && deadline <= minReadySeconds) {
    errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
  }
}

export function validateReplicaSet({ spec }: ReplicaSet, errors: FieldErrors): void {
  if (spec === undefined) return errors.required("spec");
  errors.notNegative("spec.replicas", spec.replicas);
  errors.notNegative("spec.minReadySeconds", spec.minReadySeconds);
  const template = spec.template ?? {};
  validateWorkloadSelector("replicaset", spec.selector, template.metadata?.labels, errors);
  validateTemplate("spec.template", template, errors);
  validatePodOfWorkload(template.spec, errors);
}

export function validateSelectorUpdate(
  object: Deployment | ReplicaSet,
  old: Deployment | ReplicaSet,
  errors: FieldErrors,
): void {
  immutable("spec.selector", object.spec?.selector, old.spec?.selector, errors);
}

/** A workload's pods run until it ends them. Source: `ValidatePodTemplateSpecForReplicaSet`. */
function validatePodOfWorkload(spec: PodSpec | undefined, errors: FieldErrors): void {
  const policy = spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") {
    errors.oneOf("spec.template.spec.restartPolicy", policy, ["Always"]);
  }
  if (spec?.activeDeadlineSeconds === undefined) return;
  const detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
  errors.forbidden("spec.template.spec.activeDeadlineSeconds", detail);
}

function validateStrategy(strategy: DeploymentStrategy, errors: FieldErrors): void {
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case "Recreate":
      if (!rolling) return;
      return errors.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
    case "RollingUpdate": {
      const at = "spec.strategy.rollingUpdate";
      if (!rolling) return errors.required(at, "this should be defaulted and never be nil");
      const [surge, unavailable] = [rolling.maxSurge ?? 0, rolling.maxUnavailable ?? 0];
      validatePercentOrNumber(`${at}.maxUnavailable`, unavailable, errors);
      validatePercentOrNumber(`${at}.maxSurge`, surge, errors);
      if (isZero(surge) && isZero(unavailable)) {
        errors.invalid(`${at}.maxUnavailable`, unavailable, "may not be 0 when `maxSurge` is 0");
      }
      if (typeof unavailable === "string" && PERCENT.test(unavailable) && Number.parseInt(unavailable, 10) > 100) {
        errors.invalid(`${at}.maxUnavailable`, unavailable, "must not be greater than 100%");
      }
      return;
    }
    case undefined:
    default: {
      const shown = { Type: strategy.type ?? "", RollingUpdate: rolling ?? null };
      errors.oneOf("spec.strategy", shown, ["Recreate", "RollingUpdate"]);
    }
  }
}

const PERCENT = /^\d+%$/;

function isZero(value: IntOrString): boolean {
  return typeof value === "number" ? value === 0 : PERCENT.test(value) && Number.parseInt(value, 10) === 0;
}

function validatePercentOrNumber(field: string, value: IntOrString, errors: FieldErrors): void {
  if (typeof value === "number") return errors.notNegative(field, value);
  if (PERCENT.test(value)) return;
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  errors.invalid(field, value, detail);
}
