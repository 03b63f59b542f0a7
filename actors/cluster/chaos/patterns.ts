/** Systematic patterns: what is tried at each moment where it may matter. */

/**
 * `crash-before`, `crash-after`, `lost-reply`, `conflict`: at each write of a controller. `down-after`: and it stays down while
 * something happens that it would be told of. `refused`: each request is answered with 500 once. `down`: at each notification
 * the controller is down. `held`: a notification comes only with the one that cancels it; `unseen`: and neither does. `dropped`:
 * the watch ends after a notification. `late`: what a controller has written it is told a while later, and what happens to other
 * resources at once. `stale-restart`: after each birth and death of an object the controller starts again on a cache that does
 * not know of it yet. `travel`: after a change of an object, on a cache that has an earlier state of it. `paused`: at each of its
 * writes of a Lease a controller does nothing for longer than that lasts; `twice`: and a second one is started beside it.
 *
 * Of pods that controllers made, and of the nodes where only such run, the faults of those names: a pod is killed as it begins to
 * run, and later; its image is gone as it is created; its status is changed behind the API; its node is lost for a moment, and for
 * so long that its pods are evicted, is drained, short of memory, upgraded.
 */
export type Pattern =
  | "crash-before"
  | "crash-after"
  | "down-after"
  | "lost-reply"
  | "conflict"
  | "refused"
  | "down"
  | "held"
  | "unseen"
  | "dropped"
  | "late"
  | "stale-restart"
  | "travel"
  | "paused"
  | "twice"
  | ClusterPattern;

/** What happens to the cluster, and not to a controller. */
export type ClusterPattern =
  | "pod-kill"
  | "image-gone"
  | "object-flip"
  | "node-loss"
  | "node-drain"
  | "memory-pressure"
  | "node-upgrade";

export const CLUSTER_PATTERNS: readonly ClusterPattern[] = [
  "pod-kill",
  "image-gone",
  "object-flip",
  "node-loss",
  "node-drain",
  "memory-pressure",
  "node-upgrade",
];

export const PATTERNS: readonly Pattern[] = [
  "crash-before",
  "crash-after",
  "down-after",
  "lost-reply",
  "conflict",
  "refused",
  "down",
  "held",
  "unseen",
  "dropped",
  "late",
  "stale-restart",
  "travel",
  "paused",
  "twice",
  ...CLUSTER_PATTERNS,
];
