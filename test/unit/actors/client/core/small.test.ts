import { expect, it } from "vitest";
import { EventAggregation } from "../../../../../actors/client/core/event-aggregation.ts";
import { matchesSelector } from "../../../../../actors/client/core/labels.ts";
import { parseMilli, parseQuantity } from "../../../../../actors/client/core/quantity.ts";

it.each([
  ["500m", 0.5],
  ["1.5", 1.5],
  ["128Mi", 134_217_728],
  ["2k", 2_000],
  ["1e3", 1_000],
  ["-1", -1],
  [3, 3],
  ["1.5Gi", 1_610_612_736],
  ["x", undefined],
  ["1 Gi", undefined],
  ["", undefined],
])("reads the quantity %s as %s", (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

it("counts CPU in thousandths, rounded up", () => {
  expect([parseMilli("100m"), parseMilli("0.1"), parseMilli("1"), parseMilli("100u")]).toEqual([100, 100, 1_000, 1]);
});

it("raises the count of an event that is repeated", () => {
  const aggregation = new EventAggregation();
  const key = { involvedUid: "1", involved: "Pod/a", type: "Warning", reason: "Failed" };
  expect(aggregation.take(key, "no", 0)).toMatchObject({ do: "create" });
  expect(aggregation.take(key, "no", 1)).toMatchObject({ do: "count", count: 2 });
  expect(aggregation.take({ ...key, involvedUid: "2" }, "no", 1)).toMatchObject({ do: "create" });
});

it("combines events that differ only in their message, once they are many", () => {
  const aggregation = new EventAggregation({ similarMax: 2, windowMs: 1_000, keysMax: 4 });
  const key = { involvedUid: "1", involved: "Pod/a", type: "Warning", reason: "Failed" };
  aggregation.take(key, "1", 0);
  aggregation.take(key, "2", 0);
  expect(aggregation.take(key, "3", 0)).toMatchObject({ do: "create", message: "(combined from similar events): 3" });
  expect(aggregation.take(key, "4", 0)).toMatchObject({ do: "count", count: 2 });
  expect(aggregation.take(key, "5", 2_000)).toMatchObject({ do: "create", message: "5" });
});

it("matches selectors as Kubernetes does", () => {
  const labels = { app: "web", tier: "front" };
  expect(matchesSelector(undefined, labels)).toBe(false);
  expect(matchesSelector({}, labels)).toBe(true);
  expect(matchesSelector({ matchLabels: { app: "web" } }, labels)).toBe(true);
  const one = (operator: string, key: string, values?: string[]): boolean =>
    matchesSelector({ matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] }, labels);
  expect([one("In", "app", ["web"]), one("In", "app", ["x"]), one("In", "no", ["x"])]).toEqual([true, false, false]);
  expect([one("NotIn", "app", ["web"]), one("NotIn", "app", ["x"]), one("NotIn", "no", ["x"])]).toEqual([
    false,
    true,
    true,
  ]);
  expect([one("Exists", "app"), one("Exists", "no"), one("DoesNotExist", "app"), one("DoesNotExist", "no")]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});
