/** A node with the pods on it, summed up: the pods that run there and those that are assumed to. */
import type { Node, Taint } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { HostPort, PodInfo, Resources } from "./pod-info.ts";
import { addResources, emptyResources, resourcesOf, units } from "./pod-info.ts";

export class NodeInfo {
  readonly name: string;
  /** Undefined while pods are known on a node that is not. */
  node: Node | undefined;
  allocatable: Resources = emptyResources();
  podsMax: number = 0;
  /** With what filters must see at once: `spec.taints`. */
  taints: readonly Taint[] = [];
  readonly requested: Resources = emptyResources();
  scoredCpuMilli: number = 0;
  scoredMemoryBytes: number = 0;
  readonly pods: Map<string, PodInfo> = new Map();
  readonly hostPorts: HostPort[] = [];
  /** Pods on the node by the uid of their controller. */
  readonly podsByOwner: Map<string, number> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    const allocatable = node?.status?.allocatable ?? node?.status?.capacity;
    this.allocatable = resourcesOf(allocatable);
    this.podsMax = units(allocatable?.["pods"] ?? "0");
    this.taints = node?.spec?.taints ?? [];
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
    if (pod.ownerUid === "") return;
    const left = (this.podsByOwner.get(pod.ownerUid) ?? 0) + sign;
    if (left === 0) this.podsByOwner.delete(pod.ownerUid);
    else this.podsByOwner.set(pod.ownerUid, left);
  }
}
