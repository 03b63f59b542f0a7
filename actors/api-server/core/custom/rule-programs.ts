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
import type { Pace, Steps } from "../steps.ts";
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

/** @param root whether the schema is that of a whole object */
export function* rulePrograms(schema: Schema, root: boolean, pace: Pace): Steps<readonly RuleProgram[]> {
  const programs: RuleProgram[] = [];
  const compiler = new RuleCompiler(schema, root, undefined, pace);
  for (const rule of schema.rules) programs.push(yield* compiler.programOf(rule));
  return programs;
}

/** Makes programs of the rules of one schema. */
export class RuleCompiler {
  readonly #schema: Schema;
  readonly #types: SchemaTypes;
  readonly #sizes: Sized | undefined;
  readonly #pace: Pace;

  /** @param sizes asks what the rules cost */
  constructor(schema: Schema, root: boolean, sizes: Sized | undefined, pace: Pace) {
    this.#schema = schema;
    this.#types = schemaTypes(schema, root);
    this.#sizes = sizes;
    this.#pace = pace;
  }

  *programOf(rule: ValidationRule): Steps<RuleProgram> {
    const program = yield* programOf(rule, this.#schema, this.#types, this.#sizes, this.#pace);
    if (this.#pace.isDue(RULE_UNITS)) yield;
    return program;
  }
}

/** Of the smallest one. */
const RULE_UNITS = 32;

function* programOf(
  rule: ValidationRule,
  schema: Schema,
  types: SchemaTypes,
  sizes: Sized | undefined,
  pace: Pace,
): Steps<RuleProgram> {
  const environment = environmentOf(types, rule.optionalOldSelf === true);
  const wrongType = "cel expression must evaluate to a bool";
  const main = yield* compile(rule.rule, environment, BOOL_TYPE, "", wrongType, pace);
  const { messageExpression = "" } = rule;
  const message =
    messageExpression === "" || "problem" in main
      ? undefined
      : yield* compile(
          messageExpression,
          environment,
          STRING_TYPE,
          "messageExpression ",
          "messageExpression must evaluate to a string",
          pace,
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
function* compile(
  text: string,
  environment: CelEnvironment,
  wanted: CelType,
  what: string,
  otherwise: string,
  pace: Pace,
): Steps<Read> {
  const compiled = yield* compileCel(text, environment, pace);
  if ("problem" in compiled) return { problem: `${what}${compiled.problem}` };
  return sameType(compiled.type, wanted) ? compiled : { problem: otherwise };
}
