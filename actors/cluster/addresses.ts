/**
 * The loopback addresses of a cluster. Linux answers on the whole of 127/8 without being asked to, so each pod, Service
 * and node has an own one. Clusters on one machine take different slots:
 *
 *     127.(64 + slot).node.pod    pods, one /24 a node (two slots, when a cluster has more than 256 nodes)
 *     127.(128 + slot).0.0/16     Services
 *     127.(192 + slot).node.0/8   nodes
 */
export interface Addresses {
  /** 0 to 62. */
  readonly slot: number;
  readonly podRange: string;
  readonly serviceRange: string;
}

export const SLOTS = 62;

export function addressesOf(slot: number): Addresses {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new Error(`${slot} is no address slot`);
  return { slot, podRange: `127.${64 + slot}.0.0/15`, serviceRange: `127.${128 + slot}.0.0/16` };
}

/** Of the Service `kubernetes`: the first one of the range. */
export function apiServiceAddress({ slot }: Addresses): string {
  return `127.${128 + slot}.0.1`;
}

/** The pod addresses of node `index`, 0 to 511. */
export function podRange(addresses: Addresses, index: number): string {
  return `127.${64 + addresses.slot + (index >> 8)}.${index & 255}.0/24`;
}

export function nodeAddress(addresses: Addresses, index: number): string {
  return `127.${192 + addresses.slot}.${(index >> 7) & 255}.${(index & 127) + 1}`;
}
