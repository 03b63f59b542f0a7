/** Mistakes in controllers, scheduler and kubelet, which the story of a small cluster finds. */
import { rowOf } from "../row.mjs";

const row = rowOf("cluster", 20);

export const variants = [
  row(
    "controller-counts-before-it-sees",
    "actors/controller-manager/core/expectations.ts",
    `    if (expected.creations > 0 || expected.deletions.size > 0)`,
    `    if (expected.creations < 0)`,
    "a controller makes pods once more that its cache does not show yet",
  ),
  row(
    "failed-told-as-succeeded",
    "actors/kubelet/core/pod-status.ts",
    `  return counts.failed === 0 ? "Succeeded" : "Failed";`,
    `  return "Succeeded";`,
    "a pod whose container failed is said to have succeeded",
  ),
  row(
    "never-is-restarted",
    "actors/kubelet/core/restart-policy.ts",
    `  if (policy === "Never") return false;
  return policy !== "OnFailure" || exitCode !== 0;`,
    `  return exitCode !== 0;`,
    "a container that failed is started again whatever the pod says",
  ),
];
