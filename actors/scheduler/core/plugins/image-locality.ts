import type { SchedulerCache } from "../cache.ts";
import type { Plugin } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";

const NAME = "ImageLocality";
const MEBIBYTE = 1024 * 1024;
/** Images of less are as quickly fetched as not. */
const LEAST_BYTES = 23 * MEBIBYTE;
/** More of one container's image makes no difference. */
const MOST_BYTES_OF_CONTAINER = 1_000 * MEBIBYTE;

/**
 * Prefers nodes that have the pod's images, by their size; an image counts by the share of nodes that have it, so that one node
 * that happens to have it does not get all pods.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/imagelocality
 */
export const imageLocality: Plugin = {
  name: NAME,
  preScore(state, pod, _nodes, { cache }) {
    const images = imagesOf(pod);
    // What no node has makes all of them equal.
    if (images.every((image) => cache.nodesWithImage(image) === 0)) return "skip";
    state.write(NAME, images);
    return undefined;
  },
  score(state, _pod, node, { cache }) {
    const images = (state.read(NAME) as readonly string[] | undefined) ?? [];
    const most = MOST_BYTES_OF_CONTAINER * images.length;
    const bytes = Math.min(most, Math.max(LEAST_BYTES, spreadBytes(images, node, cache)));
    return Math.floor((MAX_NODE_SCORE * (bytes - LEAST_BYTES)) / (most - LEAST_BYTES));
  },
};

function spreadBytes(images: readonly string[], node: NodeInfo, cache: SchedulerCache): number {
  let sum = 0;
  for (const image of images) {
    const bytes = node.images.get(image);
    if (bytes !== undefined) sum += Math.trunc(bytes * (cache.nodesWithImage(image) / cache.nodes.length));
  }
  return sum;
}

function imagesOf({ pod }: PodInfo): readonly string[] {
  const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
  const ofContainers = [...initContainers, ...containers].map(({ image }) => normalized(image ?? ""));
  return [
    ...ofContainers,
    ...volumes.flatMap(({ image }) => (image === undefined ? [] : [normalized(image.reference ?? "")])),
  ];
}

/** With the tag that a name without one has. */
function normalized(name: string): string {
  return name.lastIndexOf(":") <= name.lastIndexOf("/") ? `${name}:latest` : name;
}
