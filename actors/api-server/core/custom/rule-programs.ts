/** The rules of a schema (`x-kubernetes-validations`), read once. Source: apiextensions-apiserver `schema/cel/compilation.go`. */
import type { ValidationRule } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { CelProgram } from "../cel/compile.ts";
import { compileCel } from "../cel/compile.ts";
import { estimateCost } from "../cel/cost.ts";
import type { Expression } from "../cel/expression.ts";
import { BASE_OVERLOADS } from "../cel/overloads.ts";
import type { Sized } from "../cel/sizes.ts";
import type { CelEnvironment } from "../cel/type-check.ts";
import type { CelType } from "../cel/types.ts";
import { BOOL_TYPE, STRING_TYPE, optionalType, sameType } from "../cel/types.ts";
import { fieldAt } from "./field-path.ts";
import type { SchemaTypes } from "./rule-types.ts";
import { schemaTypes } from "./rule-types.ts";
import type { Schema } from "./schema.ts";

export interface RuleProgram {
  readonly rule: ValidationRule;
  /** undefined when the rule can't be read. */
  readonly expression: Expression | undefined;
  readonly problem: string | undefined;
  readonly message: Expression | undefined;
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
  if (schema.rules.length === 0) return [];
  const types = schemaTypes(schema, root);
  return schema.rules.map((rule) => programOf(rule, schema, types, sizes));
}

function programOf(rule: ValidationRule, schema: Schema, types: SchemaTypes, sizes: Sized | undefined): RuleProgram {
  const environment = environmentOf(types, rule.optionalOldSelf === true);
  const main = compile(rule.rule, environment, BOOL_TYPE, "", "cel expression must evaluate to a bool");
  const { messageExpression = "" } = rule;
  const message =
    messageExpression === "" || "problem" in main
      ? undefined
      : compile(
          messageExpression,
          environment,
          STRING_TYPE,
          "messageExpression ",
          "messageExpression must evaluate to a string",
        );
  const place = rule.fieldPath === undefined ? undefined : fieldAt(rule.fieldPath, schema, true);
  return {
    rule,
    ...("problem" in main
      ? { expression: undefined, problem: main.problem, usesOldSelf: false }
      : { expression: main.expression, problem: undefined, usesOldSelf: main.uses.has("oldSelf") }),
    ...(message !== undefined && "problem" in message
      ? { message: undefined, messageProblem: message.problem }
      : { message: message?.expression, messageProblem: undefined }),
    cost: costOf(main, sizes),
    messageCost: costOf(message, sizes),
    fieldPath: place === undefined || "problem" in place ? "" : place.path,
  };
}

type Read = CelProgram | { readonly problem: string };

function costOf(read: Read | undefined, sizes: Sized | undefined): number {
  return read === undefined || "problem" in read || sizes === undefined ? 0 : estimateCost(read, sizes);
}

function environmentOf({ self, fieldsOf }: SchemaTypes, optional: boolean): CelEnvironment {
  const variables = new Map([
    ["self", self],
    ["oldSelf", optional ? optionalType(self) : self],
  ]);
  return { variables, overloads: BASE_OVERLOADS, fieldsOf, bind: false };
}

/** @param what stands before what is wrong with it; @param otherwise the problem of one of another type */
function compile(text: string, environment: CelEnvironment, wanted: CelType, what: string, otherwise: string): Read {
  const compiled = compileCel(text, environment);
  if ("problem" in compiled) return { problem: `${what}${compiled.problem}` };
  return sameType(compiled.type, wanted) ? compiled : { problem: otherwise };
}
