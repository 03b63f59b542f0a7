/** Services. Source: Kubernetes `pkg/registry/core/service`, `pkg/api/service/warnings.go`. */
import type { Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { UnhonouredFields } from "../../machinery/unhonoured.ts";
import type { Unhonoured } from "../../machinery/unhonoured.ts";
import { dns1123Label } from "../../machinery/validation/names.ts";
import type { Fields, KindRules } from "../rules.ts";
import { allocate, claimsOf } from "./service-addresses.ts";
import { prepareServiceCreate, prepareServiceUpdate } from "./service-changes.ts";
import { validateService, validateServiceStatus, validateServiceUpdate } from "./service-validation.ts";

/** Of a headless Service, and of an ExternalName, nobody forwards anything. */
function isForwarded({ type, clusterIP }: JsonObject): boolean {
  return type !== "ExternalName" && clusterIP !== "None";
}

export const SERVICE_UNHONOURED: readonly Unhonoured[] = [
  { path: "ports[].protocol", words: "only TCP is forwarded", benign: ["TCP"], when: isForwarded },
  // Given to each LoadBalancer with externalTrafficPolicy Local.
  { path: "healthCheckNodePort", words: "nobody listens on this port", benign: [0] },
  { path: "loadBalancerIP", words: "there is no load balancer" },
  { path: "loadBalancerClass", words: "there is no load balancer" },
  { path: "loadBalancerSourceRanges", words: "there is no load balancer" },
  { path: "externalIPs", words: "nobody listens on these addresses" },
  { path: "trafficDistribution", words: "an endpoint on the same node is always preferred, then one in the same zone" },
];
const UNHONOURED = new UnhonouredFields(SERVICE_UNHONOURED);

export const serviceRules: KindRules = {
  defaults,
  name: dns1123Label,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  warnings: (object: Service) => [...warnings(object), ...UNHONOURED.in("spec", (object.spec ?? {}) as JsonObject)],
  retold: warnings,
  cells,
  claims: { of: claimsOf, allocate },
  returnsDeletedObject: true,
  validateStatusUpdate: validateServiceStatus,
  status: "empty",
  prepareCreate: (object) => ({
    ...withoutTrafficPolicy(prepareServiceCreate(object as Service)),
    status: { loadBalancer: {} },
  }),
  prepareUpdate: (object, old) => {
    const service = withoutTrafficPolicy(prepareServiceUpdate(object as Service, old as Service));
    return (service.spec?.type === "LoadBalancer" ? service : { ...service, status: { loadBalancer: {} } }) as Fields;
  },
};

/** How long a client stays with one endpoint (three hours). */
const CLIENT_IP_TIMEOUT_SECONDS = 10_800;

function defaults(object: JsonObject): void {
  const spec = member(object, "spec");
  setDefault(spec, "sessionAffinity", "None", "");
  if (spec["sessionAffinity"] === "None") delete spec["sessionAffinityConfig"];
  if (spec["sessionAffinity"] === "ClientIP") {
    setDefault(member(member(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", CLIENT_IP_TIMEOUT_SECONDS);
  }
  setDefault(spec, "type", "ClusterIP", "");
  for (const port of objectsIn(spec["ports"])) {
    setDefault(port, "protocol", "TCP", "");
    if (!port["targetPort"]) port["targetPort"] = port["port"];
  }
  const type = spec["type"];
  const external =
    type === "NodePort" ||
    type === "LoadBalancer" ||
    (type === "ClusterIP" && Array.isArray(spec["externalIPs"]) && spec["externalIPs"].length > 0);
  if (external) setDefault(spec, "externalTrafficPolicy", "Cluster", "");
  if (type !== "ExternalName") setDefault(spec, "internalTrafficPolicy", "Cluster");
  if (type !== "LoadBalancer") return;
  setDefault(spec, "allocateLoadBalancerNodePorts", true);
  const balancer = objectIn(objectIn(object, "status") ?? {}, "loadBalancer") ?? {};
  for (const address of objectsIn(balancer["ingress"])) if (address["ip"]) setDefault(address, "ipMode", "VIP");
}

/** What has no endpoints has no policy about them. Who has set it still owns it, as in Kubernetes. */
function withoutTrafficPolicy(service: Service): Service {
  if (service.spec?.type !== "ExternalName" || service.spec.internalTrafficPolicy === undefined) return service;
  const { internalTrafficPolicy: _unused, ...spec } = service.spec;
  return { ...service, spec };
}

const OLD_TOPOLOGY = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY = "service.kubernetes.io/topology-mode";

function warnings({ metadata, spec = {} }: Service): readonly string[] {
  const told: string[] = [];
  if (metadata?.annotations?.[OLD_TOPOLOGY] !== undefined) {
    told.push(`annotation ${OLD_TOPOLOGY} is deprecated, please use ${TOPOLOGY} instead`);
  }
  const headless = spec.type === "ClusterIP" && spec.clusterIP === "None";
  const external = (spec.externalIPs ?? []).length > 0;
  if (headless && spec.loadBalancerIP) told.push("spec.loadBalancerIP is ignored for headless services");
  if (headless && external) told.push("spec.externalIPs is ignored for headless services");
  if (headless && spec.sessionAffinity !== "None") told.push("spec.SessionAffinity is ignored for headless services");
  if (external && spec.type === "ExternalName") {
    told.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  } else if (external && !headless) {
    told.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (spec.type !== "ExternalName" && spec.externalName) {
    told.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === "PreferClose") {
    told.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return told;
}

function cells(service: Service, nowMs: number): readonly Cell[] {
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
