/**
 * The cluster's names for containers, as a file: `{ names: { "backend.shop": ["127.96.0.7"] }, ports: { "127.96.0.7:80":
 * "127.96.0.7:41233" }, srv: { "_http._tcp.backend.shop": [{ name, port }] } }`. `names` and `srv` answer for cluster DNS; `ports` says
 * where an address is really served when its own port can't be had. Read by the container side (`container-runtime/images/`).
 */
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointPort, EndpointSlice } from "../../../protocols/kubernetes/types/discovery-v1.ts";
import { publishedAddresses } from "../../../protocols/published-addresses.ts";

export const HOSTS_FILE = "hosts.json";

export interface Hosts {
  /** `name.namespace`, or `hostname.name.namespace` for a pod of a headless Service -> addresses, or one other name. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly ports: Readonly<Record<string, string>>;
  /** `_port._protocol.name.namespace` -> what cluster DNS says where that port is. */
  readonly srv: Readonly<Record<string, readonly ServiceTarget[]>>;
  /** Names, `name.namespace`, that nobody answers for, nor for what is below them. Absent: none. */
  readonly failing?: readonly string[];
  /** By a pod's address, the addresses that it can't reach. Absent: none. */
  readonly cut?: Readonly<Record<string, readonly string[]>>;
}

export interface ServiceTarget {
  readonly name: string;
  readonly port: number;
}

/** The domain of a cluster's Services. */
const DOMAIN = "svc.cluster.local";

/**
 * Whether the names of a Service (`namespace/name`), and of the pods behind it, are not answered for: a fault of the plan.
 */
export type IsFailing = (service: string) => boolean;

/** By the number of a Service's port, where it is really served. */
export type PlacesOf = (service: Service) => ReadonlyMap<string, string>;

/** Sorted throughout: the same cluster gives the same bytes. `slicesOf` is asked for headless Services only. */
export function hostsOf(
  services: readonly Service[],
  slicesOf: (service: string) => readonly EndpointSlice[],
  isFailing: IsFailing = () => false,
  placesOf: PlacesOf = publishedAddresses,
): Hosts {
  const names: [string, readonly string[]][] = [];
  const ports: [string, string][] = [];
  const srv: [string, readonly ServiceTarget[]][] = [];
  const failing: string[] = [];
  for (const service of services) {
    const { name = "", namespace = "" } = service.metadata ?? {};
    const spec = service.spec ?? {};
    const host = `${name}.${namespace}`;
    if (isFailing(`${namespace}/${name}`)) failing.push(host);
    if (spec.type === "ExternalName") {
      if (spec.externalName !== undefined) names.push([host, [spec.externalName]]);
    } else if (spec.clusterIP === "None") {
      const endpoints = headlessEndpoints(slicesOf(`${namespace}/${name}`), spec.publishNotReadyAddresses === true);
      names.push(...headlessNames(host, endpoints));
      srv.push(...headlessTargets(host, endpoints));
    } else if (spec.clusterIP !== undefined && spec.clusterIP !== "") {
      names.push([host, [spec.clusterIP]]);
      for (const [port, address] of placesOf(service)) ports.push([`${spec.clusterIP}:${port}`, address]);
      for (const { name: port = "", protocol, port: number } of spec.ports ?? []) {
        if (port !== "") srv.push([srvName(port, protocol, host), [{ name: `${host}.${DOMAIN}`, port: number }]]);
      }
    }
  }
  const hosts = { names: sorted(names), ports: sorted(ports), srv: sorted(srv) };
  return failing.length === 0 ? hosts : { ...hosts, failing: failing.sort() };
}

function srvName(port: string, protocol: string | undefined, host: string): string {
  return `_${port}._${(protocol ?? "TCP").toLowerCase()}.${host}`;
}

interface HeadlessEndpoint {
  readonly address: string;
  /** The endpoint's own name below its Service; its address with dashes where it has none. */
  readonly hostname: string;
  readonly ports: readonly EndpointPort[];
}

function headlessEndpoints(slices: readonly EndpointSlice[], evenUnready: boolean): readonly HeadlessEndpoint[] {
  return slices.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap((endpoint) => {
      const address = endpoint.addresses[0];
      if (address === undefined || (endpoint.conditions?.ready === false && !evenUnready)) return [];
      const hostname = endpoint.hostname ?? address.replaceAll(/[.:]/g, "-");
      return [{ address, hostname, ports: slice.ports ?? [] }];
    }),
  );
}

function headlessNames(host: string, endpoints: readonly HeadlessEndpoint[]): readonly [string, readonly string[]][] {
  if (endpoints.length === 0) return [];
  const all = [...new Set(endpoints.map(({ address }) => address))].sort((a, b) => (a < b ? -1 : 1));
  const own = endpoints.map(({ hostname, address }): [string, readonly string[]] => [`${hostname}.${host}`, [address]]);
  return [[host, all], ...own];
}

function headlessTargets(
  host: string,
  endpoints: readonly HeadlessEndpoint[],
): readonly [string, readonly ServiceTarget[]][] {
  const targets = new Map<string, ServiceTarget[]>();
  for (const { hostname, ports } of endpoints) {
    for (const { name = "", protocol, port } of ports) {
      if (name === "" || port === undefined) continue;
      const key = srvName(name, protocol, host);
      targets.set(key, [...(targets.get(key) ?? []), { name: `${hostname}.${host}.${DOMAIN}`, port }]);
    }
  }
  return [...targets].map(([key, some]) => [key, some.sort((a, b) => (a.name < b.name ? -1 : 1))]);
}

function sorted<T>(entries: readonly [string, T][]): Readonly<Record<string, T>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
