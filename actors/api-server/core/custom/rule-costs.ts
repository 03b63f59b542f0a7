/**
 * What the rules of one schema may cost, by estimate: each, and all together. Source: apiextensions-apiserver
 * `apis/apiextensions/validation/validation.go` (getCostErrorMessage) and `cel_validation.go` (TotalCost).
 */
import { sum } from "../cel/sizes.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";

const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
/** So many of the dearest rules are named. */
const NAMED_MAX = 4;
/** Cheaper ones are not. */
const NAMED_COST_MIN = SCHEMA_COST_MAX / 100;

export class RuleCosts {
  #total = 0;
  #dearest: readonly { readonly field: string; readonly cost: number }[] = [];
  readonly #unchanged: boolean;

  /** @param unchanged the schema is stored already: its rules are not refused one by one */
  constructor(unchanged: boolean) {
    this.#unchanged = unchanged;
  }

  check(field: string, what: string, cost: number, errors: FieldErrors): void {
    if (!this.#unchanged && cost > RULE_COST_MAX) errors.forbidden(field, exceeded(what, cost, RULE_COST_MAX));
    this.#total = sum(this.#total, cost);
    if (cost < NAMED_COST_MIN) return;
    this.#dearest = [...this.#dearest, { field, cost }].sort((a, b) => b.cost - a.cost).slice(0, NAMED_MAX);
  }

  /** @param field the whole schema */
  checkTotal(field: string, errors: FieldErrors): void {
    if (this.#total <= SCHEMA_COST_MAX) return;
    for (const one of this.#dearest) {
      errors.forbidden(
        one.field,
        "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
      );
    }
    const what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    errors.forbidden(field, exceeded(what, this.#total, SCHEMA_COST_MAX));
  }
}

function exceeded(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100x" : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  const advice =
    "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared";
  return `${what} exceeds budget by factor of ${shown} (${advice})`;
}
