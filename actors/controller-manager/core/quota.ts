import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Amounts, GroupResource } from "../../../protocols/kubernetes/quota/usage.ts";
import { added, usageOf } from "../../../protocols/kubernetes/quota/usage.ts";

/** How much of each amount is used. @param names those that the quota has */
export function usedOf(
  names: readonly string[],
  counted: readonly (readonly [GroupResource, readonly KubernetesObject[]])[],
  isIn: (of: GroupResource, object: KubernetesObject) => boolean,
  nowMs: number,
): Amounts {
  let used: Amounts = Object.fromEntries(names.map((name) => [name, "0"]));
  for (const [of, objects] of counted) {
    for (const object of objects) {
      if (!isIn(of, object)) continue;
      const own = Object.entries(usageOf(of, object, nowMs)).filter(([name]) => names.includes(name));
      used = added(used, Object.fromEntries(own));
    }
  }
  return used;
}
