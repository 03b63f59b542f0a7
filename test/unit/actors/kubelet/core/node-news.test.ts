import { describe, expect, it } from "vitest";
import { isNodeReady, nodeNews } from "../../../../../actors/kubelet/core/node-news.ts";
import type { Node } from "../../../../../protocols/kubernetes/types/core-v1.ts";

function node(ready: "True" | "False" | "Unknown", pressure: "True" | "False"): Node {
  const reason = pressure === "True" ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory";
  return {
    status: {
      conditions: [
        { type: "MemoryPressure", status: pressure, reason },
        { type: "Ready", status: ready, reason: "KubeletReady" },
      ],
    },
  };
}

describe("what a kubelet tells of its node", () => {
  it.each<[string, Node | undefined, Node, readonly string[]]>([
    ["that it is ready at first, and of no pressure", undefined, node("True", "False"), ["NodeReady"]],
    ["nothing where nothing changed", node("True", "False"), node("True", "False"), []],
    ["that it is ready again", node("Unknown", "False"), node("True", "False"), ["NodeReady"]],
    ["that it is not", node("True", "False"), node("False", "False"), ["NodeNotReady"]],
    ["of pressure", node("True", "False"), node("True", "True"), ["NodeHasInsufficientMemory"]],
    ["that it is over", node("True", "True"), node("True", "False"), ["NodeHasSufficientMemory"]],
  ])("is %s", (_what, before, after, reasons) => {
    expect(nodeNews(before, after).map(({ reason }) => reason)).toEqual(reasons);
  });

  it("is by its Ready condition alone", () => {
    expect([node("True", "True"), node("Unknown", "False"), {}].map(isNodeReady)).toEqual([true, false, false]);
  });
});
