import type { NodeInfo } from "./node-info.ts";

/**
 * Nodes so that the first of each zone come first, then the second of each: within a zone, and of zones, in the order given.
 *
 * @see pkg/scheduler/backend/cache/node_tree.go
 */
export function interleaveZones(nodes: readonly NodeInfo[]): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node);
    const known = zones.get(zone);
    if (known === undefined) zones.set(zone, [node]);
    else known.push(node);
  }
  if (zones.size <= 1) return [...nodes];
  const order: NodeInfo[] = [];
  for (let place = 0; order.length < nodes.length; place++) {
    for (const zone of zones.values()) {
      const node = zone[place];
      if (node !== undefined) order.push(node);
    }
  }
  return order;
}

function zoneOf({ labels }: NodeInfo): string {
  return `${labels["topology.kubernetes.io/region"] ?? ""}\u0000${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
