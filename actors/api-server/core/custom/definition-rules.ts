/** Whether the rules of a schema (`x-kubernetes-validations`) say something. Source: apiextensions-apiserver `validation.go`. */
import type { JSONSchemaProps, ValidationRule } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Pace, Steps } from "../steps.ts";
import { product } from "../cel/sizes.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { fieldAt } from "./field-path.ts";
import { escaped } from "../machinery/go-text.ts";
import type { RuleCosts } from "./rule-costs.ts";
import { RuleCompiler } from "./rule-programs.ts";
import type { Sizes } from "./rule-sizes.ts";
import { mostTimes } from "./rule-sizes.ts";
import type { Schema } from "./schema.ts";
import { parseSchema } from "./schema.ts";
import { unsupportedIn } from "./structural.ts";

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const NO_TYPE =
  "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
const LINE_BREAK = /[\n\r]/;

/** What can be said of rules without reading them. */
export function* checkRuleTexts(props: JSONSchemaProps, path: string, pace: Pace, errors: FieldErrors): Steps<void> {
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
    if ((yield* unsupportedIn(props, pace)) !== undefined) continue;
    if ("problem" in fieldAt(fieldPath, parseSchema(props), true))
      errors.invalid(`${at}.fieldPath`, fieldPath, "must be a valid path");
  }
}

interface RulePlace {
  readonly root: boolean;
  /** How many such values an object can have; undefined: as many as fit into a request. */
  readonly timesMax: number | undefined;
  readonly costs: RuleCosts;
  readonly sizes: Sizes;
  readonly pace: Pace;
  /** The list or map from which on `oldSelf` is unknown. */
  readonly uncorrelatable: string | undefined;
}

/** The schema is structural, and nothing else is wrong with it. */
export function* checkRules(schema: Schema, path: string, place: RulePlace, errors: FieldErrors): Steps<void> {
  const sizes = place.sizes.of(schema, place.root);
  if (sizes === undefined) {
    errors.internal(`${path}.x-kubernetes-validations`, NO_TYPE);
    return;
  }
  const timesMax = place.timesMax ?? mostTimes(sizes);
  const compiler = new RuleCompiler(schema, place.root, sizes, place.pace);
  for (const [i, rule] of schema.rules.entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    const program = yield* compiler.programOf(rule);
    const { problem, messageProblem, usesOldSelf } = program;
    place.costs.check(`${at}.rule`, "estimated rule cost", product(program.cost, timesMax), errors);
    if (problem !== undefined) refuse(`${at}.rule`, rule, problem, errors);
    if (messageProblem !== undefined) refuse(`${at}.messageExpression`, rule, messageProblem, errors);
    place.costs.check(`${at}.messageExpression`, "estimated messageExpression cost", program.messageCost, errors);
    if (usesOldSelf) {
      if (place.uncorrelatable === undefined) continue;
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
      errors.invalid(`${at}.rule`, rule.rule, detail);
    } else if (rule.optionalOldSelf !== undefined) {
      errors.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, "may not be set if oldSelf is not used in rule");
    }
  }
}

/** Shows the rule as Go has it. */
function refuse(field: string, given: ValidationRule, detail: string, errors: FieldErrors): void {
  const { rule, message = "", messageExpression = "", reason, fieldPath = "", optionalOldSelf } = given;
  const shown = {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
  const text = `Invalid value: ${escaped(JSON.stringify(shown))}: ${detail}`;
  errors.causes.push({ reason: "FieldValueInvalid", message: text, field });
}
