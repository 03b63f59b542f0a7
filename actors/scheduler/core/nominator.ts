/**
 * Pods for which room has been made, or is being made, on a node: until they are bound, what they need counts there for pods
 * that are less urgent, or as urgent.
 *
 * @see pkg/scheduler/backend/queue/nominator.go
 */
import type { PodInfo } from "./pod-info.ts";

export class Nominator {
  private readonly byNode = new Map<string, Map<string, PodInfo>>();
  private readonly nodeOf = new Map<string, string>();

  /** `node` "": the pod is nominated nowhere. */
  set(pod: PodInfo, node: string): void {
    this.delete(pod.key);
    if (node === "") return;
    this.nodeOf.set(pod.key, node);
    const known = this.byNode.get(node);
    if (known === undefined) this.byNode.set(node, new Map([[pod.key, pod]]));
    else known.set(pod.key, pod);
  }

  delete(key: string): void {
    const node = this.nodeOf.get(key);
    if (node === undefined) return;
    this.nodeOf.delete(key);
    const known = this.byNode.get(node);
    known?.delete(key);
    if (known?.size === 0) this.byNode.delete(node);
  }

  /** Where the pod is nominated; "": nowhere. */
  of(key: string): string {
    return this.nodeOf.get(key) ?? "";
  }

  on(node: string): Iterable<PodInfo> {
    return this.byNode.get(node)?.values() ?? [];
  }

  /** Those that `pod` must leave room for. */
  before(pod: PodInfo, node: string): readonly PodInfo[] {
    const known = this.byNode.get(node);
    if (known === undefined) return [];
    return [...known.values()].filter(({ key, priority }) => key !== pod.key && priority >= pod.priority);
  }
}
