/** DaemonSets. Source: Kubernetes `pkg/apis/apps`. */
import type {
  DaemonSet,
  DaemonSetStatus,
  DaemonSetUpdateStrategy,
} from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import { compileSelectorObject, formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, labelsText, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isSelector, validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import type { Fields, KindRules } from "../rules.ts";
import {
  isZero,
  retoldOfTemplate,
  templateWarnings,
  validateAtMostAll,
  validateCollisions,
  validateCounts,
  validatePercentOrNumber,
  validatePodOfWorkload,
  validateSelectorUpdate,
} from "./workload.ts";

/** How often the template has changed, which `apps/v1` has no field for. */
const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

export const daemonSetRules: KindRules = {
  shownAnnotations: [TEMPLATE_GENERATION],
  defaults: (object) => {
    defaults(member(object, "spec"));
    // It is there whenever Kubernetes reads one, and so is managed by whoever sends one without it.
    setDefault(member(member(object, "metadata"), "annotations"), TEMPLATE_GENERATION, "0");
  },
  prepareCreate: (object) => withTemplateGeneration(object, Math.max(1, templateGeneration(object))),
  prepareUpdate: (object, old) => {
    const before = templateGeneration(old);
    const changed = !equalJson(templateOf(object), templateOf(old));
    return withTemplateGeneration(object, changed ? before + 1 : before);
  },
  prepareStatusUpdate: (object, old) => withTemplateGeneration(object, templateGeneration(old)),
  validate,
  validateUpdate: (object: DaemonSet, old: DaemonSet, errors) => {
    validateSelectorUpdate(object, old, errors);
    validate(object, errors);
  },
  validateStatusUpdate: (object: DaemonSet, old: DaemonSet, errors) => {
    if (object.status !== undefined) validateCounts(object.status, COUNTS, errors);
    validateCollisions(object.status?.collisionCount, old.status?.collisionCount, errors);
  },
  warnings: ({ spec }: DaemonSet) => templateWarnings("spec.template.", spec?.template),
  // A number of its own counts its templates.
  retold: (object: DaemonSet, old: DaemonSet) =>
    equalJson(object.spec?.template, old.spec?.template)
      ? []
      : retoldOfTemplate("spec.template.", object, old, object.spec?.template),
  cells,
};

const COUNTS: readonly (keyof DaemonSetStatus)[] = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
];

function defaults(spec: JsonObject): void {
  defaultPodSpec(member(member(spec, "template"), "spec"));
  const strategy = member(spec, "updateStrategy");
  setDefault(strategy, "type", "RollingUpdate", "");
  if (strategy["type"] === "RollingUpdate") {
    const rollingUpdate = member(strategy, "rollingUpdate");
    setDefault(rollingUpdate, "maxUnavailable", 1);
    setDefault(rollingUpdate, "maxSurge", 0);
  }
  setDefault(spec, "revisionHistoryLimit", 10);
}

function templateOf(object: Fields): unknown {
  return (object as DaemonSet).spec?.template;
}

function templateGeneration({ metadata }: Fields): number {
  const text = metadata?.annotations?.[TEMPLATE_GENERATION] ?? "";
  return /^-?\d+$/.test(text) ? Number(text) : 0;
}

function withTemplateGeneration(object: Fields, generation: number): Fields {
  const annotations = { ...object.metadata?.annotations, [TEMPLATE_GENERATION]: String(generation) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function validate({ spec }: DaemonSet, errors: FieldErrors): void {
  const { selector, template, updateStrategy, minReadySeconds, revisionHistoryLimit } = spec ?? {};
  if (selector) validateLabelSelector("spec.selector", selector, errors);
  const labels = template?.metadata?.labels;
  if (!selector || (isSelector(selector) && !compileSelectorObject(selector).matches(labels ?? {}))) {
    errors.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
  }
  if (selector && Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
    errors.invalid("spec.selector", selector, "empty selector is invalid for daemonset");
  }
  validateTemplate("spec.template", template ?? {}, errors);
  validatePodOfWorkload("DaemonSet", template?.spec, errors);
  errors.notNegative("spec.minReadySeconds", minReadySeconds);
  validateStrategy(updateStrategy ?? {}, errors);
  errors.notNegative("spec.revisionHistoryLimit", revisionHistoryLimit);
}

function validateStrategy({ type, rollingUpdate }: DaemonSetUpdateStrategy, errors: FieldErrors): void {
  if (type === "OnDelete") return;
  const at = "spec.updateStrategy";
  if (type !== "RollingUpdate") {
    const shown = {
      Type: type ?? "",
      RollingUpdate: rollingUpdate
        ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 }
        : null,
    };
    return errors.oneOf(at, shown, ["RollingUpdate", "OnDelete"]);
  }
  const [unavailable, surge] = [rollingUpdate?.maxUnavailable ?? 0, rollingUpdate?.maxSurge ?? 0];
  validatePercentOrNumber(`${at}.rollingUpdate.maxUnavailable`, unavailable, errors);
  validatePercentOrNumber(`${at}.rollingUpdate.maxSurge`, surge, errors);
  validateAtMostAll(`${at}.rollingUpdate.maxUnavailable`, unavailable, errors);
  validateAtMostAll(`${at}.rollingUpdate.maxSurge`, surge, errors);
  if (!isZero(unavailable) && !isZero(surge)) {
    errors.invalid(`${at}.rollingUpdate.maxSurge`, surge, "may not be set when maxUnavailable is non-zero");
  }
  if (isZero(unavailable) && isZero(surge)) {
    errors.required(`${at}.rollingUpdate.maxUnavailable`, "cannot be 0 when maxSurge is 0");
  }
}

function cells(object: DaemonSet, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec?.template?.spec?.nodeSelector),
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector) || "<none>",
  ];
}
