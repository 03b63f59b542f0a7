/** Conditions in CEL on which a webhook or a policy is asked. Source: Kubernetes `pkg/apis/admissionregistration/validation`. */
import type { MatchCondition } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import { BOOL_TYPE } from "../../cel/types.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import type { Pace, Steps } from "../../steps.ts";
import { compileForPolicy } from "./policy-environment.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const CONDITIONS_MAX = 64;

export function* validateMatchConditions(
  field: string,
  conditions: readonly MatchCondition[],
  params: boolean,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  if (conditions.length > CONDITIONS_MAX) errors.tooMany(field, conditions.length, CONDITIONS_MAX);
  const repeated = repeatedAt(conditions.map((each) => each.name));
  for (const [i, { name, expression }] of conditions.entries()) {
    const at = `${field}[${i}]`;
    const text = (expression ?? "").trim();
    if (text === "") errors.required(`${at}.expression`);
    else {
      const compiled = yield* compileForPolicy(text, { params, authorizer: true }, [BOOL_TYPE], pace);
      validateCompiled(`${at}.expression`, text, compiled, errors);
    }
    if (!name) errors.required(`${at}.name`);
    else errors.all(`${at}.name`, name, qualifiedName(name));
    if (name && repeated.has(i)) errors.duplicate(`${at}.name`, name);
  }
}

/** Conditions that stay as they are are not looked at again. */
export function sameConditions(
  a: { readonly matchConditions?: readonly MatchCondition[] } | undefined,
  b: { readonly matchConditions?: readonly MatchCondition[] } | undefined,
): boolean {
  return equalJson(a?.matchConditions ?? [], b?.matchConditions ?? []);
}
