/**
 * Holds objects to the rules of their schema. An update is not refused over what it leaves as it was, and all rules together have
 * one budget.
 * Source: apiextensions-apiserver `schema/cel/validation.go`, apiserver `pkg/apis/cel/config.go`.
 */
import { CelBudget } from "../cel/evaluate.ts";
import type { Evaluated } from "../cel/evaluate-in-steps.ts";
import { COST_OF_A_UNIT, evaluateInSteps } from "../cel/evaluate-in-steps.ts";
import type { Expression } from "../cel/expression.ts";
import { CelBudgetError, CelError, CelOptional } from "../cel/values.ts";
import type { Pace, Stepped, Steps } from "../steps.ts";
import { isSteps, resultOf } from "../steps.ts";
import { getOwn, isJsonObject, SameValues } from "../machinery/json-value.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import type { RuleProgram } from "./rule-programs.ts";
import { CelValues } from "./rule-values.ts";
import type { Schema } from "./schema.ts";
import { schemaAt } from "./schema.ts";
import { UNCORRELATED, listMapKey } from "./validate-value.ts";

/** Of one evaluation, in steps. */
const CALL_COST_MAX = 1_000_000;
/** Of all rules for one object. */
const OBJECT_COST_MAX = 10_000_000;
const MESSAGE_BYTES_MAX = 5 * 1024;

export type ProgramsOf = (schema: Schema, root: boolean) => Stepped<readonly RuleProgram[]>;

/** @param old undefined when the object is new */
export function* validateRules(
  object: unknown,
  old: unknown,
  schema: Schema,
  programsOf: ProgramsOf,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  if (!schema.has.rules) return;
  const validation = new RuleValidation(programsOf, pace, errors, true);
  yield* validation.begin(object, old ?? UNCORRELATED, schema);
}

/** Holds the defaults of one schema to its rules: as values that stay, and as values that are new. */
export class DefaultRules {
  readonly #validation: RuleValidation;
  readonly #errors: FieldErrors;

  constructor(programsOf: ProgramsOf, pace: Pace, errors: FieldErrors) {
    this.#validation = new RuleValidation(programsOf, pace, errors, false);
    this.#errors = errors;
  }

  *check(value: unknown, schema: Schema, path: string): Steps<void> {
    const before = this.#errors.causes.length;
    for (const old of [value, UNCORRELATED]) {
      if (this.#errors.causes.length > before) return;
      yield* this.#validation.walk({ value, old, schema, path, root: schema.embedded, unchanged: false });
    }
  }
}

/** A value with its schema, on the way through an object. */
interface At {
  readonly value: unknown;
  /** UNCORRELATED when it can't be told which value it was. */
  readonly old: unknown;
  readonly schema: Schema;
  readonly path: string;
  readonly root: boolean;
  /** Whether it, or what it is a part of, is what it was. */
  readonly unchanged: boolean;
}

class RuleValidation {
  readonly #programsOf: ProgramsOf;
  readonly #pace: Pace;
  readonly #errors: FieldErrors;
  readonly #values = new CelValues();
  readonly #same = new SameValues();
  #left = OBJECT_COST_MAX;
  /** Whether nothing more is evaluated. */
  #ended = false;

  readonly #ratchets: boolean;

  /** @param ratchets whether what is as it was may break a rule */
  constructor(programsOf: ProgramsOf, pace: Pace, errors: FieldErrors, ratchets: boolean) {
    this.#programsOf = programsOf;
    this.#pace = pace;
    this.#errors = errors;
    this.#ratchets = ratchets;
  }

  /** @param value of a whole object */
  begin(value: unknown, old: unknown, schema: Schema): Steps<void> {
    const unchanged = old !== UNCORRELATED && this.#same.are(value, old);
    return this.walk({ value, old, schema, path: "", root: true, unchanged });
  }

  *walk(at: At): Steps<void> {
    const { value, schema, path } = at;
    if (this.#ended || value === null || value === undefined) return;
    if (this.#pace.isDue()) yield;
    if (schema.rules.length > 0) yield* this.#evaluate(at);
    if (Array.isArray(value) && schema.items?.has.rules === true) {
      const oldOf = oldItems(schema, at.old);
      for (const [i, item] of value.entries()) {
        yield* this.walk(this.#below(at, item, oldOf(item), schema.items, `${path}[${i}]`));
      }
    }
    if (!isJsonObject(value)) return;
    for (const key of Object.keys(value)) {
      const below = schemaAt(schema, key);
      if (below?.has.rules !== true) continue;
      const named = schema.properties.has(key);
      const place = named ? `${path === "" ? "" : `${path}.`}${key}` : `${path}[${key}]`;
      const old = isJsonObject(at.old) && Object.hasOwn(at.old, key) ? getOwn(at.old, key) : UNCORRELATED;
      yield* this.walk(this.#below(at, value[key], old, below, place));
    }
  }

  #below(at: At, value: unknown, old: unknown, schema: Schema, path: string): At {
    const unchanged = old === UNCORRELATED ? at.unchanged : this.#ratchets && this.#same.are(value, old);
    return { value, old, schema, path, root: schema.embedded, unchanged };
  }

  *#evaluate(at: At): Steps<void> {
    const { schema, root, old } = at;
    const programs = yield* resultOf(this.#programsOf(schema, root));
    const self = this.#values.of(at.value, schema, root);
    const known = old !== UNCORRELATED && old !== null;
    const oldSelf = known ? this.#values.of(old, schema, root) : undefined;
    for (const program of programs) {
      if (this.#ended) return;
      const optional = program.rule.optionalOldSelf === true;
      if (program.usesOldSelf && !known && !optional) continue;
      const variables = optional
        ? { self, oldSelf: new CelOptional(oldSelf) }
        : { self, ...(known ? { oldSelf } : {}) };
      const left = this.#left;
      const { expression } = program;
      if (expression === undefined) this.#untold(at, `rule compile error: ${program.problem ?? ""}`);
      else {
        const run = this.#run(expression, variables);
        const outcome = isSteps(run) ? yield* run : run;
        if ("problem" in outcome) this.#untold(at, problemOf(program.rule, outcome));
        else if (outcome.value !== true) yield* this.#fail(at, program, variables);
      }
      if (this.#pace.isDue(1 + (left - this.#left) / COST_OF_A_UNIT)) yield;
    }
  }

  /** Of a rule of which nobody can say whether it holds. */
  #untold({ path, schema }: At, problem: string): void {
    this.#errors.invalid(path === "" ? "<nil>" : path, schema.type, problem);
  }

  #run(expression: Expression, variables: Readonly<Record<string, unknown>>): Stepped<Outcome> {
    const limit = Math.min(CALL_COST_MAX, this.#left);
    const budget = new CelBudget(limit);
    let work: Stepped<Evaluated>;
    try {
      work = evaluateInSteps(expression, variables, budget, this.#pace);
    } catch (error) {
      return this.#failed(error, budget);
    }
    return isSteps(work) ? this.#inSteps(work, budget) : this.#done(work, budget);
  }

  *#inSteps(work: Steps<Evaluated>, budget: CelBudget): Steps<Outcome> {
    try {
      return this.#done(yield* work, budget);
    } catch (error) {
      return this.#failed(error, budget);
    }
  }

  #done(evaluated: Evaluated, { limit, left }: CelBudget): Outcome {
    this.#left -= limit - left;
    return evaluated;
  }

  #failed(error: unknown, { limit, left }: CelBudget): Outcome {
    this.#left -= limit - Math.max(left, 0);
    if (error instanceof CelBudgetError) {
      this.#ended = true;
      return { problem: error.message, spent: limit < CALL_COST_MAX ? "object" : "call" };
    }
    if (error instanceof CelError) return { problem: error.message };
    throw error;
  }

  *#fail(at: At, program: RuleProgram, variables: Readonly<Record<string, unknown>>): Steps<void> {
    const found = new FieldErrors();
    yield* this.#refuse(found, at, program, variables);
    if (program.usesOldSelf || !at.unchanged) this.#errors.causes.push(...found.causes);
    else this.#errors.warnings.push(...found.causes.map(({ field = "", message = "" }) => `${field}: ${message}`));
  }

  *#refuse(
    errors: FieldErrors,
    at: At,
    program: RuleProgram,
    variables: Readonly<Record<string, unknown>>,
  ): Steps<void> {
    const { rule, message, fieldPath } = program;
    const made = message === undefined ? undefined : yield* this.#message(message, variables);
    const detail = made ?? (rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`);
    const field = [at.path, fieldPath].filter((part) => part !== "").join(".") || "<nil>";
    const whole = at.schema.type === "object" || at.schema.type === "array";
    switch (rule.reason) {
      case "FieldValueForbidden":
        errors.forbidden(field, detail);
        return;
      case "FieldValueRequired":
        errors.required(field, detail);
        return;
      case "FieldValueDuplicate":
        if (whole) errors.causes.push({ reason: "FieldValueDuplicate", message: "Duplicate value", field });
        else errors.duplicate(field, at.value);
        return;
      case "FieldValueInvalid":
      case undefined:
        if (!whole) errors.invalid(field, at.value, detail);
        else errors.causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${detail}`, field });
    }
  }

  /** undefined when it is no message, and the rule's own stands. */
  *#message(expression: Expression, variables: Readonly<Record<string, unknown>>): Steps<string | undefined> {
    const run = this.#run(expression, variables);
    const result = isSteps(run) ? yield* run : run;
    if (!("value" in result) || typeof result.value !== "string") return undefined;
    const text = result.value.trim();
    return text === "" || text.length > MESSAGE_BYTES_MAX || /[\n\r]/.test(text) ? undefined : text;
  }
}

interface Unknown {
  readonly problem: string;
  readonly spent?: "call" | "object";
}
type Outcome = Evaluated | Unknown;

function problemOf(rule: RuleProgram["rule"], { problem, spent }: Unknown): string {
  if (spent === "object") {
    return "validation failed due to running out of cost budget, no further validation rules will be run";
  }
  const shown = ruleText(rule);
  if (spent === "call") {
    return `'${problem}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`;
  }
  if (!problem.startsWith("no such overload")) return `${problem} evaluating rule: ${shown}`;
  const why = "call arguments did not match a supported operator, function or macro signature for rule";
  return `'${problem}': ${why}: ${shown}`;
}

function ruleText({ rule, message = "" }: RuleProgram["rule"]): string {
  return (message === "" ? rule : message).trim();
}

function oldItems(schema: Schema, old: unknown): (item: unknown) => unknown {
  if (schema.listType !== "map" || !Array.isArray(old)) return () => UNCORRELATED;
  const before = new Map(old.map((item: unknown) => [listMapKey(schema, item), item]));
  return (item) => {
    const key = listMapKey(schema, item);
    return key !== undefined && before.has(key) ? before.get(key) : UNCORRELATED;
  };
}
