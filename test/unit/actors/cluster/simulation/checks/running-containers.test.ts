import { describe, expect, it } from "vitest";
import { differenceOf } from "../../../../../../actors/cluster/simulation/checks/running-containers.ts";
import type { ContainerStatus, Pod } from "../../../../../../protocols/kubernetes/types/core-v1.ts";

function said(name: string, id: string, isRunning = true): ContainerStatus {
  const state = isRunning ? { running: {} } : { terminated: { exitCode: 0 } };
  return { name, image: "i", imageID: "i", ready: isRunning, restartCount: 0, containerID: `inkube://${id}`, state };
}

function pod(containerStatuses: ContainerStatus[], ephemeralContainerStatuses: ContainerStatus[] = []): Pod {
  return { kind: "Pod", metadata: { name: "p" }, status: { containerStatuses, ephemeralContainerStatuses } };
}

describe("what pods say of their containers", () => {
  it("is what their runtime has", () => {
    expect(differenceOf([pod([said("c", "1"), said("d", "2", false)])], new Set(["1"]))).toBe("");
    expect(differenceOf([pod([said("c", "1")])], new Set())).toBe(" p/c is said to run as 1, and does not;");
    expect(differenceOf([pod([said("c", "1", false)])], new Set(["1"]))).toBe(" 1 runs, and nobody says so;");
  });

  it("tells of containers that were added to look into a pod, too", () => {
    const debugged = pod([said("c", "1")], [said("debugger-0", "2")]);
    expect(differenceOf([debugged], new Set(["1", "2"]))).toBe("");
    expect(differenceOf([debugged], new Set(["1"]))).toBe(" p/debugger-0 is said to run as 2, and does not;");
    expect(differenceOf([pod([said("c", "1")])], new Set(["1", "2"]))).toBe(" 2 runs, and nobody says so;");
  });
});
