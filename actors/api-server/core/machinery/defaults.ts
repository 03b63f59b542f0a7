/** The defaults that Kubernetes writes into objects that come in. Source: 1.37 `pkg/apis/<group>/v1/defaults.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { encodeBase64 } from "./base64.ts";
import type { JsonObject } from "./json-value.ts";
import { cloneJson, isJsonObject } from "./json-value.ts";
import { defaultPod, defaultPodSpec, objectIn, objectsIn, roundAmounts, setDefault } from "./pod-defaults.ts";

/** `object`, which has been through `decodeObject`, with its defaults set. The input is not changed. */
export function applyDefaults(object: KubernetesObject): KubernetesObject {
  const rule = Object.hasOwn(RULES, object.kind ?? "") ? RULES[object.kind ?? ""] : undefined;
  if (rule === undefined) return object;
  const result = cloneJson(object) as JsonObject;
  rule(result);
  return result;
}

const RULES: Readonly<Record<string, (object: JsonObject) => void>> = {
  Deployment: (object) => defaultDeployment(member(object, "spec")),
  Endpoints: defaultEndpoints,
  EndpointSlice: defaultEndpointSlice,
  Namespace: defaultNamespace,
  Node: defaultNode,
  Pod: (object) => {
    const spec = member(object, "spec");
    defaultPodSpec(spec);
    defaultPod(spec);
    const ipOf = (item: unknown): unknown => (isJsonObject(item) ? item["ip"] : undefined);
    syncFirst(member(object, "status"), "podIP", "podIPs", (ip) => ({ ip }), ipOf);
  },
  ReplicaSet: (object) => {
    const spec = member(object, "spec");
    setDefault(spec, "replicas", 1);
    defaultPodSpec(member(member(spec, "template"), "spec"));
  },
  Secret: defaultSecret,
  Service: defaultService,
};

/** An object that is always there: Go's structs are. */
function member(object: JsonObject, key: string): JsonObject {
  const present = objectIn(object, key);
  if (present !== undefined) return present;
  const added: JsonObject = {};
  object[key] = added;
  return added;
}

/** Keeps a field that once was one value and the list that took its place in step: the single value wins. */
function syncFirst(
  object: JsonObject,
  single: string,
  list: string,
  wrap: (value: unknown) => unknown,
  unwrap: (item: unknown) => unknown,
): void {
  const value = object[single];
  const first: unknown = Array.isArray(object[list]) ? unwrap(object[list][0]) : undefined;
  if (value && first !== value) object[list] = [wrap(value)];
  else if (!value && first) object[single] = first;
}

function defaultDeployment(spec: JsonObject): void {
  setDefault(spec, "replicas", 1);
  defaultPodSpec(member(member(spec, "template"), "spec"));
  const strategy = member(spec, "strategy");
  setDefault(strategy, "type", "RollingUpdate", "");
  if (strategy["type"] === "RollingUpdate") {
    const rollingUpdate = member(strategy, "rollingUpdate");
    setDefault(rollingUpdate, "maxUnavailable", "25%");
    setDefault(rollingUpdate, "maxSurge", "25%");
  }
  setDefault(spec, "revisionHistoryLimit", 10);
  setDefault(spec, "progressDeadlineSeconds", 600);
}

function defaultEndpoints(object: JsonObject): void {
  for (const subset of objectsIn(object["subsets"])) {
    for (const port of objectsIn(subset["ports"])) setDefault(port, "protocol", "TCP", "");
  }
}

function defaultEndpointSlice(object: JsonObject): void {
  for (const port of objectsIn(object["ports"])) {
    setDefault(port, "name", "");
    setDefault(port, "protocol", "TCP");
  }
}

function defaultNamespace(object: JsonObject): void {
  const metadata = member(object, "metadata");
  if (typeof metadata["name"] === "string" && metadata["name"] !== "") {
    member(metadata, "labels")["kubernetes.io/metadata.name"] = metadata["name"];
  }
  setDefault(member(object, "status"), "phase", "Active", "");
}

function defaultNode(object: JsonObject): void {
  const status = member(object, "status");
  const capacity = objectIn(status, "capacity");
  roundAmounts(capacity);
  roundAmounts(objectIn(status, "allocatable"));
  if (capacity !== undefined) setDefault(status, "allocatable", cloneJson(capacity));
  const spec = member(object, "spec");
  syncFirst(
    spec,
    "podCIDR",
    "podCIDRs",
    (cidr) => cidr,
    (cidr) => cidr,
  );
}

/** `stringData` is for writing only: it goes into `data`, over what is there. */
function defaultSecret(object: JsonObject): void {
  setDefault(object, "type", "Opaque", "");
  const texts = objectIn(object, "stringData");
  if (texts === undefined) return;
  const data = member(object, "data");
  const encoder = new TextEncoder();
  for (const key of Object.keys(texts)) data[key] = encodeBase64(encoder.encode(String(texts[key])));
  delete object["stringData"];
}

/** How long a client stays with one endpoint (three hours). */
const CLIENT_IP_TIMEOUT_SECONDS = 10_800;

function defaultService(object: JsonObject): void {
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
  // What has no endpoints has no policy about them.
  if (type === "ExternalName") delete spec["internalTrafficPolicy"];
  else setDefault(spec, "internalTrafficPolicy", "Cluster");
  if (type === "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
}
