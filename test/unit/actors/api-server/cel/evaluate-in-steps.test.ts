/** An evaluation in pieces comes to what the same comes to at once, for the same cost. */
import { describe, expect, it } from "vitest";
import { compileCel } from "../../../../../actors/api-server/core/cel/compile.ts";
import { CelBudget, evaluateCel } from "../../../../../actors/api-server/core/cel/evaluate.ts";
import { evaluateInSteps } from "../../../../../actors/api-server/core/cel/evaluate-in-steps.ts";
import type { Expression } from "../../../../../actors/api-server/core/cel/expression.ts";
import { BASE_OVERLOADS } from "../../../../../actors/api-server/core/cel/overloads.ts";
import type { CelEnvironment } from "../../../../../actors/api-server/core/cel/type-check.ts";
import { DYN_TYPE } from "../../../../../actors/api-server/core/cel/types.ts";
import { CelMap } from "../../../../../actors/api-server/core/cel/values.ts";
import type { Steps } from "../../../../../actors/api-server/core/steps.ts";
import { finished, Pace, resultOf } from "../../../../../actors/api-server/core/steps.ts";
import type { Case } from "../../../../conformance/custom-case.mjs";
import { readCases } from "../../../../conformance/custom-case.mjs";

const environment: CelEnvironment = {
  variables: new Map(["self", "oldSelf"].map((name) => [name, DYN_TYPE])),
  overloads: BASE_OVERLOADS,
  bind: false,
  fieldsOf: () => undefined,
};

/** undefined: it knows of other types than a value without a schema has. */
function compiled(text: string): Expression | undefined {
  const program = finished(compileCel(text, environment, new Pace()));
  return "problem" in program ? undefined : program.expression;
}

function celOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(celOf);
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (typeof value !== "object" || value === null) return value;
  return new CelMap(new Map(Object.entries(value).map(([key, each]) => [key, celOf(each)])));
}

/** So little that nothing is tried at once. */
const BUDGET = 2_000;

interface Come {
  readonly value?: unknown;
  readonly problem?: string;
  readonly left: number;
}

function comes(run: (budget: CelBudget) => unknown, limit: number): Come {
  const budget = new CelBudget(limit);
  try {
    const value = run(budget);
    return { value, left: budget.left };
  } catch (error) {
    const { message, constructor } = error as Error;
    return { problem: `${constructor.name} ${message}`, left: Math.max(budget.left, 0) };
  }
}

function textsIn(value: unknown, key = ""): readonly string[] {
  if (typeof value === "string") return key === "rule" || key === "messageExpression" ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => textsIn(each, name));
}

const folder = new URL("../../../../conformance/custom/", import.meta.url);
const cases: readonly Case[] = ["folds", "library", "rules"].flatMap((name) =>
  readCases(new URL(`objects-${name}.yaml`, folder)),
);

/** Macros in every place of what has parts, with errors before and behind them. */
const PLACES: readonly string[] = [
  "[1, 2].map(x, [x, 3].map(y, y / (x - 1)))",
  "self.list.all(x, self.list.exists(y, x == y)) && self.none",
  "self.none || self.list.all(x, x > 0)",
  "self.list.all(x, x > 1) ? self.list.map(x, x + 1) : self.list.filter(x, x == 1)",
  "self.list.exists(x, x / 0 == 1) || true",
  "[dyn(self.none), dyn(self.list.map(x, x / 0))]",
  "[dyn(self.list.map(x, x / 0)), dyn(self.none)]",
  "{'a': dyn(self.list.map(x, x)), 'b': dyn(self.list.exists_one(x, x == 1))}",
  "{self.list.exists(x, x == 1): 1}",
  "self.list.map(x, x)[self.list.filter(y, y == 1).size()]",
  "self.list.map(x, {'a': x})[0].a",
  "has(self.list.map(x, {'a': x})[0].b)",
  "self.list.map(x, self.list.filter(y, y > x)).filter(z, z.size() > 1)",
  "optional.of(1).or(optional.of(self.list.map(x, x / 0).size())).value()",
  "optional.none().orValue(self.list.map(x, x + 1))",
  "self.list.map(x, optional.of(x)).all(x, x.orValue(self.list.filter(y, y > 1)[0]) > 0)",
  "!self.list.all(x, x > 5)",
  "self.list.map(x, self.list.map(y, y)) == [[1, 2, 3], [1, 2, 3], [1, 2, 3]]",
  "self.map.all(k, self.map[k] > 0 && self.list.exists(x, x == self.map[k]))",
  "self.list.transformMap(i, v, self.list.exists(x, x == i), v)",
  "self.list.all(x, self.list.all(y, self.list.all(z, x + y + z != 100)))",
  "optional.of(self.list).optMap(l, l.map(x, x + 1)).value().all(x, x > 1)",
  "self.list.existsOne(i, v, v == self.list.filter(w, w == i)[0])",
];
const SELF = celOf({ list: [1, 2, 3], map: { a: 1, b: 2 }, text: "abc" });

describe("an evaluation in pieces", () => {
  const same = (expression: Expression, variables: Readonly<Record<string, unknown>>, limit: number): void => {
    const atOnce = comes((budget) => evaluateCel(expression, variables, budget), limit);
    const inSteps = comes(
      (budget) => finished(evaluateInSteps(expression, variables, budget, new Pace())).value,
      limit,
    );
    expect(inSteps).toEqual(atOnce);
  };

  it.each(PLACES)("comes to the same, and costs the same: %s", (text) => {
    const expression = compiled(text);
    if (expression === undefined) throw new Error(`${text} can't be compiled`);
    for (const limit of [BUDGET, 40, 15, 5, 0]) same(expression, { self: SELF }, limit);
  });

  it("comes to the same of every rule that kube-apiserver was asked about", () => {
    let seen = 0;
    for (const one of cases) {
      const bodies = [...(one.bodies ?? []), ...(one.updates ?? []).flat()] as readonly Readonly<
        Record<string, unknown>
      >[];
      for (const expression of textsIn(one).map(compiled)) {
        if (expression === undefined) continue;
        for (const body of bodies) {
          for (const self of [body, body["spec"], ...Object.values(body)]) {
            seen++;
            same(expression, { self: celOf(self), oldSelf: celOf(body) }, BUDGET);
          }
        }
      }
    }
    expect(seen).toBeGreaterThan(500);
  });

  /** How much is spent in the dearest piece, and how many there are. */
  function pieces(work: Steps<unknown>, budget: CelBudget): { readonly most: number; readonly count: number } {
    let [most, count] = [0, 1];
    for (; ; count++) {
      const before = budget.left;
      let done: boolean | undefined;
      try {
        ({ done } = work.next());
      } catch {
        done = true;
      }
      most = Math.max(most, before - Math.max(budget.left, 0));
      if (done === true) return { most, count };
    }
  }

  const LONG = celOf({ list: Array.from({ length: 1_000 }, (_each, i) => i) });

  it.each([
    "self.list.all(x, self.list.all(y, x != y + 5000))",
    "self.list.map(x, self.list.filter(y, y > x)).size() > 0",
    "[1].all(x, self.list.all(y, self.list.exists(z, z + y < 0) || true))",
    "true && self.list.exists(x, [x].map(y, self.list.filter(z, z == y))[0].size() > 1)",
  ])("that uses up its budget is many small pieces: %s", (text) => {
    const budget = new CelBudget(1_000_000);
    const { most, count } = pieces(
      resultOf(evaluateInSteps(compiled(text) as Expression, { self: LONG }, budget, new Pace())),
      budget,
    );
    expect(budget.left).toBeLessThan(0);
    expect(count).toBeGreaterThan(300);
    expect(most).toBeLessThan(5_000);
  });

  it("that is small is one piece, for what it costs at once", () => {
    const expression = compiled("self.list.all(x, x < 5) && self.text.size() < 5") as Expression;
    const budget = new CelBudget(1_000_000);
    expect(evaluateInSteps(expression, { self: SELF }, budget, new Pace())).toEqual({ value: true });
    const atOnce = comes((other) => evaluateCel(expression, { self: SELF }, other), 1_000_000);
    expect(budget.left).toBe(atOnce.left);
  });

  it("that begins anew because it is not small does not pay twice", () => {
    const expression = compiled("self.list.map(x, x + 1).size() == 1000") as Expression;
    const run = (budget: CelBudget): unknown =>
      finished(evaluateInSteps(expression, { self: LONG }, budget, new Pace())).value;
    const atOnce = comes((budget) => evaluateCel(expression, { self: LONG }, budget), 100_000);
    expect(atOnce).toMatchObject({ value: true });
    expect(comes(run, 100_000)).toEqual(atOnce);
  });
});
