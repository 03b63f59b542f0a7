/** Which node an address belongs to, by the nodes' pod ranges and own addresses. */
import type { Node } from "../../../protocols/kubernetes/types/core-v1.ts";

export interface Place {
  readonly node: string;
  readonly zone: string | undefined;
}

const ZONE_LABEL = "topology.kubernetes.io/zone";

export class Topology {
  private readonly places = new Map<string, Place>();
  /** Network -> node, for each prefix length in use. */
  private readonly ranges = new Map<number, Map<number, string>>();
  private readonly addresses = new Map<string, string>();
  private given: (() => readonly Node[]) | undefined;

  /** Read when it is next asked for: hundreds of nodes that come one by one are not read hundreds of times. */
  setNodes(nodes: () => readonly Node[]): void {
    this.given = nodes;
  }

  place(node: string): Place | undefined {
    this.read();
    return this.places.get(node);
  }

  private read(): void {
    const nodes = this.given?.();
    if (nodes === undefined) return;
    this.given = undefined;
    this.places.clear();
    this.ranges.clear();
    this.addresses.clear();
    for (const node of nodes) {
      const name = node.metadata?.name;
      if (name === undefined) continue;
      this.places.set(name, { node: name, zone: node.metadata?.labels?.[ZONE_LABEL] });
      for (const cidr of node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR])) {
        this.addRange(cidr, name);
      }
      for (const address of node.status?.addresses ?? []) {
        if (address.type === "InternalIP") this.addresses.set(address.address, name);
      }
    }
  }

  /** Undefined for an address from outside the cluster. The shared 127.0.0.1 belongs to nobody. */
  placeOf(address: string): Place | undefined {
    if (address === "127.0.0.1") return undefined;
    this.read();
    const own = this.addresses.get(address);
    if (own !== undefined) return this.places.get(own);
    const bits = parseIPv4(address);
    if (bits === undefined) return undefined;
    for (const [prefix, networks] of this.ranges) {
      const node = networks.get(network(bits, prefix));
      if (node !== undefined) return this.places.get(node);
    }
    return undefined;
  }

  private addRange(cidr: string, node: string): void {
    const range = parseCidr(cidr);
    if (range === undefined) return;
    const networks = this.ranges.get(range.prefix) ?? new Map<number, string>();
    networks.set(range.network, node);
    this.ranges.set(range.prefix, networks);
  }
}

/** What of a Node the proxy looks at, and no more: every proxy keeps every node. */
export function trimNode({ metadata, spec, status }: Node): Node {
  const zone = metadata?.labels?.[ZONE_LABEL];
  return {
    metadata: {
      ...(metadata?.name === undefined ? {} : { name: metadata.name }),
      ...(metadata?.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      ...(metadata?.uid === undefined ? {} : { uid: metadata.uid }),
      ...(zone === undefined ? {} : { labels: { [ZONE_LABEL]: zone } }),
    },
    spec: {
      ...(spec?.podCIDR === undefined ? {} : { podCIDR: spec.podCIDR }),
      ...(spec?.podCIDRs === undefined ? {} : { podCIDRs: spec.podCIDRs }),
    },
    status: status?.addresses === undefined ? {} : { addresses: status.addresses },
  };
}

/** What of a Node matters here: heartbeats that change nothing of it need no work. */
export function topologyKey(node: Node): string {
  return JSON.stringify([
    node.spec?.podCIDR,
    node.spec?.podCIDRs,
    node.metadata?.labels?.[ZONE_LABEL],
    node.status?.addresses,
  ]);
}

/** Undefined for what is not an IPv4 address; an IPv4-mapped IPv6 address is one. */
export function parseIPv4(address: string): number | undefined {
  const text = address.startsWith("::ffff:") ? address.slice(7) : address;
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let bits = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    bits = bits * 256 + Number(part);
  }
  return bits;
}

export function formatIPv4(bits: number): string {
  return [bits / 2 ** 24, bits / 2 ** 16, bits / 2 ** 8, bits].map((part) => Math.floor(part) % 256).join(".");
}

export function parseCidr(cidr: string): { readonly network: number; readonly prefix: number } | undefined {
  const [address, length] = cidr.split("/");
  const bits = address === undefined ? undefined : parseIPv4(address);
  const prefix = Number(length);
  if (bits === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > 32) return undefined;
  return { network: network(bits, prefix), prefix };
}

function network(bits: number, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return Math.floor(bits / size) * size;
}
