/** The rules of a schema (`x-kubernetes-validations`), read once. Source: apiextensions-apiserver `schema/cel/compilation.go`. */
import type { ValidationRule } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { CelKind } from "../cel/check.ts";
import { DYN, checkCel, nameOf } from "../cel/check.ts";
import type { CelNode } from "../cel/syntax.ts";
import { CelSyntaxError, parseCel } from "../cel/syntax.ts";
import { fieldAt } from "./field-path.ts";
import { kindOf } from "./rule-values.ts";
import type { Schema } from "./schema.ts";

export interface RuleProgram {
  readonly rule: ValidationRule;
  /** undefined when the rule can't be read. */
  readonly node: CelNode | undefined;
  readonly problem: string | undefined;
  readonly messageNode: CelNode | undefined;
  readonly messageProblem: string | undefined;
  readonly usesOldSelf: boolean;
  /** Below the value; "" for the value itself. */
  readonly fieldPath: string;
}

/** @param root whether the schema is that of a whole object */
export function rulePrograms(schema: Schema, root: boolean): readonly RuleProgram[] {
  const self = kindOf(schema, root) ?? DYN;
  return schema.rules.map((rule) => programOf(rule, schema, self));
}

function programOf(rule: ValidationRule, schema: Schema, self: CelKind): RuleProgram {
  const oldSelf: CelKind = rule.optionalOldSelf === true ? { is: "optional", of: self } : self;
  const variables = { self, oldSelf };
  const main = read(rule.rule, variables, "bool", "compilation failed: ", "cel expression must evaluate to a bool");
  const { messageExpression = "" } = rule;
  const words = "messageExpression compilation failed: ";
  const message =
    messageExpression === "" || main.problem !== undefined
      ? undefined
      : read(messageExpression, variables, "string", words, "messageExpression must evaluate to a string");
  const place = rule.fieldPath === undefined ? undefined : fieldAt(rule.fieldPath, schema, true);
  return {
    rule,
    node: main.node,
    problem: main.problem,
    messageNode: message?.node,
    messageProblem: message?.problem,
    usesOldSelf: main.uses.has("oldSelf"),
    fieldPath: place === undefined || "problem" in place ? "" : place.path,
  };
}

interface Read {
  readonly node: CelNode | undefined;
  readonly problem: string | undefined;
  readonly uses: ReadonlySet<string>;
}

function read(
  text: string,
  variables: Readonly<Record<string, CelKind>>,
  wanted: string,
  words: string,
  otherwise: string,
): Read {
  try {
    const node = parseCel(text);
    const { kind, uses, problems } = checkCel(text, node, variables);
    if (problems !== "") return { node: undefined, problem: `${words}${problems}`, uses };
    if (kind.is !== "dyn" && nameOf(kind) !== wanted) return { node: undefined, problem: otherwise, uses };
    return { node, problem: undefined, uses };
  } catch (error) {
    if (!(error instanceof CelSyntaxError)) throw error;
    return { node: undefined, problem: `${words}${error.message}`, uses: new Set() };
  }
}
