import { describe, expect, it } from "vitest";
import { storyOf } from "../../../../../actors/trace-collector/core/story.ts";
import { recordOf, recordOfWrites } from "../../../../fixtures/trace-lines.ts";

describe("a story", () => {
  const lives = recordOfWrites(
    ["pods/default/a", { spec: { n: 1 } }],
    ["pods/default/a", undefined],
    ["pods/default/a", { spec: { n: 1 } }],
    ["pods/default/a", { spec: { n: 2 } }],
  );

  it("begins with the last life, or with the first where that is wanted", () => {
    expect(storyOf(lives, "pod/a").entries.map(({ event }) => event)).toEqual(["api#3", "api#4"]);
    expect(storyOf(lives, "pod/a", { acrossRecreate: true }).entries).toHaveLength(4);
  });

  it("says what a write changed, and nothing of what it made", () => {
    const { entries } = storyOf(lives, "pod/a");
    expect(entries[0]).toMatchObject({ text: "somebody created pods/default/a (revision 3)", differences: [] });
    expect(entries[1]?.differences).toEqual([{ path: "spec.n", before: 1, after: 2 }]);
  });

  it("has the owners' events where they are wanted, and what was said of any", () => {
    const owner = { metadata: { namespace: "default", ownerReferences: [{ kind: "ReplicaSet", name: "web-1" }] } };
    const said = { type: "Warning", reason: "Failed", message: "no", involvedObject: { kind: "Pod", name: "web-1-x" } };
    const record = recordOfWrites(
      ["replicasets/default/web-1", {}],
      ["pods/default/web-1-x", owner],
      ["events/default/web-1-x.77", said],
      ["events/default/other.77", said],
    );
    expect(storyOf(record, "pod/web-1-x").entries.map(({ text }) => text)).toEqual([
      "somebody created pods/default/web-1-x (revision 2)",
      "said of pod web-1-x: Failed: no",
    ]);
    expect(storyOf(record, "pod/web-1-x", { owners: true }).subjects).toEqual([
      "pods/default/web-1-x",
      "replicasets/default/web-1",
    ]);
  });

  it("names the first cause of each event", () => {
    const record = recordOf(
      "supervisor kill worker-1",
      "manager pod-evicted pods/default/a node=worker-1 <- supervisor#1",
    );
    expect(storyOf(record, "pod/a").entries[0]?.because).toBe("supervisor#1");
  });
});
