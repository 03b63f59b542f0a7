/** The rows of a Table, by kind. Source: Kubernetes `pkg/printers/internalversion/printers.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { Deployment, ReplicaSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Lease } from "../../../../protocols/kubernetes/types/coordination-v1.ts";
import type {
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  PodTemplateSpec,
  Secret,
  Service,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { EndpointSlice } from "../../../../protocols/kubernetes/types/discovery-v1.ts";
import { formatSelectorObject } from "../../../../protocols/kubernetes/selectors.ts";
import { age } from "./duration.ts";
import { podCells } from "./table-pods.ts";

export type Cell = string | number;
type Printer = (object: KubernetesObject, nowMs: number) => readonly Cell[];

/** The cells of `object`, one for each column of its resource. */
export function cellsOf(object: KubernetesObject, resource: ResourceInfo, nowMs: number): readonly Cell[] {
  const { kind, columns } = resource;
  const printer = Object.hasOwn(PRINTERS, kind) ? PRINTERS[kind] : undefined;
  if (printer !== undefined) return printer(object, nowMs);
  if (columns.length === 0) return [nameOf(object), ageOf(object, nowMs)];
  return columns.map(({ name }) => plainCell(object, name, nowMs));
}

/** What every kind has. The other columns of a kind without a printer stay empty. */
function plainCell(object: KubernetesObject, column: string, nowMs: number): Cell {
  switch (column) {
    case "Name":
      return nameOf(object);
    case "Age":
      return ageOf(object, nowMs);
    case "Created At":
      return object.metadata?.creationTimestamp ?? "";
  }
  return "<none>";
}

const PRINTERS: Readonly<Record<string, Printer>> = {
  ConfigMap: configMapCells,
  Deployment: deploymentCells,
  Endpoints: endpointsCells,
  EndpointSlice: (slice, nowMs) => endpointSliceCells(slice as EndpointSlice, nowMs),
  Event: eventCells,
  Lease: (lease: Lease, nowMs) => [nameOf(lease), lease.spec?.holderIdentity ?? "", ageOf(lease, nowMs)],
  Namespace: (object: Namespace, nowMs) => [nameOf(object), object.status?.phase ?? "", ageOf(object, nowMs)],
  Node: nodeCells,
  Pod: (pod, nowMs) => podCells(pod, nowMs),
  ReplicaSet: replicaSetCells,
  Secret: (secret: Secret, nowMs) => [
    nameOf(secret),
    secret.type ?? "",
    Object.keys(secret.data ?? {}).length,
    ageOf(secret, nowMs),
  ],
  Service: serviceCells,
};

function nameOf(object: KubernetesObject): string {
  return object.metadata?.name ?? "";
}

function ageOf(object: KubernetesObject, nowMs: number): string {
  return age(object.metadata?.creationTimestamp, nowMs);
}

function configMapCells(object: ConfigMap, nowMs: number): readonly Cell[] {
  const keys = Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length;
  return [nameOf(object), keys, ageOf(object, nowMs)];
}

function containerCells(template: PodTemplateSpec | undefined): readonly [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image ?? "").join(",")];
}

function deploymentCells(object: Deployment, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector),
  ];
}

function replicaSetCells(object: ReplicaSet, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector) || "<none>",
  ];
}

/** More than this many addresses or ports are only counted. */
const LISTED_MAX = 3;

function listed(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, LISTED_MAX).join(",");
  return items.length > LISTED_MAX ? `${shown} + ${items.length - LISTED_MAX} more...` : shown;
}

function endpointsCells(object: Endpoints, nowMs: number): readonly Cell[] {
  const items: string[] = [];
  for (const { addresses = [], ports = [] } of object.subsets ?? []) {
    if (ports.length === 0) items.push(...addresses.map(({ ip }) => ip));
    for (const { port } of ports) items.push(...addresses.map(({ ip }) => joinHostPort(ip, port)));
  }
  const none = (object.subsets ?? []).length === 0 ? "<none>" : "";
  return [nameOf(object), items.length === 0 ? none : listed(items), ageOf(object, nowMs)];
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function endpointSliceCells(object: EndpointSlice, nowMs: number): readonly Cell[] {
  const ports = (object.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? "*") : String(port)));
  const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  return [nameOf(object), object.addressType, listed(ports), listed(addresses), ageOf(object, nowMs)];
}

/** What the events of both API groups hold, by the names of either. */
interface AnyEvent extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly count?: number;
  readonly deprecatedCount?: number;
  readonly firstTimestamp?: string | null;
  readonly deprecatedFirstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string | null } | null;
  readonly involvedObject?: EventObject;
  readonly regarding?: EventObject;
  readonly source?: EventSource;
  readonly deprecatedSource?: EventSource;
  readonly reportingComponent?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
}
type EventObject = { readonly kind?: string; readonly name?: string; readonly fieldPath?: string };
type EventSource = { readonly component?: string; readonly host?: string };

function eventCells(event: AnyEvent, nowMs: number): readonly Cell[] {
  const first = event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime;
  const series = event.series ?? undefined;
  const last = series?.lastObservedTime ?? event.lastTimestamp ?? event.deprecatedLastTimestamp ?? first;
  const object = event.involvedObject ?? event.regarding ?? {};
  const source = event.source ?? event.deprecatedSource ?? {};
  const component = source.component || event.reportingComponent || event.reportingController || "";
  const instance = source.host || event.reportingInstance || "";
  const kind = (object.kind ?? "").toLowerCase();
  return [
    age(last, nowMs),
    event.type ?? "",
    event.reason ?? "",
    object.name ? `${kind}/${object.name}` : kind,
    object.fieldPath ?? "",
    instance === "" ? component : `${component}, ${instance}`,
    (event.message ?? event.note ?? "").trim(),
    age(first, nowMs),
    series?.count ?? (event.count || event.deprecatedCount || 1),
    nameOf(event),
  ];
}

function nodeCells(node: Node, nowMs: number): readonly Cell[] {
  const info = node.status?.nodeInfo;
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  const status = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  const address = (type: string): string =>
    node.status?.addresses?.find((candidate) => candidate.type === type)?.address ?? "<none>";
  const architecture = info?.architecture ? ` (${info.architecture})` : "";
  return [
    nameOf(node),
    node.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status,
    nodeRoles(node),
    ageOf(node, nowMs),
    info?.kubeletVersion ?? "",
    address("InternalIP"),
    address("ExternalIP"),
    info?.osImage || "<unknown>",
    `${info?.kernelVersion || "<unknown>"}${architecture}`,
    info?.containerRuntimeVersion || "<unknown>",
  ];
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key !== ROLE_PREFIX) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? "<none>" : [...roles].sort().join(",");
}

function serviceCells(service: Service, nowMs: number): readonly Cell[] {
  const { spec } = service;
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  const selector = Object.entries(spec?.selector ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    nameOf(service),
    spec?.type ?? "",
    spec?.clusterIPs?.[0] ?? "<none>",
    externalIp(service),
    ports.join(",") || "<none>",
    ageOf(service, nowMs),
    selector.sort().join(",") || "<none>",
  ];
}

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case "ClusterIP":
    case "NodePort":
      return external.join(",") || "<none>";
    case "LoadBalancer": {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
      const balanced = [...new Set(ingress.filter((address) => address !== ""))].sort();
      return [...balanced, ...external].join(",") || "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    case undefined:
      return "<unknown>";
  }
}
