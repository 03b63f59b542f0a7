/** What is told about pods, and about the templates of pods. Source: Kubernetes 1.37 `pkg/api/pod/warnings.go`, `pkg/api/node/util.go`. */
import type {
  AppArmorProfile,
  Container,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { parseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { UnhonouredFields } from "../../machinery/unhonoured.ts";
import { POD_UNHONOURED } from "./pod-unhonoured.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const UNHONOURED = new UnhonouredFields(POD_UNHONOURED);

const DEPRECATED_LABELS: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

const DEPRECATED_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: "photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+",
  gitRepo: "gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
  scaleIO: "scaleIO: deprecated in v1.16, non-functional in v1.22+",
  flocker: "flocker: deprecated in v1.22, non-functional in v1.25+",
  storageos: "storageOS: deprecated in v1.22, non-functional in v1.25+",
  quobyte: "quobyte: deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "glusterfs: deprecated in v1.25, non-functional in v1.26+",
  cephfs: "cephfs: deprecated in v1.28, non-functional in v1.31+",
  rbd: "rbd: deprecated in v1.28, non-functional in v1.31+",
};

/** @param at what comes before `spec.` */
export function podWarnings(at: string, pod: Pod | PodTemplateSpec): readonly string[] {
  return [...kubernetesWarnings(at, pod), ...UNHONOURED.in(`${at}spec`, (pod.spec ?? {}) as JsonObject)];
}

/** Without what is said of fields that nothing here acts on. */
export function kubernetesWarnings(at: string, pod: Pod | PodTemplateSpec): readonly string[] {
  const { metadata, spec = { containers: [] } } = pod;
  const field = `${at}spec`;
  const annotations = metadata?.annotations ?? {};
  const told: string[] = [];
  tellOfLabels(field, spec, told);
  if (spec.volumes !== undefined) tellOfVolumes(field, spec.volumes, told);
  tellOfRepeated(field, spec, told);
  tellOfFractions(`${field}.overhead`, spec.overhead, told);
  tellOfProfile(at, annotations, spec, told);
  const containers = containersIn(field, spec);
  for (const [place, container] of containers) {
    tellOfProfiles(at, annotations, spec, container, told);
    tellOfContainer(place, container, told);
  }
  told.push(...portWarnings(containers));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const why = "must be >= 0; negative values are invalid and will be treated as 1";
    told.push(`${field}.terminationGracePeriodSeconds: ${why}`);
  }
  return told;
}

function tellOfVolumes(field: string, volumes: readonly Volume[], told: string[]): void {
  for (const [i, volume] of volumes.entries()) {
    for (const kind of Object.keys(volume)) {
      if (Object.hasOwn(DEPRECATED_VOLUMES, kind)) told.push(`${field}.volumes[${i}].${DEPRECATED_VOLUMES[kind]}`);
    }
  }
  for (const [i, { ephemeral }] of volumes.entries()) {
    const resources = ephemeral?.volumeClaimTemplate?.spec?.resources;
    if (resources === undefined) continue;
    const place = `${field}.volumes[${i}].ephemeral.volumeClaimTemplate.spec.resources`;
    for (const list of ["limits", "requests"] as const) {
      tellOfFractions(`${place}.${list}`, resources[list], told, ["storage"]);
    }
  }
}

const SECCOMP = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR_OF_CONTAINER = "container.apparmor.security.beta.kubernetes.io/";
const NO_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead';

type Annotations = Readonly<Record<string, string>>;

/** Profiles that are named where nobody looks any more. */
function tellOfProfile(at: string, annotations: Annotations, { securityContext }: PodSpec, told: string[]): void {
  if (securityContext?.seccompProfile || annotations[SECCOMP] === undefined) return;
  told.push(`${at}metadata.annotations[${SECCOMP}]: ${NO_SECCOMP}`);
}

function tellOfProfiles(
  at: string,
  annotations: Annotations,
  spec: PodSpec,
  { name, securityContext }: Container,
  told: string[],
): void {
  const seccomp = `${SECCOMP_OF_CONTAINER}${name}`;
  if (!securityContext?.seccompProfile && annotations[seccomp] !== undefined) {
    told.push(`${at}metadata.annotations[${seccomp}]: ${NO_SECCOMP}`);
  }
  const appArmor = `${APP_ARMOR_OF_CONTAINER}${name}`;
  const profile = annotations[appArmor];
  if (profile === undefined || securityContext?.appArmorProfile || spec.os?.name === "windows") return;
  if (saysTheSame(profile, spec.securityContext?.appArmorProfile)) return;
  told.push(`${at}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
}

/** @param annotation of a container; what it means has been the field's since v1.30 */
function saysTheSame(annotation: string, field: AppArmorProfile | undefined): boolean {
  if (field === undefined) return false;
  if (annotation === "unconfined") return field.type === "Unconfined";
  if (annotation === "runtime/default") return field.type === "RuntimeDefault";
  return field.type === "Localhost" && annotation === `localhost/${field.localhostProfile ?? ""}`;
}

function containersIn(field: string, spec: PodSpec): readonly (readonly [string, Container])[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    ((spec[list] ?? []) as readonly Container[]).map((each, i) => [`${field}.${list}[${i}]`, each] as const),
  );
}

/** How a label of nodes is called today, and since when; nothing of one that has kept its name. */
export function deprecationOf(key: string): string | undefined {
  return Object.hasOwn(DEPRECATED_LABELS, key) ? DEPRECATED_LABELS[key] : undefined;
}

/** Labels of nodes that have another name today. */
export function termWarnings(
  at: string,
  term: Pick<NodeSelectorTerm, "matchExpressions"> | LabelSelector,
): readonly string[] {
  return (term.matchExpressions ?? []).flatMap(({ key }, i) => {
    const message = deprecationOf(key);
    return message === undefined ? [] : [`${at}.matchExpressions[${i}].key: ${key} is ${message}`];
  });
}

function tellOfLabels(field: string, spec: PodSpec, told: string[]): void {
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const message = deprecationOf(key);
    if (message !== undefined) told.push(`${field}.nodeSelector[${key}]: ${message}`);
  }
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const terms = spec.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  for (const [i, term] of terms.entries()) {
    told.push(...termWarnings(`${field}.affinity.nodeAffinity.${required}.nodeSelectorTerms[${i}]`, term));
  }
  for (const [i, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const place = `${field}.topologySpreadConstraints[${i}]`;
    const message = deprecationOf(topologyKey);
    if (message !== undefined) told.push(`${place}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) told.push(`${place}.labelSelector: a null labelSelector results in matching no pod`);
  }
}

function tellOfRepeated(field: string, spec: PodSpec, told: string[]): void {
  const ips = (spec.hostAliases ?? []).map((alias) => alias.ip);
  const repeatedIps = repeatedAt(ips);
  for (const [i, ip] of ips.entries()) {
    if (repeatedIps.has(i)) told.push(`${field}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`);
  }
  const names = (spec.imagePullSecrets ?? []).map((secret) => secret.name ?? "");
  const repeatedNames = repeatedAt(names);
  for (const [i, name] of names.entries()) {
    const place = `${field}.imagePullSecrets[${i}].name`;
    if (repeatedNames.has(i)) told.push(`${place}: duplicate name ${JSON.stringify(name)}`);
    if (name === "") told.push(`${place}: invalid empty name ""`);
  }
}

const BYTES: readonly string[] = ["memory", "ephemeral-storage"];

/** Half a byte is none. */
function tellOfFractions(
  field: string,
  amounts: Readonly<Record<string, string>> | undefined,
  told: string[],
  names: readonly string[] = BYTES,
): void {
  if (amounts === undefined) return;
  for (const name of names) {
    const amount = amounts[name];
    if (amount === undefined || parseQuantity(amount).nano % 1_000_000_000n === 0n) continue;
    told.push(`${field}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
  }
}

function tellOfContainer(place: string, { resources, env = [] }: Container, told: string[]): void {
  tellOfFractions(`${place}.resources.limits`, resources?.limits, told);
  tellOfFractions(`${place}.resources.requests`, resources?.requests, told);
  const names = new Set<string>();
  for (const [i, { name, value = "", valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    // A value that builds on the one before needs it.
    if (names.has(name) && (valueFrom !== undefined || value === reference || !value.includes(reference))) {
      const what = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
      told.push(`${place}.env[${i}]: ${what}`);
    }
    names.add(name);
  }
}

/** More than any client is sent. */
const WARNINGS_MAX = 1_000;

function portWarnings(containers: readonly (readonly [string, Container])[]): readonly string[] {
  const told: string[] = [];
  const ports = containers.flatMap(([place, container]) =>
    (container.ports ?? []).map((port, i) => ({ place: `${place}.ports[${i}]`, port })),
  );
  const names = new Map<string, string>();
  const alike = new Map<string, (typeof ports)[number][]>();
  for (const one of ports) {
    const { place, port } = one;
    const { name = "", hostIP = "", hostPort = 0, containerPort, protocol } = port;
    if (hostIP !== "" && hostPort === 0) {
      const shown = `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
      told.push(`${place}: hostIP set without hostPort: ${shown}`);
    }
    const key = `${containerPort}/${protocol}`;
    const others = alike.get(key) ?? [];
    // Each may be told of with each before it.
    for (const other of told.length > WARNINGS_MAX ? [] : others) {
      const { hostIP: otherIp = "", hostPort: otherPort = 0 } = other.port;
      if (otherIp === hostIP && otherPort === hostPort)
        told.push(`${place}: duplicate port definition with ${other.place}`);
      else if (hostPort === 0 || otherPort === 0)
        told.push(`${place}: overlapping port definition with ${other.place}`);
      else if (hostPort === otherPort && (hostIP === "") !== (otherIp === "")) {
        told.push(`${place}: dangerously ambiguous port definition with ${other.place}`);
      }
    }
    if (others.length < WARNINGS_MAX) others.push(one);
    alike.set(key, others);
  }
  for (const { place, port } of ports) {
    const { name = "" } = port;
    const other = names.get(name);
    if (name === "") continue;
    if (other === undefined) names.set(name, place);
    else {
      const what = `duplicate port name ${JSON.stringify(name)} with ${other}`;
      told.push(`${place}: ${what}, services and probes that select ports by name will use ${other}`);
    }
  }
  return told;
}
