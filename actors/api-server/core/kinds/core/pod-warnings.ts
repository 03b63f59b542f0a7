/** What is told about pods, and about the templates of pods. Source: Kubernetes 1.37 `pkg/api/pod/warnings.go`, `pkg/api/node/util.go`. */
import type {
  AppArmorProfile,
  Container,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  PodTemplateSpec,
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
  const grace = spec.terminationGracePeriodSeconds ?? 0;
  return [
    ...labelWarnings(field, spec),
    ...(spec.volumes ?? []).flatMap((volume, i) =>
      Object.keys(volume)
        .filter((kind) => Object.hasOwn(DEPRECATED_VOLUMES, kind))
        .map((kind) => `${field}.volumes[${i}].${DEPRECATED_VOLUMES[kind]}`),
    ),
    ...(spec.volumes ?? []).flatMap(({ ephemeral }, i) => {
      const place = `${field}.volumes[${i}].ephemeral.volumeClaimTemplate.spec.resources`;
      const resources = ephemeral?.volumeClaimTemplate?.spec?.resources;
      const lists = ["limits", "requests"] as const;
      return lists.flatMap((list) => fractions(`${place}.${list}`, resources?.[list], ["storage"]));
    }),
    ...repeatedWarnings(field, spec),
    ...fractions(`${field}.overhead`, spec.overhead),
    ...profileWarnings(at, metadata?.annotations ?? {}, spec),
    ...containersIn(field, spec).flatMap(([place, container]) => [
      ...containerProfileWarnings(at, metadata?.annotations ?? {}, spec, container),
      ...containerWarnings(place, container),
    ]),
    ...portWarnings(containersIn(field, spec)),
    ...(grace < 0
      ? [`${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
  ];
}

const SECCOMP = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR_OF_CONTAINER = "container.apparmor.security.beta.kubernetes.io/";
const NO_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead';

type Annotations = Readonly<Record<string, string>>;

/** Profiles that are named where nobody looks any more. */
function profileWarnings(at: string, annotations: Annotations, { securityContext }: PodSpec): readonly string[] {
  if (securityContext?.seccompProfile || annotations[SECCOMP] === undefined) return [];
  return [`${at}metadata.annotations[${SECCOMP}]: ${NO_SECCOMP}`];
}

function containerProfileWarnings(
  at: string,
  annotations: Annotations,
  spec: PodSpec,
  { name, securityContext }: Container,
): readonly string[] {
  const told: string[] = [];
  const seccomp = `${SECCOMP_OF_CONTAINER}${name}`;
  if (!securityContext?.seccompProfile && annotations[seccomp] !== undefined) {
    told.push(`${at}metadata.annotations[${seccomp}]: ${NO_SECCOMP}`);
  }
  const appArmor = `${APP_ARMOR_OF_CONTAINER}${name}`;
  const profile = annotations[appArmor];
  if (profile === undefined || securityContext?.appArmorProfile || spec.os?.name === "windows") return told;
  if (saysTheSame(profile, spec.securityContext?.appArmorProfile)) return told;
  told.push(`${at}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  return told;
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

function labelWarnings(field: string, spec: PodSpec): readonly string[] {
  const told: string[] = [];
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
  return told;
}

function repeatedWarnings(field: string, spec: PodSpec): readonly string[] {
  const told: string[] = [];
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
  return told;
}

/** Half a byte is none. */
function fractions(
  field: string,
  amounts: Readonly<Record<string, string>> | undefined,
  names: readonly string[] = ["memory", "ephemeral-storage"],
): readonly string[] {
  return names.flatMap((name) => {
    const amount = amounts?.[name];
    if (amount === undefined || parseQuantity(amount).nano % 1_000_000_000n === 0n) return [];
    return [`${field}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`];
  });
}

function containerWarnings(place: string, { resources, env = [] }: Container): readonly string[] {
  const told = [
    ...fractions(`${place}.resources.limits`, resources?.limits),
    ...fractions(`${place}.resources.requests`, resources?.requests),
  ];
  const names = new Set<string>();
  for (const [i, { name, value = "", valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    // A value that builds on the one before needs it.
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    if (names.has(name) && hides) {
      const what = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
      told.push(`${place}.env[${i}]: ${what}`);
    }
    names.add(name);
  }
  return told;
}

/** More than any client is sent. */
const WARNINGS_MAX = 1_000;

function portWarnings(containers: readonly (readonly [string, Container])[]): readonly string[] {
  const told: string[] = [];
  const ports = containers.flatMap(([place, container]) =>
    (container.ports ?? []).map((port, i) => ({ place: `${place}.ports[${i}]`, ...port })),
  );
  const names = new Map<string, string>();
  const alike = new Map<string, (typeof ports)[number][]>();
  for (const port of ports) {
    const { place, name = "", hostIP = "", hostPort = 0, containerPort, protocol } = port;
    if (hostIP !== "" && hostPort === 0) {
      const shown = `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
      told.push(`${place}: hostIP set without hostPort: ${shown}`);
    }
    const key = `${containerPort}/${protocol}`;
    const others = alike.get(key) ?? [];
    // Each may be told of with each before it.
    for (const other of told.length > WARNINGS_MAX ? [] : others) {
      const [otherIp, otherPort] = [other.hostIP ?? "", other.hostPort ?? 0];
      if (otherIp === hostIP && otherPort === hostPort)
        told.push(`${place}: duplicate port definition with ${other.place}`);
      else if (hostPort === 0 || otherPort === 0)
        told.push(`${place}: overlapping port definition with ${other.place}`);
      else if (hostPort === otherPort && (hostIP === "") !== (otherIp === "")) {
        told.push(`${place}: dangerously ambiguous port definition with ${other.place}`);
      }
    }
    if (others.length < WARNINGS_MAX) others.push(port);
    alike.set(key, others);
  }
  for (const { place, name = "" } of ports) {
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
