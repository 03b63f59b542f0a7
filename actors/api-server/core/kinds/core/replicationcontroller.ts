/** ReplicationControllers. Source: Kubernetes `pkg/apis/core/validation`, `SetDefaults_ReplicationController`. */
import type {
  PodTemplateSpec,
  ReplicationController,
  ReplicationControllerStatus,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, labelsText, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import {
  nameWarnings,
  retoldOfTemplate,
  templateWarnings,
  validateCounts,
  validateParts,
  validatePodOfWorkload,
} from "../apps/workload.ts";
import type { KindRules } from "../rules.ts";

export const replicationControllerRules: KindRules = {
  orphans: {},
  defaults,
  validate,
  validateStatusUpdate: ({ status }: ReplicationController, _old: ReplicationController, errors) => {
    if (status === undefined) return;
    validateCounts(status, COUNTS, errors);
    validateParts(status, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "readyReplicas", errors);
  },
  warnings: ({ metadata, spec }: ReplicationController) => [
    ...nameWarnings(metadata),
    ...templateWarnings("spec.template.", spec?.template),
  ],
  retold: (object: ReplicationController, old: ReplicationController) =>
    retoldOfTemplate("spec.template.", object, old, object.spec?.template),
  cells: (object: ReplicationController, nowMs): readonly Cell[] => [
    nameOf(object),
    object.spec?.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    ageOf(object, nowMs),
    ...containerCells(object.spec?.template),
    labelsText(object.spec?.selector),
  ],
};

const COUNTS: readonly (keyof ReplicationControllerStatus)[] = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
];

/** What nobody says is the labels of the template. */
function defaults(object: JsonObject): void {
  const spec = member(object, "spec");
  const template = objectIn(spec, "template");
  if (template !== undefined) defaultPodSpec(member(template, "spec"));
  const labels = objectIn(objectIn(template ?? {}, "metadata") ?? {}, "labels");
  if (labels !== undefined) {
    const metadata = member(object, "metadata");
    if (isEmpty(objectIn(spec, "selector"))) spec["selector"] = { ...labels };
    if (isEmpty(objectIn(metadata, "labels"))) metadata["labels"] = { ...labels };
  }
  setDefault(spec, "replicas", 1);
}

function isEmpty(labels: JsonObject | undefined): boolean {
  return Object.keys(labels ?? {}).length === 0;
}

function validate({ spec }: ReplicationController, errors: FieldErrors): void {
  const { selector = {}, template } = spec ?? {};
  if (Object.keys(selector).length === 0) errors.required("spec.selector");
  if (template === undefined) errors.required("spec.template");
  else validateTemplateOf(selector, template, errors);
  errors.notNegative("spec.replicas", spec?.replicas);
  errors.notNegative("spec.minReadySeconds", spec?.minReadySeconds);
}

function validateTemplateOf(
  selector: Readonly<Record<string, string>>,
  template: PodTemplateSpec,
  errors: FieldErrors,
): void {
  const labels = template.metadata?.labels;
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value)) {
    errors.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
  }
  validateTemplate("spec.template", template, errors);
  validatePodOfWorkload("ReplicationController", template.spec, errors);
}
