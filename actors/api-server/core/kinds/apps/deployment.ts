/** Deployments. Source: Kubernetes `pkg/apis/apps`. */
import type {
  Deployment,
  DeploymentStatus,
  DeploymentStrategy,
} from "../../../../../protocols/kubernetes/types/apps-v1.ts";
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
import {
  isZero,
  nameWarnings,
  retoldOfTemplate,
  templateWarnings,
  validateAtMostAll,
  validateCollisions,
  validateCounts,
  validateParts,
  validatePercentOrNumber,
  validatePodOfWorkload,
  validateSelectorUpdate,
} from "./workload.ts";

export const deploymentRules: KindRules = {
  annotationsCount: true,
  statusKeepsLabels: true,
  defaults: (object) => defaults(member(object, "spec")),
  validate,
  validateUpdate: (object: Deployment, old: Deployment, errors) => {
    validate(object, errors);
    validateSelectorUpdate(object, old, errors);
  },
  validateStatusUpdate: ({ status = {} }: Deployment, old: Deployment, errors) => {
    validateCounts(status, COUNTS, errors);
    validateParts(status, ["updatedReplicas", "readyReplicas", "availableReplicas"], "readyReplicas", errors);
    validateCollisions(status.collisionCount, old.status?.collisionCount, errors);
  },
  warnings: ({ metadata, spec }: Deployment) => [
    ...nameWarnings(metadata),
    ...templateWarnings("spec.template.", spec?.template),
  ],
  retold: (object: Deployment, old: Deployment) =>
    retoldOfTemplate("spec.template.", object, old, object.spec?.template),
  cells,
};

const COUNTS: readonly (keyof DeploymentStatus)[] = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
];

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
  validateWorkloadSelector(spec.selector, spec.template?.metadata?.labels, errors);
  validateTemplate("spec.template", spec.template ?? {}, errors);
  validatePodOfWorkload("ReplicaSet", spec.template?.spec, errors);
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
      return validateAtMostAll(`${at}.maxUnavailable`, unavailable, errors);
    }
    case undefined:
    default: {
      const shown = { Type: strategy.type ?? "", RollingUpdate: rolling ?? null };
      errors.oneOf("spec.strategy", shown, ["Recreate", "RollingUpdate"]);
    }
  }
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
