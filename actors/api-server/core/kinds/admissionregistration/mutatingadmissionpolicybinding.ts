/** Bindings of MutatingAdmissionPolicies. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type { MutatingAdmissionPolicyBinding } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";
import { bindingCells, defaultBinding, validateBindingHead } from "./policy-head.ts";
import { validateMutableOperations } from "./policy-match.ts";
import { validateReservedName } from "./reserved-name.ts";

type Binding = MutatingAdmissionPolicyBinding;

export const mutatingAdmissionPolicyBindingRules: KindRules = {
  plainFinalizers: true,
  defaults: defaultBinding,
  validate: (object: Binding, errors) => {
    validate(object, errors);
    validateReservedName(object.metadata, errors);
  },
  validateUpdate: (object: Binding, _old: Binding, errors) => validate(object, errors),
  cells: bindingCells,
};

function validate({ spec = {} }: Binding, errors: FieldErrors): void {
  validateBindingHead(spec, errors);
  if (spec.matchResources) validateMutableOperations("spec.matchResources", spec.matchResources, errors);
}
