/**
 * Evaluates in pieces what may take long. Only what goes through lists and maps does, so everything else is left to `evaluate.ts`,
 * and so is every evaluation that turns out to be small: it costs what it would without this file.
 */
import type { Pace, Stepped, Steps } from "../steps.ts";
import type { CelBudget, Scope } from "./evaluate.ts";
import { attempt, checkedBool, Evaluation, evaluateCel, itemsOf, scopeOf } from "./evaluate.ts";
import type { Call, Expression, Fold } from "./expression.ts";
import { partsOf } from "./expression.ts";
import { CelBudgetError, CelError, CelOptional } from "./values.ts";

/** Of an evaluation that is tried at once: less than a millisecond. */
const AT_ONCE_COST_MAX = 2_000;
/** Steps of an evaluation, in the units of `Pace`. */
export const COST_OF_A_UNIT: number = 10;

export interface Evaluated {
  readonly value: unknown;
}

/** As `evaluateCel`, at once if it is small. */
export function evaluateInSteps(
  expression: Expression,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
  pace: Pace,
): Stepped<Evaluated> {
  const { left } = budget;
  if (left > AT_ONCE_COST_MAX) {
    budget.left = AT_ONCE_COST_MAX;
    try {
      return { value: evaluateCel(expression, variables, budget) };
    } catch (error) {
      if (!(error instanceof CelBudgetError)) throw error;
    } finally {
      budget.left += left - AT_ONCE_COST_MAX;
    }
    // It is begun anew: of what it has done nothing is left.
    budget.left = left;
  }
  return inSteps(expression, variables, budget, pace);
}

function* inSteps(
  expression: Expression,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
  pace: Pace,
): Steps<Evaluated> {
  return { value: yield* new SteppedEvaluation(budget, pace).steps(expression, scopeOf(variables)) };
}

class SteppedEvaluation extends Evaluation {
  readonly #budget: CelBudget;
  readonly #pace: Pace;
  /** Whether there is a fold in an expression. */
  readonly #folding = new Map<Expression, boolean>();
  /** What parts of the expression that is run have become, or why they have no value. */
  readonly #known = new Map<Expression, unknown>();
  #left: number;

  constructor(budget: CelBudget, pace: Pace) {
    super(budget);
    this.#budget = budget;
    this.#pace = pace;
    this.#left = budget.left;
  }

  override run(expression: Expression, scope: Scope | undefined): unknown {
    if (!this.#known.has(expression)) return super.run(expression, scope);
    const known = this.#known.get(expression);
    if (known instanceof CelError) throw known;
    return known;
  }

  *steps(expression: Expression, scope: Scope | undefined): Steps<unknown> {
    if (!this.#folds(expression)) return this.run(expression, scope);
    if (expression.is === "fold") return yield* this.#fold(expression, scope);
    if (expression.is === "call") {
      const chosen = yield* this.#choice(expression, scope);
      if (chosen !== undefined) return chosen.value;
    }
    return yield* this.#whole(expression, scope);
  }

  /** What needs all of its parts is run when they are known, from the left: behind one that has no value nothing more is asked for. */
  *#whole(expression: Expression, scope: Scope | undefined): Steps<unknown> {
    const known: [Expression, unknown][] = [];
    const parts = partsOf(expression);
    const last = parts.findLastIndex((part) => this.#folds(part));
    for (const part of parts.slice(0, last + 1)) {
      // A name may be that of a package of functions, which has no value.
      if (part.is === "identifier") continue;
      const value = yield* this.#attempt(part, scope);
      known.push([part, value]);
      if (value instanceof CelError) break;
    }
    for (const [part, value] of known) this.#known.set(part, value);
    try {
      return super.run(expression, scope);
    } finally {
      this.#known.clear();
    }
  }

  /** undefined: it is no call of which some parts are left out. */
  *#choice(call: Call, scope: Scope | undefined): Steps<{ readonly value: unknown } | undefined> {
    const { name, target, args } = call;
    const [first, second, third] = args;
    if (target !== undefined) {
      if ((name !== "or" && name !== "orValue") || first === undefined || !this.#folds(first)) return undefined;
      const given = yield* this.steps(target, scope);
      if (!(given instanceof CelOptional)) return undefined;
      this.#budget.spend(1);
      if (given.value !== undefined) return { value: name === "or" ? given : given.value };
      return { value: yield* this.steps(first, scope) };
    }
    switch (name) {
      case "_&&_":
        return { value: yield* this.#logical(args, false, scope) };
      case "_||_":
        return { value: yield* this.#logical(args, true, scope) };
      case "_?_:_": {
        const chosen = (yield* this.#bool(first, scope)) ? second : third;
        return { value: chosen === undefined ? undefined : yield* this.steps(chosen, scope) };
      }
    }
    return undefined;
  }

  *#logical(parts: readonly Expression[], decisive: boolean, scope: Scope | undefined): Steps<boolean> {
    let problem: CelError | undefined;
    for (const part of parts) {
      const given = yield* this.#attempt(part, scope);
      const value = given instanceof CelError ? given : attempt(() => checkedBool(given));
      if (value === decisive) return decisive;
      if (value instanceof CelError) problem ??= value;
    }
    if (problem !== undefined) throw problem;
    return !decisive;
  }

  *#bool(expression: Expression | undefined, scope: Scope | undefined): Steps<boolean> {
    return checkedBool(expression === undefined ? undefined : yield* this.steps(expression, scope));
  }

  *#attempt(expression: Expression, scope: Scope | undefined): Steps<unknown> {
    if (!this.#folds(expression)) return attempt(() => this.run(expression, scope));
    try {
      return yield* this.steps(expression, scope);
    } catch (error) {
      if (error instanceof CelError) return error;
      throw error;
    }
  }

  *#fold({ over, variables, result, condition, step, end }: Fold, scope: Scope | undefined): Steps<unknown> {
    const items = itemsOf(yield* this.steps(over, scope), variables.length > 1);
    const found: Scope = { name: result.name, value: undefined, outer: scope };
    found.value = yield* this.#attempt(result.initial, scope);
    const always = condition.is === "literal" && condition.value.value === true;
    const [first = "", second] = variables;
    for (const [key, value] of items) {
      if (this.#isDue()) yield;
      const one: Scope = { name: first, value: key, outer: found };
      const inner = second === undefined ? one : { name: second, value, outer: one };
      if (!always && !(yield* this.#bool(condition, inner))) break;
      found.value = yield* this.#attempt(step, inner);
      if (always && found.value instanceof CelError) throw found.value;
    }
    return yield* this.steps(end, found);
  }

  #isDue(): boolean {
    const spent = this.#left - this.#budget.left;
    this.#left = this.#budget.left;
    return this.#pace.isDue(spent / COST_OF_A_UNIT);
  }

  #folds(expression: Expression): boolean {
    let folds = this.#folding.get(expression);
    if (folds === undefined) {
      folds = expression.is === "fold" || partsOf(expression).some((part) => this.#folds(part));
      this.#folding.set(expression, folds);
    }
    return folds;
  }
}
