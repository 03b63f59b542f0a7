import { expect, it } from "vitest";
import { explain } from "../../../../actors/cluster/explain-wait.ts";
import type { ContainerStatus, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";

const container = (rest: Partial<ContainerStatus>): ContainerStatus => ({
  name: "web",
  ready: false,
  restartCount: 0,
  image: "shop/web:1",
  imageID: "",
  ...rest,
});

function pod(name: string, status: Pod["status"], nodeName = "worker-0"): Pod {
  return { metadata: { name, namespace: "default" }, spec: { containers: [], nodeName }, status } as Pod;
}

const pulling = pod("web-1", {
  phase: "Pending",
  containerStatuses: [container({ state: { waiting: { reason: "ErrImagePull", message: "no image shop/web:1" } } })],
});
const crashing = pod("web-2", {
  phase: "Running",
  containerStatuses: [
    container({
      restartCount: 4,
      state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s" } },
      lastState: { terminated: { exitCode: 3 } },
    }),
  ],
});
const unplaced = pod(
  "web-3",
  {
    phase: "Pending",
    conditions: [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/2 nodes are available" },
    ],
  },
  "",
);

it.each([
  ["is not there", undefined, "it is not there"],
  ["can't get its image", pulling, "container web: ErrImagePull: no image shop/web:1"],
  ["crashes", crashing, "container web: CrashLoopBackOff: back-off 40s; it ended 4 times, last with exit code 3"],
  ["fits nowhere", unplaced, "Unschedulable: 0/2 nodes are available"],
  [
    "failed",
    pod("a", { containerStatuses: [container({ state: { terminated: { exitCode: 2, reason: "Error" } } })] }),
    "container web: Error, exit code 2",
  ],
  [
    "is kept by an init container",
    pod("a", {
      phase: "Pending",
      initContainerStatuses: [container({ name: "init", state: { terminated: { exitCode: 1, reason: "Error" } } })],
      containerStatuses: [container({ state: { waiting: { reason: "PodInitializing" } } })],
    }),
    "container init: Error, exit code 1",
  ],
  [
    "has ended well",
    pod("a", {
      phase: "Succeeded",
      containerStatuses: [container({ state: { terminated: { exitCode: 0, reason: "Completed" } } })],
    }),
    "Succeeded on worker-0",
  ],
  [
    "is just starting",
    pod("a", {
      phase: "Pending",
      containerStatuses: [container({ state: { waiting: { reason: "ContainerCreating" } } })],
    }),
    "Pending on worker-0",
  ],
])("says why a pod is not ready that %s", (_, object, text) => {
  expect(explain("Pod", object, [])).toBe(text);
});

it("says of a Deployment how far it is, which conditions are wrong, and what keeps its pods", () => {
  const deployment = {
    spec: { replicas: 6 },
    status: {
      readyReplicas: 1,
      updatedReplicas: 6,
      conditions: [
        { type: "Progressing", status: "True", reason: "ReplicaSetUpdated" },
        {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: "no minimum availability",
        },
        { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" },
      ],
    },
  };
  const ready = pod("web-0", { conditions: [{ type: "Ready", status: "True" }] });
  const other = pod("web-4", { phase: "Pending" });
  expect(explain("Deployment", deployment as object, [ready, pulling, crashing, unplaced, other])).toBe(
    [
      "1 of 6 replicas are ready, 6 of the newest revision",
      "Available=False (MinimumReplicasUnavailable): no minimum availability",
      "ReplicaFailure=True (FailedCreate): quota",
      "pod web-1: container web: ErrImagePull: no image shop/web:1",
      "pod web-2: container web: CrashLoopBackOff: back-off 40s; it ended 4 times, last with exit code 3",
      "pod web-3: Unschedulable: 0/2 nodes are available",
      "1 more pods are not ready",
    ].join("; "),
  );
});

it("shows the status of what has neither replicas nor conditions", () => {
  expect(explain("Gadget", { status: { polished: 3 } } as object, [])).toBe('its status is {"polished":3}');
});

it("says of a node what is wrong, and nothing of the pressure that it is not under", () => {
  const conditions = [
    { type: "MemoryPressure", status: "False" },
    { type: "DiskPressure", status: "True", reason: "Full" },
    { type: "Ready", status: "False", message: "no runtime" },
  ];
  expect(explain("Node", { status: { conditions } } as object, [])).toBe(
    "DiskPressure=True (Full); Ready=False: no runtime",
  );
});
