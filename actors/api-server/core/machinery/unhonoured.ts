/**
 * Fields that inkube stores, as Kubernetes does, and that nothing in it acts on: whoever sets one is told by a `Warning` header.
 * This is the one list of them. Fields that the kubelet tells of by an event on the pod, because only it knows, are not here.
 */
import type { JsonObject } from "./json-value.ts";
import { equalJson, isJsonObject } from "./json-value.ts";

export interface Unhonoured {
  /** Within the spec; `[]` stands for every item of a list. */
  readonly path: string;
  /** What is so instead. */
  readonly words: string;
  /** Values that ask for just that. */
  readonly benign?: readonly unknown[];
  /** Of which specs it is so; of all when left out. */
  readonly when?: (spec: JsonObject) => boolean;
}

const NO_USERS = "containers run as the user of this process";
const NO_ISOLATION = "containers are not isolated from this process";
const NOT_MOUNTED = "the kubelet refuses to mount it";

const SECURITY: readonly Unhonoured[] = [
  { path: "runAsUser", words: NO_USERS },
  { path: "runAsGroup", words: NO_USERS },
  { path: "runAsNonRoot", words: NO_USERS, benign: [false] },
  { path: "seLinuxOptions", words: NO_ISOLATION },
  { path: "windowsOptions", words: NO_ISOLATION },
  { path: "seccompProfile", words: NO_ISOLATION },
  { path: "appArmorProfile", words: NO_ISOLATION },
];

const CONTAINER: readonly Unhonoured[] = [
  ...SECURITY.map((row) => ({ ...row, path: `securityContext.${row.path}` })),
  { path: "securityContext.capabilities", words: NO_ISOLATION },
  { path: "securityContext.privileged", words: NO_ISOLATION, benign: [false] },
  { path: "securityContext.readOnlyRootFilesystem", words: NO_ISOLATION, benign: [false] },
  { path: "securityContext.allowPrivilegeEscalation", words: NO_ISOLATION, benign: [true] },
  { path: "securityContext.procMount", words: NO_ISOLATION, benign: ["Default"] },
  { path: "resizePolicy", words: "the resources of a running container can't be changed" },
  { path: "resources.claims", words: "there are no devices to claim" },
  { path: "volumeDevices", words: "there are no block devices" },
  { path: "stdin", words: "standard input is closed", benign: [false] },
  { path: "stdinOnce", words: "standard input is closed", benign: [false] },
  { path: "tty", words: "there is no terminal", benign: [false] },
  { path: "lifecycle.stopSignal", words: "containers are stopped by SIGTERM", benign: ["SIGTERM"] },
  { path: "env[].valueFrom.fileKeyRef", words: "the container is not started" },
  { path: "volumeMounts[].recursiveReadOnly", words: "mounts below can be written to", benign: ["Disabled"] },
  { path: "volumeMounts[].bindMountOptions", words: "the mount has no options" },
  { path: "ports[].hostIP", words: "the port is open on the pod's own address only" },
  ...["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"].map((handler) => ({
    path: `${handler}.httpGet.protocol`,
    words: "the kubelet speaks HTTP/1.1",
    benign: ["HTTP1"],
  })),
];

const FILES: readonly string[] = ["configMap", "secret", "downwardAPI"];
const NO_OWNERS = "files belong to the user of this process";

const POD: readonly Unhonoured[] = [
  ...["containers[]", "initContainers[]", "ephemeralContainers[]"].flatMap((list) =>
    CONTAINER.map((row) => ({ ...row, path: `${list}.${row.path}` })),
  ),
  ...SECURITY.map((row) => ({ ...row, path: `securityContext.${row.path}` })),
  { path: "securityContext.supplementalGroups", words: NO_USERS },
  { path: "securityContext.supplementalGroupsPolicy", words: NO_USERS },
  { path: "securityContext.sysctls", words: NO_ISOLATION },
  { path: "securityContext.fsGroupChangePolicy", words: "volumes are written anew for each pod" },
  { path: "securityContext.seLinuxChangePolicy", words: NO_ISOLATION },
  { path: "automountServiceAccountToken", words: "there are no service account tokens yet", benign: [false] },
  { path: "dnsPolicy", words: "names are resolved as with ClusterFirst", benign: ["ClusterFirst"] },
  { path: "dnsConfig", words: "names are resolved as with ClusterFirst" },
  { path: "hostPID", words: NO_ISOLATION, benign: [false] },
  { path: "hostIPC", words: NO_ISOLATION, benign: [false] },
  { path: "shareProcessNamespace", words: NO_ISOLATION },
  { path: "hostUsers", words: NO_USERS, benign: [true] },
  { path: "imagePullSecrets", words: "images are local, and none is pulled" },
  { path: "affinity.podAffinity", words: "the scheduler does not look at other pods" },
  { path: "affinity.podAntiAffinity", words: "the scheduler does not look at other pods" },
  {
    path: "topologySpreadConstraints",
    words: "the scheduler spreads the pods of one owner over nodes, and no further",
  },
  { path: "resourceClaims", words: "there are no devices to claim" },
  { path: "schedulingGroup", words: "pods are scheduled one by one" },
  { path: "evictionResponders", words: "nobody is asked before an eviction" },
  { path: "os", words: "containers run on the system of this process" },
  ...FILES.map((kind) => ({ path: `volumes[].${kind}.defaultUser`, words: NO_OWNERS })),
  ...FILES.map((kind) => ({ path: `volumes[].${kind}.items[].user`, words: NO_OWNERS })),
  ...FILES.map((kind) => ({ path: `volumes[].projected.sources[].${kind}.items[].user`, words: NO_OWNERS })),
  { path: "volumes[].projected.defaultUser", words: NO_OWNERS },
  { path: "volumes[].projected.sources[].serviceAccountToken", words: NOT_MOUNTED },
  { path: "volumes[].projected.sources[].clusterTrustBundle", words: NOT_MOUNTED },
  { path: "volumes[].projected.sources[].podCertificate", words: NOT_MOUNTED },
  { path: "volumes[].emptyDir.mode", words: "the directory has the mode 0777" },
];

/** Of a headless Service, and of an ExternalName, nobody forwards anything. */
function isForwarded({ type, clusterIP }: JsonObject): boolean {
  return type !== "ExternalName" && clusterIP !== "None";
}

const SERVICE: readonly Unhonoured[] = [
  { path: "ports[].protocol", words: "only TCP is forwarded", benign: ["TCP"], when: isForwarded },
  // Given to each LoadBalancer with externalTrafficPolicy Local.
  { path: "healthCheckNodePort", words: "nobody listens on this port", benign: [0] },
  { path: "loadBalancerIP", words: "there is no load balancer" },
  { path: "loadBalancerClass", words: "there is no load balancer" },
  { path: "loadBalancerSourceRanges", words: "there is no load balancer" },
  { path: "externalIPs", words: "nobody listens on these addresses" },
  { path: "trafficDistribution", words: "an endpoint on the same node is always preferred, then one in the same zone" },
];

const NODE: readonly Unhonoured[] = [
  { path: "configSource", words: "kubelets are configured by their options" },
  { path: "podPreemptionPolicy", words: "no pod makes room for another" },
];

/** By kind; a template's spec is a pod's. */
export const UNHONOURED: Readonly<Record<"Pod" | "Service" | "Node", readonly Unhonoured[]>> = {
  Pod: POD,
  Service: SERVICE,
  Node: NODE,
};

/** One sentence for each field of the list that is set, of several items for the first. */
export function unhonouredIn(at: string, spec: JsonObject, rows: readonly Unhonoured[]): readonly string[] {
  const told: string[] = [];
  for (const { path, words, benign = [], when } of rows) {
    if (when?.(spec) === false) continue;
    const place = firstSet(at, spec, path.split("."), benign);
    if (place !== undefined) told.push(`${place}: stored, but not honoured by inkube: ${words}`);
  }
  return told;
}

function firstSet(
  at: string,
  value: unknown,
  steps: readonly string[],
  benign: readonly unknown[],
): string | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return isSet(value) && !benign.some((one) => equalJson(one, value)) ? at : undefined;
  if (!isJsonObject(value)) return undefined;
  const list = step.endsWith("[]");
  const name = list ? step.slice(0, -2) : step;
  const next = Object.hasOwn(value, name) ? value[name] : undefined;
  if (!list) return firstSet(`${at}.${name}`, next, rest, benign);
  for (const [i, item] of (Array.isArray(next) ? next : []).entries()) {
    const found = firstSet(`${at}.${name}[${i}]`, item, rest, benign);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return !(Array.isArray(value) && value.length === 0);
}
