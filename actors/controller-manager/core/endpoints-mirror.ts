/**
 * EndpointSlices out of Endpoints that somebody made by hand, for a Service without a selector.
 * @see k8s.io/kubernetes/pkg/controller/endpointslicemirroring
 */
import type {
  Endpoints,
  EndpointAddress,
  EndpointSubset,
  Service,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Endpoint, EndpointSlice } from "../../../protocols/kubernetes/types/discovery-v1.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { canonical } from "./deployment/template.ts";
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from "./endpoints.ts";

export const MIRRORED_BY = "endpointslicemirroring-controller.k8s.io";
const SKIP_LABEL = "endpointslice.kubernetes.io/skip-mirror";
/** Endpoints that an old kind of leader election keeps its lock on. */
const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";
/** Of a subset; Kubernetes' default of `--mirroring-max-endpoints-per-subset`. */
const ADDRESSES_MAX = 1_000;
/** Annotations of the Endpoints that say nothing about its slices. */
const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "endpoints.kubernetes.io/last-change-trigger-time",
]);

export interface MirrorPlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/** What makes `present`, the mirrored slices of a Service, what they should be. */
export function planMirror(
  service: Service | undefined,
  endpoints: Endpoints | undefined,
  present: readonly EndpointSlice[],
): MirrorPlan {
  const wanted = endpoints !== undefined && isMirrored(service, endpoints) ? slicesOf(endpoints) : [];
  const left = [...present];
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  for (const slice of wanted) {
    const index = left.findIndex((other) => placeOf(other) === placeOf(slice));
    const before = index < 0 ? undefined : left.splice(index, 1)[0];
    if (before === undefined) create.push(slice);
    else if (contentOf(before) !== contentOf(slice)) {
      const { labels, annotations } = slice.metadata ?? {};
      const metadata = { ...before.metadata, labels: labels ?? {}, annotations: annotations ?? {} };
      update.push({ ...slice, metadata });
    }
  }
  return { create, update, delete: left };
}

function isMirrored(service: Service | undefined, { metadata }: Endpoints): boolean {
  if (service === undefined || Object.keys(service.spec?.selector ?? {}).length > 0) return false;
  if (metadata?.deletionTimestamp !== undefined || metadata?.labels?.[SKIP_LABEL] === "true") return false;
  return metadata?.annotations?.[LEADER_ANNOTATION] === undefined;
}

/** One slice for each family of addresses of each set of ports. */
function slicesOf(endpoints: Endpoints): readonly EndpointSlice[] {
  const found = new Map<string, { readonly slice: EndpointSlice; readonly of: Map<string, Endpoint> }>();
  for (const subset of endpoints.subsets ?? []) {
    for (const [address, ready] of addressesOf(subset)) {
      const slice = emptySlice(endpoints, subset, address.ip.includes(":") ? "IPv6" : "IPv4");
      const place = found.get(placeOf(slice)) ?? { slice, of: new Map<string, Endpoint>() };
      found.set(placeOf(slice), place);
      if (place.of.size < ADDRESSES_MAX && !place.of.has(address.ip))
        place.of.set(address.ip, endpointOf(address, ready));
    }
  }
  return [...found.values()].map(({ slice, of }) => ({ ...slice, endpoints: [...of.values()] }));
}

function addressesOf({
  addresses = [],
  notReadyAddresses = [],
}: EndpointSubset): readonly [EndpointAddress, boolean][] {
  return [
    ...addresses.map((address): [EndpointAddress, boolean] => [address, true]),
    ...notReadyAddresses.map((address): [EndpointAddress, boolean] => [address, false]),
  ];
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

function emptySlice(
  { metadata }: Endpoints,
  { ports = [] }: EndpointSubset,
  addressType: "IPv4" | "IPv6",
): EndpointSlice {
  const { name = "", namespace = "", labels = {}, annotations = {} } = metadata ?? {};
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY_LABEL]: MIRRORED_BY },
      annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !OWN_ANNOTATIONS.has(key))),
      ownerReferences: [controllerReference("v1", "Endpoints", { metadata: metadata ?? {} })],
    },
    addressType,
    endpoints: [],
    ports: ports.map(({ name: portName = "", protocol = "TCP", port, appProtocol }) => ({
      name: portName,
      protocol,
      port,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
  };
}

function placeOf({ addressType, ports = [] }: EndpointSlice): string {
  return canonical([
    addressType ?? "",
    ports.map(({ name = "", protocol = "TCP", port = 0, appProtocol = "" }) => [name, protocol, port, appProtocol]),
  ]);
}

function contentOf({ metadata, endpoints }: EndpointSlice): string {
  return canonical([metadata?.labels ?? {}, metadata?.annotations ?? {}, endpoints ?? []]);
}
