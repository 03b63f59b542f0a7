/** The variables of a policy, each of which may name those before it. Source: Kubernetes `pkg/apis/admissionregistration/validation`. */
import type { Variable } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { CelType } from "../../cel/types.ts";
import { DYN_TYPE } from "../../cel/types.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { Pace, Steps } from "../../steps.ts";
import { compileForPolicy } from "./policy-environment.ts";

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** @returns their types; of one that is wrong any */
export function* validateVariables(
  variables: readonly Variable[],
  params: boolean,
  pace: Pace,
  errors: FieldErrors,
): Steps<ReadonlyMap<string, CelType>> {
  const types = new Map<string, CelType>();
  for (const [i, { name, expression }] of variables.entries()) {
    const at = `spec.variables[${i}]`;
    if (!name?.trim()) errors.required(`${at}.name`, "name is not specified");
    else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
      errors.invalid(`${at}.name`, name, "must be a valid CEL identifier");
    }
    if (!expression?.trim()) {
      errors.required(`${at}.expression`, "expression is not specified");
      continue;
    }
    const compiled = yield* compileForPolicy(expression, { params, authorizer: true, variables: types }, [], pace);
    validateCompiled(`${at}.expression`, expression, compiled, errors);
    types.set(name, "type" in compiled ? compiled.type : DYN_TYPE);
  }
  return types;
}
