import { describe, expect, it } from "vitest";
import { conditionOf } from "../../../../../actors/trace-collector/core/where.ts";
import { eventsOf } from "../../../../fixtures/trace-lines.ts";

const [write] = eventsOf("api write pods/shop/web-1 action=put revision=12 user=system:kube-scheduler <- api#7");

describe("conditions on events", () => {
  it.each<[string, boolean]>([
    ["kind=write", true],
    ["kind!=write", false],
    ["kind=w*e", true],
    ["kind=w", false],
    ["subject~web", true],
    ["subject!~web", false],
    ["user=system:*", true],
    ["user!=system:*", false],
    ["resource=pods and namespace=shop", true],
    ["resource=pods and namespace=other", false],
    ["kind=down or kind=write and actor=api", true],
    ["kind=write and actor=x or kind=down", false],
    ["revision>11 and revision<=12", true],
    ["revision<12", false],
    ["nodes>=0", false],
    ['subject="pods/shop/web-1"', true],
    ["cause=api#7", true],
    ["event=api#1", true],
    ["kind = write AND actor = api", true],
  ])("%s of a write: %s", (where, holds) => {
    expect(conditionOf(where)(write!)).toBe(holds);
  });

  it.each([
    ["", /its end stands where a condition/],
    ["kind", /"kind" stands where a condition/],
    ["kind=write actor=api", /"actor=api" stands where and, or, or the end/],
    ["kind=write and", /"and" stands where and, or/],
    ["kind=write and ", /its end stands where a condition/],
    ["revision>many", /> compares numbers, and many is none/],
  ])("refuses %j and says where", (where, why) => {
    expect(() => conditionOf(where)).toThrow(why);
    expect(() => conditionOf(where)).toThrow(expect.objectContaining({ code: "INVALID_WHERE" }));
  });
});
