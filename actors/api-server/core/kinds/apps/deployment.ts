/** Deployments. Source: Kubernetes `pkg/apis/apps`. */
import type { Deployment, DeploymentStrategy } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { IntOrString } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateWorkloadSelector } from "../../machinery/validation/label-selector.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import type { KindRules } from "../rules.ts";
import { validatePodOfWorkload, validateSelectorUpdate, workload } from "./workload.ts";

export const deploymentRules: KindRules = {
  ...workload,
  statusKeepsLabels: true,
  defaults: (object) => defaults(member(object, "spec")),
  validate,
  validateUpdate: (object: Deployment, old: Deployment, errors) => {
    validate(object, errors);
    validateSelectorUpdate(object, old, errors);
  },
  cells,
};

function defaults(spec: JsonObject): void {
  setDefault(spec, "replicas", 1);
  defaultPodSpec(member(member(spec, "template"), "spec"));
  const strategy = member(spec, "strategy");
  setDefault(strategy, "type", "RollingUpdate", "");
  if (strategy["type"] === "RollingUpdate") {
    const rollingUpdate = member(strategy, "rollingUpdate");
    setDefault(rollingUpdate, "maxUnavailable", "25%");
    setDefault(rollingUpdate, "maxSurge", "25%");
  }
  setDefault(spec, "revisionHistoryLimit", 10);
  setDefault(spec, "progressDeadlineSeconds", 600);
}

function validate({ spec }: Deployment, errors: FieldErrors): void {
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

function cells(object: Deployment, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector),
  ];
}
