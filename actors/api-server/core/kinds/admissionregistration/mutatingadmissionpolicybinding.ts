/** Bindings of MutatingAdmissionPolicies. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type { MutatingAdmissionPolicyBinding } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";
import {
  defaultMatch,
  shownParamRef,
  validateMatchResources,
  validateMutableOperations,
  validateParamRef,
  validatePolicyName,
} from "./policy-match.ts";
import { validateReservedName } from "./reserved-name.ts";

type Binding = MutatingAdmissionPolicyBinding;

export const mutatingAdmissionPolicyBindingRules: KindRules = {
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

function validate({ spec = {} }: Binding, errors: FieldErrors): void {
  const { policyName, paramRef, matchResources } = spec;
  validatePolicyName(policyName, errors);
  if (paramRef) validateParamRef("spec.paramRef", paramRef, errors);
  if (!matchResources) return;
  validateMatchResources("spec.matchResources", matchResources, errors);
  validateMutableOperations("spec.matchResources", matchResources, errors);
}
