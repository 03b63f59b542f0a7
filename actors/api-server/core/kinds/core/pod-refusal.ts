/** How admission refuses a pod: by the name that it was given, as kube-apiserver, which makes names after that. */
import type { InkubeError } from "../../../../../protocols/errors.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { forbidden } from "../../machinery/status.ts";

/** Of a generated name. */
const SUFFIX_LENGTH = 5;

export function refused(pod: Pod, why: string): InkubeError {
  const { name = "", generateName: prefix = "" } = pod.metadata ?? {};
  const isGenerated = prefix !== "" && name.startsWith(prefix) && name.length === prefix.length + SUFFIX_LENGTH;
  return forbidden({ group: "", resource: "pods" }, isGenerated ? prefix : name, why);
}
