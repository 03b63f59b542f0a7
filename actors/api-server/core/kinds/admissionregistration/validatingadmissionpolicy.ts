/**
 * ValidatingAdmissionPolicies: expressions are compiled when they are written.
 * Source: Kubernetes `pkg/apis/admissionregistration`, `pkg/registry/admissionregistration/validatingadmissionpolicy`.
 */
import type {
  AuditAnnotation,
  ValidatingAdmissionPolicy,
  Validation,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { CelType } from "../../cel/types.ts";
import { BOOL_TYPE, NULL_TYPE, STRING_TYPE } from "../../cel/types.ts";
import { parseJsonPath } from "../../custom/json-path.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { Steps } from "../../steps.ts";
import { Pace } from "../../steps.ts";
import type { KindRules } from "../rules.ts";
import { sameConditions } from "./match-conditions.ts";
import type { PolicyScope } from "./policy-environment.ts";
import { compileForPolicy } from "./policy-environment.ts";
import { defaultPolicy, validatePolicyHead } from "./policy-head.ts";
import { shownParamKind } from "./policy-match.ts";
import { validateVariables } from "./policy-variables.ts";
import { validateReservedName } from "./reserved-name.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

type Policy = ValidatingAdmissionPolicy;

export const validatingAdmissionPolicyRules: KindRules = {
  plainFinalizers: true,
  resetFields: { status: METADATA_AND_SPEC },
  defaults: defaultPolicy,
  validate: function* (object: Policy, errors) {
    yield* validate(object, false, errors);
    validateReservedName(object.metadata, errors);
  },
  validateUpdate: (object: Policy, old: Policy, errors) =>
    validate(object, sameConditions(object.spec, old.spec), errors),
  validateStatusUpdate: (object: Policy, _old: Policy, errors) => validateStatus(object, errors),
  cells: ({ spec = {}, ...object }: Policy, nowMs) => [
    nameOf(object),
    (spec.validations ?? []).length,
    shownParamKind(spec.paramKind),
    ageOf(object, nowMs),
  ],
};

const NOTHING_TO_DO = "validations or auditAnnotations must contain at least one item";
const ANNOTATIONS_MAX = 20;

function* validate({ metadata, spec = {} }: Policy, sameMatchConditions: boolean, errors: FieldErrors): Steps<void> {
  const pace = new Pace();
  const params = Boolean(spec.paramKind);
  yield* validatePolicyHead(spec, sameMatchConditions, pace, errors);
  const given = spec.variables ?? [];
  const variables = yield* validateVariables(given, params, pace, errors);
  const scope = { params, authorizer: true, ...(given.length === 0 ? {} : { variables }) };
  const [validations, annotations] = [spec.validations ?? [], spec.auditAnnotations ?? []];
  if (validations.length + annotations.length === 0) {
    errors.required("spec.validations", NOTHING_TO_DO);
    errors.required("spec.auditAnnotations", NOTHING_TO_DO);
    return;
  }
  for (const [i, validation] of validations.entries()) {
    yield* validateValidation(`spec.validations[${i}]`, validation, scope, pace, errors);
  }
  if (annotations.length > ANNOTATIONS_MAX) {
    const detail = `must not have more than ${ANNOTATIONS_MAX} auditAnnotations`;
    errors.invalid("spec.auditAnnotations", annotations, detail);
  }
  const repeated = repeatedAt(annotations.map((each) => each.key));
  for (const [i, annotation] of annotations.entries()) {
    const at = `spec.auditAnnotations[${i}]`;
    yield* validateAnnotation(at, annotation, metadata?.name ?? "", scope, pace, errors);
    if (repeated.has(i)) errors.duplicate(`${at}.key`, annotation.key);
  }
}

const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

function* validateValidation(
  at: string,
  validation: Validation,
  scope: PolicyScope,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  const { expression, message = "", messageExpression = "", reason } = validation;
  if (!expression?.trim()) errors.required(`${at}.expression`, "expression is not specified");
  else yield* validateExpression(`${at}.expression`, expression, scope, [BOOL_TYPE], pace, errors);
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.invalid(`${at}.messageExpression`, messageExpression, "must be non-empty if specified");
  } else if (messageExpression !== "") {
    const ofMessage = { ...scope, authorizer: false };
    yield* validateExpression(`${at}.messageExpression`, messageExpression, ofMessage, [STRING_TYPE], pace, errors);
  }
  if (message !== "" && message.trim() === "") {
    errors.invalid(`${at}.message`, message, "must be non-empty if specified");
  } else if (/[\n\r]/.test(message.trim())) errors.invalid(`${at}.message`, message, "must not contain line breaks");
  if (reason !== undefined) errors.oneOf(`${at}.reason`, reason, REASONS);
}

function* validateExpression(
  field: string,
  expression: string,
  scope: PolicyScope,
  wanted: readonly CelType[],
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  validateCompiled(field, expression, yield* compileForPolicy(expression, scope, wanted, pace), errors);
}

const ANNOTATION_EXPRESSION_BYTES_MAX = 5 * 1024;

function* validateAnnotation(
  at: string,
  { key, valueExpression }: AuditAnnotation,
  policy: string,
  scope: PolicyScope,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  if (policy === "") errors.invalid(`${at}.key`, key, "requires metadata.name be non-empty");
  else errors.all(`${at}.key`, `${policy}/${key}`, qualifiedName(`${policy}/${key}`));
  const field = `${at}.valueExpression`;
  const text = (valueExpression ?? "").trim();
  if (text === "") errors.required(field, "valueExpression is not specified");
  else if (text.length > ANNOTATION_EXPRESSION_BYTES_MAX) {
    errors.required(field, `must not exceed ${ANNOTATION_EXPRESSION_BYTES_MAX} bytes in length`);
  } else {
    const compiled = yield* compileForPolicy(text, scope, [STRING_TYPE, NULL_TYPE], pace);
    validateCompiled(field, valueExpression, compiled, errors);
  }
}

function validateStatus({ status = {} }: Policy, errors: FieldErrors): void {
  const at = "status.typeChecking.expressionWarnings";
  for (const [i, { warning, fieldRef }] of (status.typeChecking?.expressionWarnings ?? []).entries()) {
    if (!warning) errors.required(`${at}[${i}].warning`);
    const path = (fieldRef ?? "").trim();
    if (path === "") {
      errors.required(`${at}[${i}].fieldRef`);
      continue;
    }
    // It may begin with a name, without the dot.
    if (parseJsonPath(path.replace(/^\w+/, "")) !== undefined) continue;
    const problem =
      path.split("[").length > path.split("]").length ? "unterminated array" : "unrecognized character in action";
    errors.invalid(`${at}[${i}].fieldRef`, path, `invalid JSONPath: ${problem}`);
  }
  validateConditions("status.conditions", status.conditions ?? [], errors);
}
