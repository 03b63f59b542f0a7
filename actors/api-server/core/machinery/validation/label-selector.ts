/** Rules of selector objects. Source: apimachinery `apis/meta/v1/validation`. */
import type { LabelSelector } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { compileSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import { FieldErrors } from "./field-errors.ts";
import { labelValue, qualifiedName } from "./names.ts";
import { validateLabels } from "./object-meta.ts";

export function validateLabelSelector(field: string, selector: LabelSelector, errors: FieldErrors): void {
  validateLabels(`${field}.matchLabels`, selector.matchLabels, errors);
  for (const [i, { key, operator, values }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`;
    validateOperands(at, operator, values ?? [], errors);
    errors.all(`${at}.key`, key, qualifiedName(key));
    for (const [j, value] of (values ?? []).entries()) errors.all(`${at}.values[${j}]`, value, labelValue(value));
  }
}

function validateOperands(at: string, operator: string, values: readonly string[], errors: FieldErrors): void {
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      return;
    case "Exists":
    case "DoesNotExist":
      if (values.length === 0) return;
      return errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    default:
      errors.invalid(`${at}.operator`, operator, "not a valid selector operator");
  }
}

/** The selector of a Deployment or ReplicaSet, both of which messages call a deployment, and the labels of its template. */
export function validateWorkloadSelector(
  selector: LabelSelector | null | undefined,
  labels: Readonly<Record<string, string>> | undefined,
  errors: FieldErrors,
): void {
  const before = errors.causes.length;
  if (selector === null || selector === undefined) errors.required("spec.selector");
  else {
    validateLabelSelector("spec.selector", selector, errors);
    const empty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
    if (empty) errors.invalid("spec.selector", selector, "empty selector is invalid for deployment");
    if (!isSelector(selector)) errors.invalid("spec.selector", selector, "invalid label selector");
  }
  const valid = errors.causes.length === before && selector !== null && selector !== undefined;
  const missing = selector === null || selector === undefined;
  if (missing || (valid && !compileSelectorObject(selector).matches(labels ?? {}))) {
    errors.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
  }
}

/** Whether it can be compiled at all. */
export function isSelector(selector: LabelSelector): boolean {
  const found = new FieldErrors();
  validateLabelSelector("", selector, found);
  return found.causes.length === 0;
}
