import { describe, expect, it } from "vitest";
import { momentOf } from "../../../../../actors/trace-collector/core/moment.ts";
import { objectOf, stateAt } from "../../../../../actors/trace-collector/core/state.ts";
import { TraceRecord } from "../../../../../actors/trace-collector/core/record.ts";
import { recordOf, recordOfWrites } from "../../../../fixtures/trace-lines.ts";

const record = recordOfWrites(
  ["pods/default/a", { spec: { n: 1 } }],
  ["pods/shop/b", { spec: { n: 2 } }],
  ["pods/default/a", { spec: { n: 3 } }],
  ["nodes/n", {}],
  ["pods/default/a", undefined],
);
const subjectsAt = (moment: Parameters<typeof stateAt>[1], filter = {}): readonly string[] =>
  stateAt(record, moment, filter).objects.map(({ subject }) => subject);

describe("the state at a moment", () => {
  it("is what each object was by the last write before, with its revision", () => {
    const first = stateAt(record, { revision: 3 }).objects[0]!;
    expect(first.subject).toBe("pods/default/a");
    expect(objectOf(first)).toEqual({ spec: { n: 3 }, metadata: { resourceVersion: "3" } });
    expect(subjectsAt({ revision: 5 })).toEqual(["nodes/n", "pods/shop/b"]);
  });

  it("is told by a time, and by an event", () => {
    expect(stateAt(record, 2_500)).toMatchObject({ revision: 2, timeMs: 2_000 });
    expect(stateAt(record, "api#4").revision).toBe(4);
  });

  it("is filtered by resource, namespace and name", () => {
    expect(subjectsAt({ revision: 4 }, { resource: "pods" })).toEqual(["pods/default/a", "pods/shop/b"]);
    expect(subjectsAt({ revision: 4 }, { resource: "pods", namespace: "shop" })).toEqual(["pods/shop/b"]);
    expect(subjectsAt({ revision: 4 }, { resource: "nodes", namespace: "shop", name: "n" })).toEqual(["nodes/n"]);
  });

  it("is nothing of a kind that has no objects, and refused of one that nobody knows", () => {
    expect(subjectsAt({ revision: 4 }, { resource: "deployments" })).toEqual([]);
    expect(() => subjectsAt({ revision: 4 }, { resource: "podz" })).toThrow(/of a kind podz; did you mean pods\?/);
  });

  it("is not made up where the record does not have it", () => {
    expect(() => subjectsAt({ revision: 6 })).toThrow(/ends at revision 5, before revision 6/);
    expect(() => subjectsAt(500)).toThrow(/begins at revision 1/);
    expect(() => subjectsAt("api#9")).toThrow(/no event api#9/);
    expect(() => stateAt(recordOf("api write pods/default/a action=put revision=1"), 1)).toThrow(/has events only/);
    const later = new TraceRecord({ events: record.events, changes: record.changes.slice(2) });
    expect(() => stateAt(later, { revision: 2 })).toThrow(/begins at revision 3/);
  });
});

describe("a moment", () => {
  it.each([
    ["revision 132", { revision: 132 }],
    ["rev:132", { revision: 132 }],
    ["scheduler-0#42", "scheduler-0#42"],
    ["worker-1/kubelet#2", "worker-1/kubelet#2"],
    ["2s", 3_000],
    ["00:00:03.250", 3_250],
    ["23:59:59", -1_000],
    ["1970-01-01T00:00:04Z", 4_000],
  ])("%s", (text, moment) => {
    expect(momentOf(record, text)).toEqual(moment);
  });

  it.each(["soon", "132", "25:61:00x", ""])("is not %j", (text) => {
    expect(() => momentOf(record, text)).toThrow(/is no moment/);
  });
});
