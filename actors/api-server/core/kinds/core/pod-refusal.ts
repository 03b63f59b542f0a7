/** How admission refuses a pod. */
import type { InkubeError } from "../../../../../protocols/errors.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { forbidden } from "../../machinery/status.ts";

export function refused(pod: Pod, why: string): InkubeError {
  const name = pod.metadata?.name ?? pod.metadata?.generateName ?? "";
  return forbidden({ group: "", resource: "pods" }, name, why);
}
