/** The rules of a schema (`x-kubernetes-validations`), read once. Source: apiextensions-apiserver `schema/cel/compilation.go`. */
import type { ValidationRule } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { CelKind } from "../cel/check.ts";
import { DYN, checkCel, nameOf } from "../cel/check.ts";
import { estimateCost } from "../cel/cost.ts";
import type { Sized } from "../cel/sizes.ts";
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
  /** At most, of one evaluation; 0 when it was not asked for, or the expression can't be read. */
  readonly cost: number;
  readonly messageCost: number;
  /** Below the value; "" for the value itself. */
  readonly fieldPath: string;
}

/** @param root whether the schema is that of a whole object; @param sizes asks what the rules cost */
export function rulePrograms(schema: Schema, root: boolean, sizes?: Sized): readonly RuleProgram[] {
  const self = kindOf(schema, root) ?? DYN;
  return schema.rules.map((rule) => programOf(rule, schema, self, sizes));
}

function programOf(rule: ValidationRule, schema: Schema, self: CelKind, sizes: Sized | undefined): RuleProgram {
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
    cost: costOf(main, sizes),
    messageCost: message === undefined ? 0 : costOf(message, sizes),
    fieldPath: place === undefined || "problem" in place ? "" : place.path,
  };
}

interface Read {
  readonly node: CelNode | undefined;
  readonly problem: string | undefined;
  readonly uses: ReadonlySet<string>;
  readonly kinds: ReadonlyMap<CelNode, CelKind>;
}

function costOf({ node, kinds }: Read, sizes: Sized | undefined): number {
  return node === undefined || sizes === undefined ? 0 : estimateCost(node, kinds, sizes);
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
    const { kind, uses, kinds, problems } = checkCel(text, node, variables);
    if (problems !== "") return { node: undefined, problem: `${words}${problems}`, uses, kinds };
    if (kind.is !== "dyn" && nameOf(kind) !== wanted) return { node: undefined, problem: otherwise, uses, kinds };
    return { node, problem: undefined, uses, kinds };
  } catch (error) {
    if (!(error instanceof CelSyntaxError)) throw error;
    return { node: undefined, problem: `${words}${error.message}`, uses: new Set(), kinds: new Map() };
  }
}
