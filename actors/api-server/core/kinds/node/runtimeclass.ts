/** RuntimeClasses. Source: Kubernetes `pkg/apis/node`. */
import type { RuntimeClass } from "../../../../../protocols/kubernetes/types/node-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label } from "../../machinery/validation/names.ts";
import { validateLabels } from "../../machinery/validation/object-meta.ts";
import { validateOverhead } from "../../machinery/validation/resources.ts";
import { validateTolerations } from "../../machinery/validation/scheduling.ts";
import { deprecationOf } from "../core/pod-warnings.ts";
import type { KindRules } from "../rules.ts";

export const runtimeClassRules: KindRules = {
  plainFinalizers: true,
  validate,
  validateUpdate: (object: RuntimeClass, old: RuntimeClass, errors) => {
    validate(object, errors);
    // What it has become is not shown.
    if (object.handler !== old.handler) errors.invalid("handler", null, "field is immutable");
  },
  warnings,
  retold: warnings,
  cells: (object: RuntimeClass, nowMs) => [nameOf(object), object.handler, ageOf(object, nowMs)],
};

function warnings({ scheduling }: RuntimeClass): readonly string[] {
  return Object.keys(scheduling?.nodeSelector ?? {}).flatMap((label) => {
    const message = deprecationOf(label);
    return message === undefined ? [] : [`scheduling.nodeSelector: ${message}`];
  });
}

function validate({ handler, overhead, scheduling }: RuntimeClass, errors: FieldErrors): void {
  if (!handler) errors.required("handler");
  else errors.all("handler", handler, dns1123Label(handler));
  if (overhead) validateOverhead("overhead", overhead.podFixed ?? {}, errors);
  if (!scheduling) return;
  validateLabels("scheduling.nodeSelector", scheduling.nodeSelector, errors);
  const tolerations = scheduling.tolerations ?? [];
  validateTolerations("scheduling.tolerations", tolerations, errors);
  const repeated = repeatedAt(
    tolerations.map(({ key = "", operator = "", value = "", effect = "" }) =>
      JSON.stringify([key, operator, value, effect]),
    ),
  );
  for (const [i, toleration] of tolerations.entries()) {
    if (!repeated.has(i)) continue;
    const { key = "", operator = "", value = "", effect = "" } = toleration;
    const TolerationSeconds = toleration.tolerationSeconds ?? null;
    errors.duplicate(`scheduling.tolerations[${i}]`, {
      Key: key,
      Operator: operator,
      Value: value,
      Effect: effect,
      TolerationSeconds,
    });
  }
}
