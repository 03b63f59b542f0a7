/**
 * All nodes with their pods as the scheduler believes them to be: what the API server has said, and the pods that it has
 * placed itself and whose binding is not confirmed yet (assumed pods). What plugins count is counted along with it.
 *
 * @see pkg/scheduler/backend/cache
 */
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ClusterEvent } from "./cluster-event.ts";
import { NodeInfo } from "./node-info.ts";
import { interleaveZones } from "./node-order.ts";
import type { PodCounts } from "./pod-counts.ts";
import { PodIndex } from "./pod-index.ts";
import type { PodInfo } from "./pod-info.ts";
import { podInfo } from "./pod-info.ts";

interface Placed {
  readonly info: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

/** What a pod that is on a node has become: `previous` undefined when it was not there. */
export interface PodChange {
  readonly info: PodInfo;
  readonly previous: PodInfo | undefined;
}

/** What the nodes' values of one label make of them. */
export interface Topology {
  readonly domains: ReadonlySet<string>;
  /** How many have the label. */
  readonly nodes: number;
}

export class SchedulerCache {
  readonly index: PodIndex = new PodIndex();
  /** Another one whenever a node comes or goes, or its labels or taints are others. */
  topologyVersion = 0;
  /** Another one whenever a pod comes or goes, also one that is only tried out. */
  podsVersion = 0;
  private readonly byName = new Map<string, NodeInfo>();
  private readonly placed = new Map<string, Placed>();
  private readonly imageNodes = new Map<string, number>();
  private known: NodeInfo[] | undefined;
  private readonly domainsByKey = new Map<string, Topology>();
  private domainsVersion = -1;

  /** The nodes that exist; zone by zone in turn, so that whoever looks at the first ones only sees all zones. */
  get nodes(): readonly NodeInfo[] {
    this.known ??= interleaveZones([...this.byName.values()].filter((info) => info.node !== undefined));
    return this.known;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.byName.get(name);
    return info?.node === undefined ? undefined : info;
  }

  /** Undefined: nothing about it that counts has changed; a heartbeat helps nobody. */
  setNode(node: Node): ClusterEvent | undefined {
    const info = this.infoOf(node.metadata?.name ?? "");
    const { node: before, taints, labels, images } = info;
    info.setNode(node);
    const isMoved = before === undefined || differ(labels, info.labels);
    const isTainted = differ(taints, info.taints);
    if (isMoved) this.known = undefined;
    if (isMoved || isTainted) this.topologyVersion++;
    this.countImages(images, info.images);
    if (before === undefined) return { kind: "node-added", node: info };
    const isAnother =
      isMoved ||
      isTainted ||
      before.spec?.unschedulable !== node.spec?.unschedulable ||
      differ(before.status?.allocatable, node.status?.allocatable);
    return isAnother ? { kind: "node-updated", node: info } : undefined;
  }

  removeNode(name: string): void {
    const info = this.byName.get(name);
    if (info === undefined) return;
    this.known = undefined;
    this.topologyVersion++;
    this.countImages(info.images, new Map());
    info.setNode(undefined);
    if (info.pods.size === 0) this.byName.delete(name);
  }

  /** On how many nodes an image is. */
  nodesWithImage(name: string): number {
    return this.imageNodes.get(name) ?? 0;
  }

  topologyOf(topologyKey: string): Topology {
    if (this.domainsVersion !== this.topologyVersion) {
      this.domainsVersion = this.topologyVersion;
      this.domainsByKey.clear();
    }
    let topology = this.domainsByKey.get(topologyKey);
    if (topology === undefined) {
      const values = this.nodes.flatMap(({ labels }) => labels[topologyKey] ?? []);
      topology = { domains: new Set(values), nodes: values.length };
      this.domainsByKey.set(topologyKey, topology);
    }
    return topology;
  }

  /** See `PodIndex.countsOf`. */
  countsOf(text: string, namespace: string | undefined, matches: (pod: PodInfo) => boolean): PodCounts {
    return this.index.countsOf(text, namespace, matches, this.byName.values());
  }

  /** A pod that is bound; confirms it when it was assumed. Undefined: nothing about it that counts has changed. */
  setPod(pod: Pod): PodChange | undefined {
    const info = podInfo(pod);
    const node = pod.spec?.nodeName ?? "";
    const before = this.placed.get(info.key);
    if (before !== undefined && before.node === node && before.info.uid === info.uid && sameNeeds(before.info, info)) {
      // The same weight at the same place: only its confirmation is new.
      if (before.assumed) this.placed.set(info.key, { ...before, assumed: false });
      return undefined;
    }
    this.take(info.key);
    this.put({ info, node, assumed: false });
    return { info, previous: before?.info };
  }

  /** What the pod was and where, when it was on a node. */
  removePod(key: string): { readonly info: PodInfo; readonly node: string } | undefined {
    return this.take(key);
  }

  assume(info: PodInfo, node: string): void {
    this.take(info.key);
    this.put({ info, node, assumed: true });
  }

  /** Takes an assumption back, unless the pod has been confirmed, or made anew, since. */
  forget(info: PodInfo): void {
    const placed = this.placed.get(info.key);
    if (placed?.assumed === true && placed.info.uid === info.uid) this.take(info.key);
  }

  isPlaced(key: string, uid: string): boolean {
    return this.placed.get(key)?.info.uid === uid;
  }

  /** Tries out what would be with the pod on the node (1), or without it (-1); whoever does so takes it back in the same turn. */
  tryOut(info: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    if (sign === 1) node.add(info);
    else node.remove(info);
    this.index.count(info, node, sign);
    this.podsVersion++;
  }

  private put(placed: Placed): void {
    this.placed.set(placed.info.key, placed);
    if (placed.info.hasTerms) this.index.prune();
    this.tryOut(placed.info, this.infoOf(placed.node), 1);
  }

  private take(key: string): Placed | undefined {
    const placed = this.placed.get(key);
    if (placed === undefined) return undefined;
    this.placed.delete(key);
    const info = this.byName.get(placed.node);
    if (info === undefined) return placed;
    this.tryOut(placed.info, info, -1);
    if (info.node === undefined && info.pods.size === 0) this.byName.delete(placed.node);
    return placed;
  }

  private countImages(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): void {
    for (const name of before.keys()) {
      const left = (this.imageNodes.get(name) ?? 0) - 1;
      if (left <= 0) this.imageNodes.delete(name);
      else this.imageNodes.set(name, left);
    }
    for (const name of after.keys()) this.imageNodes.set(name, (this.imageNodes.get(name) ?? 0) + 1);
  }

  private infoOf(name: string): NodeInfo {
    let info = this.byName.get(name);
    if (info === undefined) {
      info = new NodeInfo(name);
      this.byName.set(name, info);
    }
    return info;
  }
}

function differ(left: unknown, right: unknown): boolean {
  return left !== right && JSON.stringify(left) !== JSON.stringify(right);
}

/** Requests can change in place (resize), labels at any time, and a pod begins to end; its ports and terms can't. */
function sameNeeds(left: PodInfo, right: PodInfo): boolean {
  return (
    left.requests.cpuMilli === right.requests.cpuMilli &&
    left.requests.memoryBytes === right.requests.memoryBytes &&
    left.requests.ephemeralBytes === right.requests.ephemeralBytes &&
    left.terminating === right.terminating &&
    !differ(left.labels, right.labels)
  );
}
