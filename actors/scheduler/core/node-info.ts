/** A node with the pods on it, summed up: the pods that run there and those that are assumed to. */
import type { Labels } from "../../../protocols/kubernetes/selectors.ts";
import type { Node, Taint } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { HostPort, PodInfo, Resources } from "./pod-info.ts";
import { addResources, emptyResources, resourcesOf, units } from "./pod-info.ts";

const NO_LABELS: Labels = {};

export class NodeInfo {
  readonly name: string;
  /** Undefined while pods are known on a node that is not. */
  node: Node | undefined;
  labels: Labels = NO_LABELS;
  allocatable: Resources = emptyResources();
  podsMax: number = 0;
  /** With what filters must see at once: `spec.taints`. */
  taints: readonly Taint[] = [];
  /** Sizes in bytes of the images that are on the node, by each of their names. */
  images: ReadonlyMap<string, number> = new Map();
  readonly requested: Resources = emptyResources();
  scoredCpuMilli: number = 0;
  scoredMemoryBytes: number = 0;
  readonly pods: Map<string, PodInfo> = new Map();
  readonly hostPorts: HostPort[] = [];

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    this.labels = node?.metadata?.labels ?? NO_LABELS;
    const allocatable = node?.status?.allocatable ?? node?.status?.capacity;
    this.allocatable = resourcesOf(allocatable);
    this.podsMax = units(allocatable?.["pods"] ?? "0");
    this.taints = node?.spec?.taints ?? [];
    this.images = imagesOf(node);
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.key, pod);
    this.count(pod, 1);
    this.hostPorts.push(...pod.hostPorts);
  }

  remove(pod: PodInfo): void {
    if (!this.pods.delete(pod.key)) return;
    this.count(pod, -1);
    for (const port of pod.hostPorts) {
      const at = this.hostPorts.indexOf(port);
      if (at >= 0) this.hostPorts.splice(at, 1);
    }
  }

  private count(pod: PodInfo, sign: 1 | -1): void {
    addResources(this.requested, pod.requests, sign);
    this.scoredCpuMilli += sign * pod.scoredCpuMilli;
    this.scoredMemoryBytes += sign * pod.scoredMemoryBytes;
  }
}

function imagesOf(node: Node | undefined): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names, sizeBytes } of node?.status?.images ?? []) {
    for (const name of names ?? []) images.set(name, sizeBytes ?? 0);
  }
  return images;
}
