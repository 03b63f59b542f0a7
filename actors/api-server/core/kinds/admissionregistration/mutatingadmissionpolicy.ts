/** MutatingAdmissionPolicies: expressions are compiled when they are written. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type {
  MutatingAdmissionPolicy,
  Mutation,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { CelType } from "../../cel/types.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { Steps } from "../../steps.ts";
import { Pace } from "../../steps.ts";
import type { KindRules } from "../rules.ts";
import { sameConditions } from "./match-conditions.ts";
import type { PolicyScope } from "./policy-environment.ts";
import { OBJECT_TYPE, PATCHES_TYPE, compileForPolicy } from "./policy-environment.ts";
import { defaultPolicy, validatePolicyHead } from "./policy-head.ts";
import { shownParamKind, validateMutableOperations } from "./policy-match.ts";
import { validateVariables } from "./policy-variables.ts";
import { validateReservedName } from "./reserved-name.ts";

type Policy = MutatingAdmissionPolicy;

export const mutatingAdmissionPolicyRules: KindRules = {
  plainFinalizers: true,
  defaults: defaultPolicy,
  validate: function* (object: Policy, errors) {
    yield* validate(object, false, errors);
    validateReservedName(object.metadata, errors);
  },
  validateUpdate: (object: Policy, old: Policy, errors) =>
    validate(object, sameConditions(object.spec, old.spec), errors),
  cells: ({ spec = {}, ...object }: Policy, nowMs) => [
    nameOf(object),
    (spec.mutations ?? []).length,
    shownParamKind(spec.paramKind),
    ageOf(object, nowMs),
  ],
};

function* validate({ spec = {} }: Policy, sameMatchConditions: boolean, errors: FieldErrors): Steps<void> {
  const pace = new Pace();
  const { matchConstraints: match, mutations = [], reinvocationPolicy } = spec;
  const params = Boolean(spec.paramKind);
  yield* validatePolicyHead(spec, sameMatchConditions, pace, errors, () => {
    if (match) validateMutableOperations("spec.matchConstraints", match, errors);
  });
  const variables = yield* validateVariables(spec.variables ?? [], params, pace, errors);
  if (mutations.length === 0) errors.required("spec.mutations", "mutations must contain at least one item");
  const scope = { params, authorizer: true, patches: true, variables };
  for (const [i, mutation] of mutations.entries()) {
    yield* validateMutation(`spec.mutations[${i}]`, mutation, scope, pace, errors);
  }
  if (!reinvocationPolicy) errors.required("spec.reinvocationPolicy");
  else errors.oneOf("spec.reinvocationPolicy", reinvocationPolicy, ["IfNeeded", "Never"]);
}

const FORMS = {
  ApplyConfiguration: { field: "applyConfiguration", other: "jsonPatch", gives: OBJECT_TYPE },
  JSONPatch: { field: "jsonPatch", other: "applyConfiguration", gives: PATCHES_TYPE },
} as const;

function* validateMutation(
  at: string,
  mutation: Mutation,
  scope: PolicyScope,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  const { patchType } = mutation;
  if (!patchType) return errors.required(`${at}.patchType`);
  if (patchType !== "ApplyConfiguration" && patchType !== "JSONPatch") {
    return errors.unsupported(`${at}.patchType`, patchType, ["ApplyConfiguration", "JSONPatch"]);
  }
  const { field, other, gives } = FORMS[patchType];
  const form = mutation[field];
  if (!form) errors.required(`${at}.${field}`, `must be specified when patchType is ${patchType}`);
  else yield* validateForm(`${at}.${field}.expression`, form.expression ?? "", scope, gives, pace, errors);
  if (mutation[other]) {
    errors.invalid(`${at}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`);
  }
}

function* validateForm(
  field: string,
  given: string,
  scope: PolicyScope,
  gives: CelType,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  const text = given.trim();
  if (text === "") return errors.required(field);
  validateCompiled(field, text, yield* compileForPolicy(text, scope, [gives], pace), errors);
}
