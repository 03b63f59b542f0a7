/** PodDisruptionBudgets. Source: Kubernetes `pkg/apis/policy/validation`. */
import type { PodDisruptionBudget } from "../../../../../protocols/kubernetes/types/policy-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { pathSegment } from "../../machinery/validation/names.ts";
import { validateAtMostAll, validateCounts, validatePercentOrNumber } from "../apps/workload.ts";
import type { KindRules } from "../rules.ts";

export const podDisruptionBudgetRules: KindRules = {
  plainFinalizers: true,
  name: pathSegment,
  validate,
  validateStatusUpdate: ({ status }: PodDisruptionBudget, _old: PodDisruptionBudget, errors) => {
    if (status === undefined) return;
    validateConditions("status.conditions", status.conditions ?? [], errors);
    validateCounts(status, ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], errors);
  },
  cells: (object: PodDisruptionBudget, nowMs) => [
    nameOf(object),
    String(object.spec?.minAvailable ?? "N/A"),
    String(object.spec?.maxUnavailable ?? "N/A"),
    object.status?.disruptionsAllowed ?? 0,
    ageOf(object, nowMs),
  ],
};

function validate({ spec = {} }: PodDisruptionBudget, errors: FieldErrors): void {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: policy ?? null,
    };
    errors.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set");
  }
  for (const [name, amount] of Object.entries({ minAvailable, maxUnavailable })) {
    if (amount === undefined) continue;
    validatePercentOrNumber(`spec.${name}`, amount, errors);
    validateAtMostAll(`spec.${name}`, amount, errors);
  }
  if (selector !== undefined) validateLabelSelector("spec.selector", selector, errors);
  if (policy !== undefined) errors.oneOf("spec.unhealthyPodEvictionPolicy", policy, ["AlwaysAllow", "IfHealthyBudget"]);
}
