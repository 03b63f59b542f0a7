/** What the two kinds of admission policies have in common, and the two kinds of their bindings. */
import type {
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicySpec,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { Pace, Steps } from "../../steps.ts";
import { validateMatchConditions } from "./match-conditions.ts";
import {
  defaultMatch,
  shownParamRef,
  validateMatchResources,
  validateParamKind,
  validateParamRef,
  validatePolicyName,
} from "./policy-match.ts";

type Binding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding;

export function defaultPolicy(object: JsonObject): void {
  const spec = objectIn(object, "spec");
  if (spec === undefined) return;
  setDefault(spec, "failurePolicy", "Fail");
  defaultMatch(objectIn(spec, "matchConstraints"));
}

/** All of a policy but what it does. */
export function* validatePolicyHead(
  spec: Pick<ValidatingAdmissionPolicySpec, "failurePolicy" | "matchConditions" | "matchConstraints" | "paramKind">,
  sameMatchConditions: boolean,
  pace: Pace,
  errors: FieldErrors,
  ofMatch?: () => void,
): Steps<void> {
  const { failurePolicy, paramKind, matchConstraints, matchConditions } = spec;
  errors.oneOf("spec.failurePolicy", failurePolicy, ["Fail", "Ignore"]);
  if (paramKind) validateParamKind("spec.paramKind", paramKind, errors);
  if (!matchConstraints) errors.required("spec.matchConstraints");
  else {
    validateMatchResources("spec.matchConstraints", matchConstraints, errors);
    if ((matchConstraints.resourceRules ?? []).length === 0) errors.required("spec.matchConstraints.resourceRules");
    ofMatch?.();
  }
  if (sameMatchConditions) return;
  yield* validateMatchConditions("spec.matchConditions", matchConditions ?? [], Boolean(paramKind), pace, errors);
}

export function defaultBinding(object: JsonObject): void {
  defaultMatch(objectIn(objectIn(object, "spec") ?? {}, "matchResources"));
}

export function bindingCells({ spec = {}, ...object }: Binding, nowMs: number): readonly Cell[] {
  return [nameOf(object), spec.policyName ?? "", shownParamRef(spec.paramRef), ageOf(object, nowMs)];
}

/** All of a binding but what comes of it. */
export function validateBindingHead(
  { policyName, paramRef, matchResources }: NonNullable<Binding["spec"]>,
  errors: FieldErrors,
): void {
  validatePolicyName(policyName, errors);
  if (paramRef) validateParamRef("spec.paramRef", paramRef, errors);
  if (matchResources) validateMatchResources("spec.matchResources", matchResources, errors);
}
