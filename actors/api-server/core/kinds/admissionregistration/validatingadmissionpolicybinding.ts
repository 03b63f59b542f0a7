/** Bindings of ValidatingAdmissionPolicies. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type { ValidatingAdmissionPolicyBinding } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";
import { bindingCells, defaultBinding, validateBindingHead } from "./policy-head.ts";
import { validateReservedName } from "./reserved-name.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

type Binding = ValidatingAdmissionPolicyBinding;

export const validatingAdmissionPolicyBindingRules: KindRules = {
  plainFinalizers: true,
  defaults: defaultBinding,
  validate: (object: Binding, errors) => {
    validate(object, errors);
    validateReservedName(object.metadata, errors);
  },
  validateUpdate: (object: Binding, _old: Binding, errors) => validate(object, errors),
  cells: bindingCells,
};

const DENY_AND_WARN =
  "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";

function validate({ spec = {} }: Binding, errors: FieldErrors): void {
  validateBindingHead(spec, errors);
  const actions = spec.validationActions ?? [];
  const repeated = repeatedAt(actions);
  for (const [i, action] of actions.entries()) {
    errors.oneOf(`spec.validationActions[${i}]`, action, ["Audit", "Deny", "Warn"]);
    if (repeated.has(i)) errors.duplicate(`spec.validationActions[${i}]`, action);
  }
  if (actions.includes("Deny") && actions.includes("Warn")) {
    errors.invalid("spec.validationActions", actions, DENY_AND_WARN);
  }
  if (actions.length === 0) errors.required("spec.validationActions");
}
