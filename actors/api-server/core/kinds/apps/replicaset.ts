/** ReplicaSets. Source: Kubernetes `pkg/apis/apps`. */
import type { ReplicaSet, ReplicaSetStatus } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import { formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateWorkloadSelector } from "../../machinery/validation/label-selector.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import type { KindRules } from "../rules.ts";
import {
  nameWarnings,
  retoldOfTemplate,
  templateWarnings,
  validateCounts,
  validateParts,
  validatePodOfWorkload,
  validateSelectorUpdate,
} from "./workload.ts";

export const replicaSetRules: KindRules = {
  defaults: (object) => {
    const spec = member(object, "spec");
    setDefault(spec, "replicas", 1);
    defaultPodSpec(member(member(spec, "template"), "spec"));
  },
  validate,
  validateUpdate: (object: ReplicaSet, old: ReplicaSet, errors) => {
    validate(object, errors);
    validateSelectorUpdate(object, old, errors);
  },
  validateStatusUpdate: ({ status = { replicas: 0 } }: ReplicaSet, _old: ReplicaSet, errors) => {
    validateCounts(status, COUNTS, errors);
    validateParts(status, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "readyReplicas", errors);
  },
  warnings: ({ metadata, spec }: ReplicaSet) => [
    ...nameWarnings(metadata),
    ...templateWarnings("spec.template.", spec?.template),
  ],
  retold: (object: ReplicaSet, old: ReplicaSet) =>
    retoldOfTemplate("spec.template.", object, old, object.spec?.template),
  cells,
};

const COUNTS: readonly (keyof ReplicaSetStatus)[] = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
  "terminatingReplicas",
];

function validate({ spec }: ReplicaSet, errors: FieldErrors): void {
  if (spec === undefined) return errors.required("spec");
  errors.notNegative("spec.replicas", spec.replicas);
  errors.notNegative("spec.minReadySeconds", spec.minReadySeconds);
  const template = spec.template ?? {};
  validateWorkloadSelector(spec.selector, template.metadata?.labels, errors);
  validateTemplate("spec.template", template, errors);
  validatePodOfWorkload("ReplicaSet", template.spec, errors);
}

function cells(object: ReplicaSet, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector) || "<none>",
  ];
}
