import { describe, expect, it } from "vitest";
import { HEAP_LIMITS_MB } from "../../../../actors/cluster/topology.ts";
import { resourceLimitsOf } from "../../../../runtime/threads/resource-limits.ts";

const young = (heapLimitMb: number | undefined): number => resourceLimitsOf(heapLimitMb).maxYoungGenerationSizeMb ?? 0;

describe("the heap of a thread", () => {
  it("has more room for new objects on a master, whose turns carry out dozens of writes, than elsewhere", () => {
    expect(young(HEAP_LIMITS_MB["api-server"])).toBe(2 * young(HEAP_LIMITS_MB.kubelet));
    expect(young(undefined)).toBe(young(HEAP_LIMITS_MB.kubelet));
  });

  it("is limited to what its actor asks for, and is Node's own where it asks for nothing", () => {
    expect(resourceLimitsOf(256).maxOldGenerationSizeMb).toBe(256);
    expect(resourceLimitsOf(undefined)).not.toHaveProperty("maxOldGenerationSizeMb");
  });
});
