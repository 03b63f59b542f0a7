/**
 * How many pods of a kind there are on each node and in each topology domain, kept up to date with each pod that comes and goes:
 * what a plugin asks for a pod costs the domains that there are, not the pods.
 */
import type { NodeInfo } from "./node-info.ts";

export class PodCounts {
  /** Nodes with at least one. */
  readonly byNode: Map<NodeInfo, number> = new Map();
  private readonly byDomain = new Map<string, Map<string, number>>();
  /** The topology that `byDomain` is of. */
  private topologyVersion = -1;

  add(node: NodeInfo, amount: number): void {
    const left = (this.byNode.get(node) ?? 0) + amount;
    if (left === 0) this.byNode.delete(node);
    else this.byNode.set(node, left);
    for (const [key, domains] of this.byDomain) count(domains, node.labels[key], amount);
  }

  on(node: NodeInfo): number {
    return this.byNode.get(node) ?? 0;
  }

  /** By the nodes' value of the label `topologyKey`; nodes without it don't count, and no domain with none is in it. */
  in(topologyKey: string, topologyVersion: number): ReadonlyMap<string, number> {
    if (this.topologyVersion !== topologyVersion) {
      this.topologyVersion = topologyVersion;
      this.byDomain.clear();
    }
    let domains = this.byDomain.get(topologyKey);
    if (domains === undefined) {
      domains = new Map();
      for (const [node, pods] of this.byNode) count(domains, node.labels[topologyKey], pods);
      this.byDomain.set(topologyKey, domains);
    }
    return domains;
  }
}

function count(domains: Map<string, number>, value: string | undefined, amount: number): void {
  if (value === undefined) return;
  const left = (domains.get(value) ?? 0) + amount;
  if (left === 0) domains.delete(value);
  else domains.set(value, left);
}
