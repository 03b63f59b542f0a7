/** What Services and EndpointSlices say, in the terms of the proxy: one row for each port of a Service, and its endpoints. */
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Endpoint as SliceEndpoint, EndpointSlice } from "../../../protocols/kubernetes/types/discovery-v1.ts";

export interface ServicePort {
  /** `namespace/name:port` */
  readonly key: string;
  /** `namespace/name` */
  readonly service: string;
  readonly portName: string;
  readonly port: number;
  readonly clusterIP: string | undefined;
  readonly nodePort: number | undefined;
  /** `sessionAffinity: ClientIP` keeps a client on its endpoint until it has been silent for so long. */
  readonly affinityTimeoutMs: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
}

export interface Endpoint {
  /** `address:port` */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly node: string | undefined;
  readonly zone: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/** Names the Service that an EndpointSlice belongs to. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** Kubernetes' own default for `sessionAffinityConfig.clientIP.timeoutSeconds`. */
const AFFINITY_TIMEOUT_SECONDS = 10_800;

/** The TCP ports of a Service. UDP and SCTP are not proxied. */
export function servicePorts(service: Service): readonly ServicePort[] {
  const spec = service.spec;
  if (spec === undefined || spec.type === "ExternalName") return [];
  const id = `${service.metadata?.namespace ?? ""}/${service.metadata?.name ?? ""}`;
  const hasClusterIP = spec.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";
  const hasNodePorts = spec.type === "NodePort" || spec.type === "LoadBalancer";
  const affinitySeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_TIMEOUT_SECONDS;
  return (spec.ports ?? [])
    .filter((port) => (port.protocol ?? "TCP") === "TCP")
    .map((port) => ({
      key: `${id}:${port.port}`,
      service: id,
      portName: port.name ?? "",
      port: port.port,
      clusterIP: hasClusterIP ? spec.clusterIP : undefined,
      nodePort: hasNodePorts && (port.nodePort ?? 0) > 0 ? port.nodePort : undefined,
      affinityTimeoutMs: spec.sessionAffinity === "ClientIP" ? affinitySeconds * 1_000 : undefined,
      internalLocal: spec.internalTrafficPolicy === "Local",
      externalLocal: spec.externalTrafficPolicy === "Local",
    }));
}

/**
 * The endpoints of a Service port out of all slices of the Service. A slice that was split or moved may show an address
 * twice for a moment; then the readier entry counts.
 */
export function endpointsOf(slices: readonly EndpointSlice[], portName: string): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const port of slice.ports ?? []) {
      if ((port.name ?? "") !== portName || port.port === undefined || (port.protocol ?? "TCP") !== "TCP") continue;
      for (const endpoint of slice.endpoints ?? []) {
        const row = endpointRow(endpoint, port.port);
        if (row === undefined) continue;
        const known = found.get(row.key);
        if (known === undefined || rank(row) > rank(known)) found.set(row.key, row);
      }
    }
  }
  return [...found.values()];
}

function endpointRow(endpoint: SliceEndpoint, port: number): Endpoint | undefined {
  // The addresses of one endpoint are the same thing under several names: the first is enough.
  const address = endpoint.addresses[0];
  if (address === undefined) return undefined;
  const conditions = endpoint.conditions ?? {};
  const terminating = conditions.terminating ?? false;
  // Absent means ready, and serving follows ready: discovery/v1 EndpointConditions.
  const ready = conditions.ready ?? !terminating;
  return {
    key: `${address}:${port}`,
    address,
    port,
    node: endpoint.nodeName,
    zone: endpoint.zone,
    ready,
    serving: conditions.serving ?? ready,
    terminating,
  };
}

function rank(endpoint: Endpoint): number {
  return (endpoint.ready ? 2 : 0) + (endpoint.serving ? 1 : 0);
}
