import { expect, it } from "vitest";
import { EventAggregation } from "../../../../../actors/client/core/event-aggregation.ts";

it("raises the count of an event that is repeated", () => {
  const aggregation = new EventAggregation();
  const key = { involvedUid: "1", involved: "Pod/a", type: "Warning", reason: "Failed" };
  expect(aggregation.take(key, "no", 0)).toMatchObject({ count: 1 });
  expect(aggregation.take(key, "no", 1)).toMatchObject({ count: 2 });
  expect(aggregation.take({ ...key, involvedUid: "2" }, "no", 1)).toMatchObject({ count: 1 });
});

it("combines events that differ only in their message, once they are many", () => {
  const aggregation = new EventAggregation({ similarMax: 2, windowMs: 1_000, keysMax: 4 });
  const key = { involvedUid: "1", involved: "Pod/a", type: "Warning", reason: "Failed" };
  aggregation.take(key, "1", 0);
  aggregation.take(key, "2", 0);
  expect(aggregation.take(key, "3", 0)).toMatchObject({ count: 1, message: "(combined from similar events): 3" });
  expect(aggregation.take(key, "4", 0)).toMatchObject({ count: 2 });
  expect(aggregation.take(key, "5", 2_000)).toMatchObject({ count: 1, message: "5" });
});
