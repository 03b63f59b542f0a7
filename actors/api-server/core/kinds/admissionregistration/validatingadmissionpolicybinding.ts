/** Bindings of ValidatingAdmissionPolicies. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type { ValidatingAdmissionPolicyBinding } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";
import {
  defaultMatch,
  shownParamRef,
  validateMatchResources,
  validateParamRef,
  validatePolicyName,
} from "./policy-match.ts";
import { validateReservedName } from "./reserved-name.ts";

type Binding = ValidatingAdmissionPolicyBinding;

export const validatingAdmissionPolicyBindingRules: KindRules = {
  defaults: (object) => defaultMatch(objectIn(objectIn(object, "spec") ?? {}, "matchResources")),
  validate: (object: Binding, errors) => {
    validate(object, errors);
    validateReservedName(object.metadata, errors);
  },
  validateUpdate: (object: Binding, _old: Binding, errors) => validate(object, errors),
  cells: ({ spec = {}, ...object }: Binding, nowMs) => [
    nameOf(object),
    spec.policyName ?? "",
    shownParamRef(spec.paramRef),
    ageOf(object, nowMs),
  ],
};

const DENY_AND_WARN =
  "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";

function validate({ spec = {} }: Binding, errors: FieldErrors): void {
  const { policyName, paramRef, matchResources } = spec;
  validatePolicyName(policyName, errors);
  if (paramRef) validateParamRef("spec.paramRef", paramRef, errors);
  if (matchResources) validateMatchResources("spec.matchResources", matchResources, errors);
  const actions = spec.validationActions ?? [];
  for (const [i, action] of actions.entries()) {
    errors.oneOf(`spec.validationActions[${i}]`, action, ["Audit", "Deny", "Warn"]);
    if (actions.indexOf(action) < i) errors.duplicate(`spec.validationActions[${i}]`, action);
  }
  if (actions.includes("Deny") && actions.includes("Warn")) {
    errors.invalid("spec.validationActions", actions, DENY_AND_WARN);
  }
  if (actions.length === 0) errors.required("spec.validationActions");
}
