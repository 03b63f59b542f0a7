/**
 * Which of the pods that no node takes an event may help: their plugins are asked for hints, so that none is tried in vain for
 * each change of the cluster, and none is forgotten.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
 */
import type { ClusterEvent } from "./cluster-event.ts";
import { nodeOf } from "./cluster-event.ts";
import type { Rejection, Snapshot } from "./framework.ts";
import { CycleState } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";

/** Whether to try the pod again, which `rejectors` have rejected last. */
export function mayHelp(
  event: ClusterEvent,
  profile: Profile,
  pod: PodInfo,
  rejectors: ReadonlySet<string>,
  snapshot: Snapshot,
): boolean {
  // Of whom nothing is known, as after an error or without nodes, anything may help.
  let isLocal = rejectors.size === 0;
  for (const plugin of pluginsOf(profile, rejectors)) {
    if (plugin.isSchedulableAfter === undefined) isLocal = true;
    else if (plugin.isSchedulableAfter(event, pod, snapshot)) return true;
  }
  const node = nodeOf(event);
  return isLocal && node?.node !== undefined && (event.kind !== "pod-added" || rejectors.size === 0)
    ? suits(event, node, profile, pod, snapshot)
    : false;
}

function* pluginsOf(
  { plugins }: Profile,
  names: ReadonlySet<string>,
): Iterable<Profile["plugins"]["filter"][number] | Profile["plugins"]["preFilter"][number]> {
  for (const plugin of plugins.filter) if (names.has(plugin.name)) yield plugin;
  for (const plugin of plugins.preFilter) if (names.has(plugin.name) && plugin.filter === undefined) yield plugin;
}

/** The filters that look at one node alone take the pod on this one; or would, if room were made there. */
function suits(event: ClusterEvent, node: NodeInfo, profile: Profile, pod: PodInfo, snapshot: Snapshot): boolean {
  const rejection = localRejection(node, profile, pod, snapshot);
  if (rejection === undefined) return true;
  const isNode = event.kind === "node-added" || event.kind === "node-updated";
  return isNode && !rejection.unresolvable && [...node.pods.values()].some(({ priority }) => priority < pod.priority);
}

function localRejection(node: NodeInfo, { plugins }: Profile, pod: PodInfo, snapshot: Snapshot): Rejection | undefined {
  const state = new CycleState();
  for (const plugin of plugins.filter) {
    if (plugin.isSchedulableAfter !== undefined) continue;
    const rejection = plugin.filter(state, pod, node, snapshot);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}
