/** Whether what a node's pods say of their containers, added ones among them, is what its runtime has. */
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";

/** In words; empty when they agree. `running`: ids of the containers that run on the node that `items` are on. */
export function differenceOf(items: readonly Pod[], running: ReadonlySet<string>): string {
  let difference = "";
  const said = new Set<string>();
  for (const { metadata, status } of items) {
    const { containerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
    for (const { name, containerID = "", state } of [...containerStatuses, ...ephemeralContainerStatuses]) {
      if (state?.running === undefined) continue;
      const id = containerID.slice(containerID.indexOf("://") + 3);
      said.add(id);
      if (!running.has(id)) difference += ` ${metadata?.name}/${name} is said to run as ${id}, and does not;`;
    }
  }
  for (const id of running) if (!said.has(id)) difference += ` ${id} runs, and nobody says so;`;
  return difference;
}
