/**
 * The endpoints of a Service: from its pods to addresses and ports, and from those to Endpoints and EndpointSlices with as
 * few writes as can be.
 *
 * @see k8s.io/endpointslice (reconciler.go, utils.go) and k8s.io/kubernetes/pkg/controller/endpoint
 */
import type {
  EndpointAddress,
  EndpointPort as SubsetPort,
  Endpoints,
  EndpointSubset,
  Pod,
  Service,
  ServicePort,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../protocols/kubernetes/types/discovery-v1.ts";
import { matchesPlainSelector } from "../../../protocols/kubernetes/selectors.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { canonical } from "./deployment/template.ts";
import { isReady, isTerminal, isTerminating } from "./pods.ts";

/** Which port really listens for a port of a pod, where its own could not be had: `{"80":41233}`. */
export const PORTS_ANNOTATION = "inkube.dev/ports";
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
export const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";
export const MANAGED_BY = "endpointslice-controller.k8s.io";
/** Endpoints in one slice; Kubernetes' default. */
export const ENDPOINTS_PER_SLICE_MAX = 100;
/** Addresses in one Endpoints object; Kubernetes' limit. */
const ENDPOINTS_MAX = 1_000;

export interface ServiceEndpoint {
  readonly pod: Pod;
  readonly ip: string;
  readonly ports: readonly EndpointPort[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/** Whether the controllers make endpoints for the Service. */
export function selectsPods(service: Service): boolean {
  const { selector, type } = service.spec ?? {};
  return type !== "ExternalName" && selector !== undefined && Object.keys(selector).length > 0;
}

/** What of a pod its endpoints depend on, as one text: nothing else has to be looked at again. */
export function endpointTraits(pod: Pod): string {
  const { metadata, spec, status } = pod;
  return canonical([
    metadata?.labels,
    metadata?.annotations?.[PORTS_ANNOTATION],
    isTerminating(pod),
    isTerminal(pod),
    isReady(pod),
    spec?.nodeName,
    spec?.hostname,
    spec?.subdomain,
    status?.podIP,
  ]);
}

/** In order of the pods' names, so that one state has one answer. */
export function endpointsOf(service: Service, pods: readonly Pod[]): readonly ServiceEndpoint[] {
  const selector = service.spec?.selector ?? {};
  const publishNotReady = service.spec?.publishNotReadyAddresses === true;
  const found: ServiceEndpoint[] = [];
  for (const pod of pods) {
    const ip = pod.status?.podIP;
    if (ip === undefined || ip === "" || isTerminal(pod) || !matchesPlainSelector(selector, pod.metadata?.labels))
      continue;
    const serving = isReady(pod);
    const terminating = isTerminating(pod);
    found.push({
      pod,
      ip,
      ports: portsOf(service, pod),
      ready: publishNotReady || (serving && !terminating),
      serving,
      terminating,
    });
  }
  return found.sort((left, right) => compare(left.pod.metadata?.name ?? "", right.pod.metadata?.name ?? ""));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The Service's ports as this pod serves them; a named port that it lacks is left out. */
function portsOf(service: Service, pod: Pod): readonly EndpointPort[] {
  const moved = movedPorts(pod);
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const target = targetPort(port, pod);
    if (target === undefined) continue;
    ports.push({
      name: port.name ?? "",
      protocol: port.protocol ?? "TCP",
      port: moved[String(target)] ?? target,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}

function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  const protocol = port.protocol ?? "TCP";
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const { name, containerPort, protocol: own } of container.ports ?? []) {
      if (name === target && (own ?? "TCP") === protocol) return containerPort;
    }
  }
  return undefined;
}

/** The annotation comes from the kubelet; one that can't be read is as good as none. */
function movedPorts(pod: Pod): Readonly<Record<string, number>> {
  const text = pod.metadata?.annotations?.[PORTS_ANNOTATION];
  if (text === undefined) return {};
  const moved: Record<string, number> = {};
  for (const [, from = "", to = ""] of text.matchAll(/"(\d+)"\s*:\s*(\d+)/g)) moved[from] = Number(to);
  return moved;
}

function toEndpoint(
  { pod, ip, ready, serving, terminating }: ServiceEndpoint,
  service: Service,
  zone: string | undefined,
): Endpoint {
  const { name, namespace, uid } = pod.metadata ?? {};
  const nodeName = pod.spec?.nodeName;
  const hostname = pod.spec?.hostname;
  const named = hostname !== undefined && hostname !== "" && pod.spec?.subdomain === service.metadata?.name;
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: {
      kind: "Pod",
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
    },
    ...(zone === undefined ? {} : { zone }),
  };
}

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/**
 * Endpoints stay in the slice they are in. New ones fill slices that are written anyway, then others with room, then new
 * slices. Slices of ports that no pod serves any more go.
 */
export function planSlices(
  service: Service,
  endpoints: readonly ServiceEndpoint[],
  present: readonly EndpointSlice[],
  zoneOf: (node: string) => string | undefined,
): SlicePlan {
  const groups = new Map<string, { readonly ports: readonly EndpointPort[]; readonly wanted: Map<string, Endpoint> }>();
  for (const endpoint of endpoints) {
    const id = portsId(endpoint.ports);
    let group = groups.get(id);
    if (group === undefined) {
      group = { ports: endpoint.ports, wanted: new Map() };
      groups.set(id, group);
    }
    const zone = zoneOf(endpoint.pod.spec?.nodeName ?? "");
    group.wanted.set(endpoint.pod.metadata?.uid ?? endpoint.ip, toEndpoint(endpoint, service, zone));
  }
  if (groups.size === 0) groups.set(portsId([]), { ports: [], wanted: new Map() });
  const taken = new Set(present.map(({ metadata }) => metadata?.name ?? ""));
  const plan = { create: [] as EndpointSlice[], update: [] as EndpointSlice[], delete: [] as EndpointSlice[] };
  for (const slice of present) if (!groups.has(portsId(slice.ports ?? []))) plan.delete.push(slice);
  for (const [id, { ports, wanted }] of groups) {
    const slices = present.filter((slice) => portsId(slice.ports ?? []) === id);
    fill(service, ports, wanted, slices, taken, plan);
  }
  return plan;
}

interface SliceWork {
  readonly slice: EndpointSlice;
  readonly endpoints: Endpoint[];
  changed: boolean;
}

function fill(
  service: Service,
  ports: readonly EndpointPort[],
  wanted: ReadonlyMap<string, Endpoint>,
  present: readonly EndpointSlice[],
  taken: Set<string>,
  plan: { readonly create: EndpointSlice[]; readonly update: EndpointSlice[]; readonly delete: EndpointSlice[] },
): void {
  const missing = new Map(wanted);
  const work = present.map((slice): SliceWork => {
    const kept: Endpoint[] = [];
    let changed = !sameLabels(slice, service);
    for (const endpoint of slice.endpoints ?? []) {
      const id = endpoint.targetRef?.uid ?? endpoint.addresses[0] ?? "";
      const now = missing.get(id);
      missing.delete(id);
      if (now !== undefined) kept.push(now);
      changed ||= now === undefined || canonical(now) !== canonical(endpoint);
    }
    return { slice, endpoints: kept, changed };
  });
  const queue = [...missing.values()];
  const roomy = [...work.filter(({ changed }) => changed), ...work.filter(({ changed }) => !changed)];
  for (const item of roomy) {
    const room = ENDPOINTS_PER_SLICE_MAX - item.endpoints.length;
    if (queue.length === 0 || room <= 0 || (item.endpoints.length === 0 && item !== roomy[0])) continue;
    item.endpoints.push(...queue.splice(0, room));
    item.changed = true;
  }
  let left = work.length;
  for (const { slice, endpoints, changed } of work) {
    // The last slice stays, though empty: it says that the Service has no endpoints.
    const superfluous = endpoints.length === 0 && (left > 1 || queue.length > 0);
    if (superfluous) {
      plan.delete.push(slice);
      left--;
    } else if (changed) plan.update.push({ ...withLabels(slice, service), endpoints, ports });
  }
  while (queue.length > 0 || left === 0) {
    plan.create.push(newSlice(service, ports, queue.splice(0, ENDPOINTS_PER_SLICE_MAX), taken));
    left++;
  }
}

function portsId(ports: readonly EndpointPort[]): string {
  const texts = ports.map(({ name, protocol, port, appProtocol }) =>
    [name ?? "", protocol, port, appProtocol ?? ""].join("/"),
  );
  return texts.sort().join(",");
}

function labelsOf(service: Service): Readonly<Record<string, string>> {
  const headless = service.spec?.clusterIP === "None";
  return {
    ...service.metadata?.labels,
    [SERVICE_NAME_LABEL]: service.metadata?.name ?? "",
    [MANAGED_BY_LABEL]: MANAGED_BY,
    ...(headless ? { "service.kubernetes.io/headless": "" } : {}),
  };
}

function sameLabels(slice: EndpointSlice, service: Service): boolean {
  return canonical(slice.metadata?.labels) === canonical(labelsOf(service));
}

function withLabels(slice: EndpointSlice, service: Service): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, labels: labelsOf(service) } };
}

/**
 * The name follows from the Service and the names in use, so that a copy of the cluster that lags behind leads to a name
 * that exists, and not to a second slice of the same endpoints.
 */
function newSlice(
  service: Service,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
  taken: Set<string>,
): EndpointSlice {
  const { name = "", namespace = "", uid = "" } = service.metadata ?? {};
  let number = 0;
  let sliceName: string;
  do sliceName = `${name}-${shortHash(`${uid}/${number++}`)}`;
  while (taken.has(sliceName));
  taken.add(sliceName);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: sliceName,
      namespace,
      labels: labelsOf(service),
      ownerReferences: [controllerReference("v1", "Service", service)],
    },
    addressType: "IPv4",
    endpoints,
    ports,
  };
}

const SUFFIX = "bcdfghjklmnpqrstvwxz2456789";

/** Five letters, as `generateName` adds. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  let letters = "";
  for (let index = 0; index < 5; index++) {
    letters += SUFFIX.charAt(hash % SUFFIX.length);
    hash = Math.floor(hash / SUFFIX.length);
  }
  return letters;
}

/** The Endpoints object of a Service; undefined when the present one says the same. */
export function planEndpoints(
  service: Service,
  endpoints: readonly ServiceEndpoint[],
  present: Endpoints | undefined,
): Endpoints | undefined {
  const groups = new Map<
    string,
    { ports: readonly SubsetPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }
  >();
  for (const endpoint of endpoints.slice(0, ENDPOINTS_MAX)) {
    if (endpoint.terminating && !endpoint.ready) continue;
    const id = portsId(endpoint.ports);
    let group = groups.get(id);
    if (group === undefined) {
      group = { ports: endpoint.ports.map(subsetPort), ready: [], notReady: [] };
      groups.set(id, group);
    }
    (endpoint.ready ? group.ready : group.notReady).push(toAddress(endpoint, service));
  }
  const subsets = [...groups]
    .sort(([left], [right]) => compare(left, right))
    .map(([, { ports, ready, notReady }]): EndpointSubset => ({
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports }),
    }));
  const labels = {
    ...service.metadata?.labels,
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
    ...(service.spec?.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {}),
  };
  const same =
    present !== undefined &&
    canonical(present.subsets ?? []) === canonical(subsets) &&
    canonical(present.metadata?.labels) === canonical(labels);
  if (same) return undefined;
  const { name = "", namespace = "" } = service.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    ...present,
    metadata: { name, namespace, ...present?.metadata, labels },
    subsets,
  };
}

function subsetPort({ name, port, protocol, appProtocol }: EndpointPort): SubsetPort {
  return {
    ...(name === undefined || name === "" ? {} : { name }),
    port: port ?? 0,
    protocol: protocol ?? "TCP",
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}

function toAddress(endpoint: ServiceEndpoint, service: Service): EndpointAddress {
  const { hostname, nodeName, targetRef } = toEndpoint(endpoint, service, undefined);
  return {
    ip: endpoint.ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
