/** Facts: what kube-controller-manager 1.37 wrote of a namespace with 60 kinds of custom resources, some of them held. */
import { describe, expect, it } from "vitest";
import { conditionsWith, toldOf } from "../../../../../actors/controller-manager/core/namespace-conditions.ts";

const held = ["example.com/held"];
const remaining = [
  { resource: "k5s", group: "ns5.example.com", count: 1, finalizers: [["example.com/other", "example.com/held"]] },
  { resource: "k3s", group: "ns3.example.com", count: 2, finalizers: [held, held] },
  { resource: "configmaps", group: "", count: 1, finalizers: [held] },
  { resource: "pods", group: "", count: 700, finalizers: [[], []] },
];

describe("the conditions of a namespace that is deleted", () => {
  it("tell what remains and what holds it", () => {
    expect(toldOf(remaining, [])).toEqual([
      {
        type: "NamespaceDeletionDiscoveryFailure",
        status: "False",
        reason: "ResourcesDiscovered",
        message: "All resources successfully discovered",
      },
      {
        type: "NamespaceDeletionGroupVersionParsingFailure",
        status: "False",
        reason: "ParsedGroupVersions",
        message: "All legacy kube types successfully parsed",
      },
      {
        type: "NamespaceDeletionContentFailure",
        status: "False",
        reason: "ContentDeleted",
        message: "All content successfully deleted, may be waiting on finalization",
      },
      {
        type: "NamespaceContentRemaining",
        status: "True",
        reason: "SomeResourcesRemain",
        message:
          "Some resources are remaining: configmaps. has 1 resource instances, k3s.ns3.example.com has 2 resource instances, " +
          "k5s.ns5.example.com has 1 resource instances, pods. has 700 resource instances",
      },
      {
        type: "NamespaceFinalizersRemaining",
        status: "True",
        reason: "SomeFinalizersRemain",
        message:
          "Some content in the namespace has finalizers remaining: example.com/held in 4 resource instances, " +
          "example.com/other in 1 resource instances",
      },
    ]);
  });

  it("tell what could not be deleted, and that nothing remains", () => {
    const told = toldOf([], ["b", "a"]);
    expect(told.map(({ status }) => status)).toEqual(["False", "False", "True", "False", "False"]);
    expect(told[2]).toMatchObject({
      reason: "ContentDeletionFailed",
      message: "Failed to delete all resource types, 2 remaining: a, b",
    });
    expect(told[3]).toMatchObject({ reason: "ContentRemoved", message: "All content successfully removed" });
  });

  it("are written when something of them has changed, and those of others are kept", () => {
    const other = { type: "Other", status: "True" } as never;
    const first = conditionsWith([other], toldOf(remaining, []), "t1") ?? [];
    expect(first).toHaveLength(6);
    expect(first[0]).toBe(other);
    expect(conditionsWith(first, toldOf(remaining, []), "t2")).toBeUndefined();
    const second = conditionsWith(first, toldOf(remaining.slice(1), []), "t2") ?? [];
    expect(second.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      undefined,
      "t1",
      "t1",
      "t1",
      "t2",
      "t2",
    ]);
  });
});
