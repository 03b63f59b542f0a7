/**
 * The cluster's names for containers, as a file: `{ names: { "backend.shop": ["127.96.0.7"] }, ports: { "127.96.0.7:80":
 * "127.96.0.7:41233" } }`. `names` answers for cluster DNS; `ports` says where an address is really served when its own
 * port can't be had. Read by the container side (`container-runtime/images/`).
 */
import type { Service } from "../../../protocols/kubernetes/core-v1.ts";
import type { EndpointSlice } from "../../../protocols/kubernetes/discovery-v1.ts";
import { publishedAddresses } from "./service-ports.ts";

export const HOSTS_FILE = "hosts.json";

export interface Hosts {
  /** `name.namespace`, or `hostname.name.namespace` for a pod of a headless Service -> addresses, or one other name. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly ports: Readonly<Record<string, string>>;
}

/** Sorted throughout: the same cluster gives the same bytes. `slicesOf` is asked for headless Services only. */
export function hostsOf(services: readonly Service[], slicesOf: (service: string) => readonly EndpointSlice[]): Hosts {
  const names: [string, readonly string[]][] = [];
  const ports: [string, string][] = [];
  for (const service of services) {
    const { name = "", namespace = "" } = service.metadata ?? {};
    const spec = service.spec ?? {};
    const host = `${name}.${namespace}`;
    if (spec.type === "ExternalName") {
      if (spec.externalName !== undefined) names.push([host, [spec.externalName]]);
    } else if (spec.clusterIP === "None") {
      names.push(...headlessNames(host, slicesOf(`${namespace}/${name}`), spec.publishNotReadyAddresses === true));
    } else if (spec.clusterIP !== undefined && spec.clusterIP !== "") {
      names.push([host, [spec.clusterIP]]);
      for (const [port, address] of publishedAddresses(service)) ports.push([`${spec.clusterIP}:${port}`, address]);
    }
  }
  return { names: sorted(names), ports: sorted(ports) };
}

function headlessNames(
  host: string,
  slices: readonly EndpointSlice[],
  evenUnready: boolean,
): readonly [string, readonly string[]][] {
  const all = new Set<string>();
  const named: [string, readonly string[]][] = [];
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address === undefined || (endpoint.conditions?.ready === false && !evenUnready)) continue;
      all.add(address);
      if (endpoint.hostname !== undefined) named.push([`${endpoint.hostname}.${host}`, [address]]);
    }
  }
  return all.size === 0 ? named : [[host, [...all].sort((a, b) => (a < b ? -1 : 1))], ...named];
}

function sorted<T>(entries: readonly [string, T][]): Readonly<Record<string, T>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
