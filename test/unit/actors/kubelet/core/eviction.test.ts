import { describe, expect, it } from "vitest";
import type { MemoryUse } from "../../../../../actors/kubelet/core/eviction.ts";
import { evictionMessage, evictionOrder, refusalUnderPressure } from "../../../../../actors/kubelet/core/eviction.ts";
import { formatBinary } from "../../../../../actors/kubelet/core/quantity.ts";
import type { Pod, PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const MI = 2 ** 20;

function pod(name: string, request?: string, spec: Partial<PodSpec> = {}): Pod {
  const resources = request === undefined ? {} : { requests: { memory: request } };
  return {
    metadata: { name, namespace: "default", uid: name },
    spec: { containers: [{ name: "main", image: "x", resources }], ...spec },
  };
}

const uses = (...of: readonly (readonly [string, number])[]): readonly MemoryUse[] =>
  of.map(([uid, mebibytes]) => ({ uid, container: "main", memoryBytes: mebibytes * MI }));

/** @see https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction */
describe("the order of eviction", () => {
  const names = (pods: readonly Pod[], used: readonly MemoryUse[]): readonly string[] =>
    evictionOrder(pods, used).map(({ metadata }) => metadata?.name ?? "");

  it.each<[string, readonly Pod[], readonly MemoryUse[], readonly string[]]>([
    [
      "who uses more than it asked for goes before who does not, however little that is",
      [pod("within", "100Mi"), pod("over", "10Mi")],
      uses(["within", 99], ["over", 11]),
      ["over", "within"],
    ],
    [
      "who asked for nothing uses more than that, also where nothing is known of its use",
      [pod("within", "1Mi"), pod("best-effort")],
      [],
      ["best-effort", "within"],
    ],
    [
      "among those the lower priority goes first",
      [pod("high", undefined, { priority: 10 }), pod("low", undefined, { priority: -5 }), pod("none")],
      uses(["high", 90], ["low", 1], ["none", 5]),
      ["low", "none", "high"],
    ],
    [
      "priority does not save one that is over from going before one that is not",
      [pod("within", "10Mi", { priority: 0 }), pod("over", "10Mi", { priority: 1_000 })],
      uses(["within", 10], ["over", 20]),
      ["over", "within"],
    ],
    [
      "of one priority who is the furthest above what it asked for",
      [pod("by-5", "10Mi"), pod("by-40", "60Mi"), pod("by-20")],
      uses(["by-5", 15], ["by-40", 100], ["by-20", 20]),
      ["by-40", "by-20", "by-5"],
    ],
    [
      "critical pods stay",
      [pod("critical", undefined, { priority: 2_000_000_000 }), pod("web")],
      uses(["critical", 500], ["web", 1]),
      ["web"],
    ],
  ])("%s", (_what, pods, used, expected) => {
    expect(names(pods, used)).toEqual(expected);
    expect(names([...pods].reverse(), used)).toEqual(expected);
  });
});

it("the message names the containers that use more than they asked for", () => {
  const two: Pod = {
    metadata: { uid: "web" },
    spec: {
      containers: [
        { name: "main", image: "x", resources: { requests: { memory: "8Mi" } } },
        { name: "proxy", image: "x" },
        { name: "idle", image: "x" },
      ],
    },
  };
  const used: readonly MemoryUse[] = [
    { uid: "web", container: "main", memoryBytes: 8 * MI },
    { uid: "web", container: "proxy", memoryBytes: 3 * MI + 512 },
    { uid: "other", container: "idle", memoryBytes: 5 * MI },
  ];
  expect(evictionMessage(two, used)).toBe(
    "The node was low on resource: memory. Container proxy was using 3146240, request is 0, has larger consumption of memory. ",
  );
  expect(evictionMessage(two, [])).toBe("The node was low on resource: memory. ");
});

it.each([
  [0, "0"],
  [1_023, "1023"],
  [1_024, "1Ki"],
  [53_200 * 1_024, "53200Ki"],
  [3 * MI, "3Mi"],
  [2 ** 31, "2Gi"],
])("%d bytes are printed as %s", (bytes, text) => {
  expect(formatBinary(bytes)).toBe(text);
});

describe("a node under pressure", () => {
  const key = "node.kubernetes.io/memory-pressure";

  it.each<[string, Pod, boolean]>([
    ["who asked for nothing", pod("a"), true],
    ["who asked for memory", pod("a", "1Mi"), false],
    ["a critical one", pod("a", undefined, { priority: 2_000_001_000 }), false],
    [
      "who tolerates it",
      pod("a", undefined, { tolerations: [{ key, operator: "Exists", effect: "NoSchedule" }] }),
      false,
    ],
    ["who tolerates everything", pod("a", undefined, { tolerations: [{ operator: "Exists" }] }), false],
    ["who tolerates another taint", pod("a", undefined, { tolerations: [{ key: "gpu", operator: "Exists" }] }), true],
    ["who tolerates another effect of it", pod("a", undefined, { tolerations: [{ key, effect: "NoExecute" }] }), true],
  ])("of %s", (_what, given, isRefused) => {
    expect(refusalUnderPressure(given) !== undefined).toBe(isRefused);
  });

  it("says so in Kubernetes' words", () => {
    expect(refusalUnderPressure(pod("a"))).toBe("Pod was rejected: The node had condition: [MemoryPressure]. ");
  });
});
