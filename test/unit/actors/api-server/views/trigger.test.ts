/** When a fault begins or ends, by what passes the server. */
import { describe, expect, it } from "vitest";
import type { ApiEvent } from "../../../../../actors/api-server/core/views/trigger.ts";
import { isOf, Trigger } from "../../../../../actors/api-server/core/views/trigger.ts";
import type { When } from "../../../../../protocols/api-faults.ts";

function event(given: Partial<ApiEvent>): ApiEvent {
  const place = { by: "web", resource: "configmaps", namespace: "default", name: "a" };
  return { on: "write", phase: "before", ...place, verb: "create", revision: 7, ...given };
}

/** At which of the events, counted from 1, it comes true; 0: at none. Events are 10 ms apart. */
function comesTrueAt(when: When, events: readonly Partial<ApiEvent>[]): number {
  const trigger = new Trigger(when, "web", 0);
  return events.findIndex((each, index) => trigger.observe(event(each), (index + 1) * 10)) + 1;
}

describe("a trigger", () => {
  const WRITES = [{ verb: "create" }, { verb: "update" }, { verb: "update" }, { verb: "delete" }];

  it.each<[string, When, number]>([
    ["the first write", { on: "write" }, 1],
    ["the second update", { on: "write", verb: "update", nth: 2 }, 3],
    ["what is read", { on: "read" }, 0],
    ["another phase", { on: "write", phase: "after" }, 0],
    ["another client", { on: "write", by: "shop" }, 0],
    ["any client whose name fits", { on: "write", by: "w*" }, 1],
    ["a Lease", { on: "lease" }, 0],
    ["a time", { atMs: 25 }, 3],
    [
      "all of two, in whatever order",
      {
        all: [
          { on: "write", verb: "delete" },
          { on: "write", verb: "create" },
        ],
      },
      4,
    ],
    [
      "any of two",
      {
        any: [
          { on: "write", verb: "delete" },
          { on: "write", verb: "update" },
        ],
      },
      2,
    ],
    [
      "one after the other",
      {
        seq: [
          { on: "write", verb: "update" },
          { on: "write", verb: "update" },
        ],
      },
      3,
    ],
    ["one after the other, the wrong way round", { seq: [{ on: "write", verb: "delete" }, { on: "write" }] }, 0],
    ["a time after an event", { seq: [{ on: "write", verb: "create" }, { atMs: 15 }] }, 3],
  ])("waits for %s", (_what, when, at) => {
    expect(comesTrueAt(when, WRITES)).toBe(at);
  });

  it("comes true once", () => {
    const trigger = new Trigger({ on: "write" }, "web", 0);
    expect([1, 2, 3].map((nowMs) => trigger.observe(event({}), nowMs))).toEqual([true, false, false]);
  });

  it("knows when time alone may make it true, also within a sequence", () => {
    const trigger = new Trigger({ seq: [{ on: "write" }, { atMs: 15 }] }, "web", 0);
    expect(trigger.dueMs).toBe(Infinity);
    trigger.observe(event({}), 100);
    expect(trigger.dueMs).toBe(115);
    expect(trigger.observe(undefined, 114)).toBe(false);
    expect(trigger.observe(undefined, 115)).toBe(true);
  });

  it("knows the revision of the first event that counted", () => {
    const trigger = new Trigger({ seq: [{ on: "delivery", verb: "ADDED" }, { on: "write" }] }, "web", 0);
    trigger.observe(event({ on: "delivery", verb: "ADDED", revision: 5 }), 1);
    trigger.observe(event({ revision: 9 }), 2);
    expect([trigger.isTrue, trigger.firstRevision]).toEqual([true, 5]);
  });
});

it.each([
  ["configmaps", true],
  ["configmaps/default/a", true],
  ["configmaps/default/*", true],
  ["config*/default/a", true],
  ["*", true],
  ["configmaps/default/ab", false],
  ["configmaps/other/a", false],
  ["secrets", false],
])("the pattern %s stands for configmaps/default/a: %s", (pattern, isSo) => {
  expect(isOf(pattern, event({}))).toBe(isSo);
});

it("a pattern of an object without a namespace has two parts", () => {
  const node = event({ resource: "nodes", namespace: "", name: "worker-0" });
  expect([isOf("nodes/worker-*", node), isOf("nodes/default/worker-0", node)]).toEqual([true, false]);
});
