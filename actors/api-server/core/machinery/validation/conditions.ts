/** Rules of the conditions that all kinds have in common. Source: apimachinery `ValidateConditions`. */
import type { Condition } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { qualifiedName } from "./names.ts";

const REASON = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const REASON_MESSAGE =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
const REASON_BYTES_MAX = 1024;
const MESSAGE_BYTES_MAX = 32 * 1024;

export function validateConditions(field: string, conditions: readonly Condition[], errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    if (seen.has(condition.type)) errors.duplicate(`${field}[${i}]`, condition.type);
    seen.add(condition.type);
    validateCondition(`${field}[${i}]`, condition, errors);
  }
}

function validateCondition(at: string, condition: Condition, errors: FieldErrors): void {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message } = condition;
  if (!type) errors.required(`${at}.type`, "is required");
  else errors.all(`${at}.type`, type, qualifiedName(type));
  if (!status) errors.required(`${at}.status`);
  else errors.oneOf(`${at}.status`, status, ["False", "True", "Unknown"]);
  if (observedGeneration < 0) {
    errors.invalid(`${at}.observedGeneration`, observedGeneration, "must be greater than or equal to zero");
  }
  if (!lastTransitionTime) errors.required(`${at}.lastTransitionTime`);
  if (reason === "") errors.required(`${at}.reason`);
  else if (!REASON.test(reason)) errors.invalid(`${at}.reason`, reason, REASON_MESSAGE);
  if (reason.length > REASON_BYTES_MAX) errors.tooLong(`${at}.reason`, REASON_BYTES_MAX);
  if (message.length > MESSAGE_BYTES_MAX) errors.tooLong(`${at}.message`, MESSAGE_BYTES_MAX);
}
