/** Whether the rules of a schema (`x-kubernetes-validations`) say something. Source: apiextensions-apiserver `validation.go`. */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { fieldAt } from "./field-path.ts";
import type { Schema } from "./schema.ts";
import { parseSchema } from "./schema.ts";
import { unsupportedIn } from "./structural.ts";

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const LINE_BREAK = /[\n\r]/;

/** What can be said of rules without reading them. */
export function checkRuleTexts(props: JSONSchemaProps, path: string, errors: FieldErrors): void {
  for (const [i, given] of (props["x-kubernetes-validations"] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const { message = "", messageExpression = "", reason, fieldPath = "" } = given;
    const rule = given.rule.trim();
    if (rule === "") errors.required(`${at}.rule`, "rule is not specified");
    else if (message !== "" && message.trim() === "") {
      errors.invalid(`${at}.message`, message, "must be non-empty if specified");
    } else if (LINE_BREAK.test(message.trim())) {
      errors.invalid(`${at}.message`, message, "must not contain line breaks");
    } else if (LINE_BREAK.test(rule) && message.trim() === "") {
      errors.required(`${at}.message`, "message must be specified if rule contains line breaks");
    }
    if (messageExpression !== "" && messageExpression.trim() === "") {
      errors.required(`${at}.messageExpression`, "messageExpression must be non-empty if specified");
    }
    if (reason !== undefined) errors.oneOf(`${at}.reason`, reason, REASONS);
    if (fieldPath === "") continue;
    if (fieldPath.trim() === "") errors.invalid(`${at}.fieldPath`, fieldPath, "must be non-empty if specified");
    if (LINE_BREAK.test(fieldPath)) errors.invalid(`${at}.fieldPath`, fieldPath, "must not contain line breaks");
    const known = unsupportedIn(props) !== undefined || !("problem" in fieldAt(fieldPath, parseSchema(props), true));
    if (!known) errors.invalid(`${at}.fieldPath`, fieldPath, "must be a valid path");
  }
}

interface RulePlace {
  readonly root: boolean;
  /** The list or map from which on `oldSelf` is unknown. */
  readonly uncorrelatable: string | undefined;
}

export function checkRules(_schema: Schema, _path: string, _place: RulePlace, _errors: FieldErrors): void {}
