import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { differencesBetween, valueAt } from "../../../../../actors/trace-collector/core/differences.ts";

describe("differences", () => {
  it("are told by their paths", () => {
    const before = {
      spec: { replicas: 3, containers: [{ image: "a" }] },
      metadata: { labels: { "app.io/name": "x" } },
    };
    const after = { spec: { replicas: 5, containers: [{ image: "b" }] }, metadata: { labels: {} } };
    expect(differencesBetween(before, after)).toEqual([
      { path: "spec.replicas", before: 3, after: 5 },
      { path: "spec.containers[0].image", before: "a", after: "b" },
      { path: 'metadata.labels["app.io/name"]', before: "x" },
    ]);
  });

  it("match items of a list by their names or types, whatever their order", () => {
    const ready = { type: "Ready", status: "False" };
    const before = {
      conditions: [{ type: "PodScheduled", status: "True" }, ready],
      ports: [{ name: "a" }, { name: "a" }],
    };
    const after = {
      conditions: [
        { ...ready, status: "True" },
        { type: "PodScheduled", status: "True" },
      ],
      ports: [{ name: "a" }],
    };
    expect(differencesBetween(before, after).map(({ path }) => path)).toEqual(["conditions[Ready].status", "ports[1]"]);
    expect(valueAt(after, "conditions[Ready].status")).toBe("True");
    expect(valueAt(after, "conditions[0].status")).toBe("True");
  });

  it("leave out what the server keeps for itself", () => {
    const of = (resourceVersion: string): object => ({
      metadata: { resourceVersion, managedFields: [resourceVersion] },
    });
    expect(differencesBetween(of("1"), of("2"))).toEqual([]);
  });

  it("stand at the paths that they tell, and are none between what is the same", () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(differencesBetween(before, structuredClone(before))).toEqual([]);
        for (const { path, before: was, after: is } of differencesBetween({ x: before }, { x: after })) {
          if (/""|"[^"]*["\]\\][^"]*"/.test(path)) continue;
          expect(valueAt({ x: before }, path)).toEqual(was);
          expect(valueAt({ x: after }, path)).toEqual(is);
        }
      }),
    );
  });
});
