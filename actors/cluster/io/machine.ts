/** What this machine offers, as each worker's capacity: a cluster in one process promises its whole machine to every node. */
import { availableParallelism, totalmem } from "node:os";
import type { NodeCapacity } from "../../kubelet/spec.ts";

export function machineCapacity(): NodeCapacity {
  return {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: "110",
    // Container files live in the data directory, which has no limit of its own.
    "ephemeral-storage": "100Gi",
  };
}
