/**
 * All nodes with their pods as the scheduler believes them to be: what the API server has said, and the pods that it has
 * placed itself and whose binding is not confirmed yet (assumed pods).
 *
 * @see pkg/scheduler/backend/cache
 */
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import { podInfo } from "./pod-info.ts";

interface Placed {
  readonly info: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

export class SchedulerCache {
  private readonly byName = new Map<string, NodeInfo>();
  private readonly placed = new Map<string, Placed>();
  private known: NodeInfo[] | undefined;

  /** The nodes that exist, in order of arrival. */
  get nodes(): readonly NodeInfo[] {
    this.known ??= [...this.byName.values()].filter((info) => info.node !== undefined);
    return this.known;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.byName.get(name);
    return info?.node === undefined ? undefined : info;
  }

  setNode(node: Node): NodeInfo {
    const info = this.infoOf(node.metadata?.name ?? "");
    if (info.node === undefined) this.known = undefined;
    info.setNode(node);
    return info;
  }

  removeNode(name: string): void {
    const info = this.byName.get(name);
    if (info === undefined) return;
    this.known = undefined;
    info.setNode(undefined);
    if (info.pods.size === 0) this.byName.delete(name);
  }

  /** A pod that is bound; confirms it when it was assumed. Answers whether anything about its needs changed. */
  setPod(pod: Pod): boolean {
    const info = podInfo(pod);
    const node = pod.spec?.nodeName ?? "";
    const before = this.placed.get(info.key);
    if (before !== undefined && before.node === node && before.info.uid === info.uid && sameNeeds(before.info, info)) {
      // The same weight at the same place: only its confirmation is new.
      if (before.assumed) this.placed.set(info.key, { ...before, assumed: false });
      return false;
    }
    this.take(info.key);
    this.put({ info, node, assumed: false });
    return true;
  }

  /** The node that the pod was on, when it was on any. */
  removePod(key: string): string | undefined {
    return this.take(key)?.node;
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

  private put(placed: Placed): void {
    this.placed.set(placed.info.key, placed);
    this.infoOf(placed.node).add(placed.info);
  }

  private take(key: string): Placed | undefined {
    const placed = this.placed.get(key);
    if (placed === undefined) return undefined;
    this.placed.delete(key);
    const info = this.byName.get(placed.node);
    info?.remove(placed.info);
    if (info !== undefined && info.node === undefined && info.pods.size === 0) this.byName.delete(placed.node);
    return placed;
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

/** Requests can change in place (resize); ports and owner can't. */
function sameNeeds(left: PodInfo, right: PodInfo): boolean {
  return (
    left.requests.cpuMilli === right.requests.cpuMilli &&
    left.requests.memoryBytes === right.requests.memoryBytes &&
    left.requests.ephemeralBytes === right.requests.ephemeralBytes
  );
}
