/** Rules of pods. Source: Kubernetes `ValidatePodCreate`, `ValidatePodSpec`, `ValidatePodUpdate`. */
import type {
  Container,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Toleration,
  Volume,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { JsonObject } from "../json-value.ts";
import { equalJson } from "../json-value.ts";
import {
  podOfContainer,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from "./container.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain, ipAddress, qualifiedName, searchDomain } from "./names.ts";
import { validateAnnotations, validateLabels } from "./object-meta.ts";
import { validateOverhead, validatePodResources } from "./resources.ts";
import { validateAffinity, validateSpreadConstraints, validateTolerations } from "./scheduling.ts";
import { containersOf, validateHostProcess, validateOs, validatePodSecurityContext } from "./security-context.ts";
import { validateVolumes } from "./volumes.ts";
import { repeatedAt } from "./repeated.ts";

const INT32_MAX = 2_147_483_647;
const HOSTNAME_CHARS_MAX = 64;
const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export function validatePodSpec(field: string, spec: PodSpec, isPod: boolean, errors: FieldErrors): void {
  const volumes = validateVolumes(`${field}.volumes`, spec.volumes ?? [], errors);
  const pod = podOfContainer(spec, volumes, isPod);
  validateClaims(`${field}.resourceClaims`, spec.resourceClaims ?? [], errors);
  const names = new Set<string>();
  if ((spec.containers ?? []).length === 0) errors.required(`${field}.containers`);
  validateContainers(`${field}.containers`, spec.containers ?? [], names, pod, errors);
  validateInitContainers(`${field}.initContainers`, spec.initContainers ?? [], names, pod, errors);
  validateEphemeralContainers(`${field}.ephemeralContainers`, spec.ephemeralContainers ?? [], names, pod, errors);
  validatePodResources(field, spec, errors);
  validateHostNetwork(field, spec, isPod, errors);
  errors.oneOf(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]);
  errors.oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  validateDns(`${field}.dnsConfig`, spec, errors);
  validateLabels(`${field}.nodeSelector`, spec.nodeSelector, errors);
  if (spec.securityContext) validatePodSecurityContext(`${field}.securityContext`, spec.securityContext, spec, errors);
  validateHost(field, spec, errors);
  validateOs(field, spec, errors);
  validateHostProcess(field, spec, errors);
  validateNames(field, spec, errors);
  if (typeof spec.activeDeadlineSeconds === "number") {
    errors.inRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, INT32_MAX);
  }
  validateTolerations(`${field}.tolerations`, spec.tolerations ?? [], errors);
  validateHostAliases(`${field}.hostAliases`, spec.hostAliases ?? [], errors);
  if (spec.affinity) validateAffinity(`${field}.affinity`, spec.affinity, errors);
  validateSpreadConstraints(`${field}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? [], errors);
  if (spec.preemptionPolicy !== undefined) {
    errors.oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"]);
  }
  if (spec.overhead) validateOverhead(`${field}.overhead`, spec.overhead, errors);
  const gates = spec.schedulingGates ?? [];
  const repeated = repeatedAt(gates.map((each) => each.name));
  for (const [i, { name }] of gates.entries()) {
    errors.all(`${field}.schedulingGates[${i}]`, name, qualifiedName(name));
    if (repeated.has(i)) errors.duplicate(`${field}.schedulingGates[${i}]`, name);
  }
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    errors.all(`${field}.readinessGates[${i}].conditionType`, gate.conditionType, qualifiedName(gate.conditionType));
  }
  validateFileKeys(field, spec, errors);
}

function validateNames(field: string, spec: PodSpec, errors: FieldErrors): void {
  const subdomains = ["serviceAccountName", "nodeName", "priorityClassName"] as const;
  for (const name of subdomains) {
    const value = spec[name];
    if (value) errors.all(`${field}.${name}`, value, dns1123Subdomain(value));
  }
  const runtime = spec.runtimeClassName;
  if (runtime !== undefined) errors.all(`${field}.runtimeClassName`, runtime, dns1123Subdomain(runtime));
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) errors.all(`${field}.${name}`, value, dns1123Label(value));
  }
  const { hostnameOverride: override } = spec;
  if (override === undefined) return;
  const at = `${field}.hostnameOverride`;
  if (spec.setHostnameAsFQDN === true) errors.forbidden(at, "may not be specified when setHostnameAsFQDN is true");
  if (spec.hostNetwork === true) errors.forbidden(at, "may not be specified when hostNetwork is true");
  if (override.length > HOSTNAME_CHARS_MAX) errors.tooLong(at, HOSTNAME_CHARS_MAX);
  errors.all(at, override, dns1123Subdomain(override));
}

/** What a pod shares with its node. */
function validateHost(field: string, spec: PodSpec, errors: FieldErrors): void {
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const detail = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.invalid(`${field}.shareProcessNamespace`, true, detail);
  }
  if (spec.hostUsers !== false) return;
  const detail = "when `hostUsers` is false";
  if (spec.hostPID === true) errors.forbidden(`${field}.HostPID`, detail);
  if (spec.hostIPC === true) errors.forbidden(`${field}.HostIPC`, detail);
  for (const [at, container] of containersOf(field, spec)) {
    if ((container.volumeDevices ?? []).length > 0) errors.forbidden(`${at}.volumeDevices`, detail);
  }
}

function validateHostNetwork(field: string, spec: PodSpec, isPod: boolean, errors: FieldErrors): void {
  if (spec.hostNetwork !== true) return;
  for (const [i, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort }] of ports.entries()) {
      if (hostPort === containerPort || (!isPod && hostPort === 0)) continue;
      const at = `${field}.containers[${i}].ports[${j}].hostPort`;
      errors.invalid(at, hostPort, "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARS_MAX = 2048;

function validateDns(field: string, { dnsPolicy, dnsConfig }: PodSpec, errors: FieldErrors): void {
  const servers = dnsConfig?.nameservers ?? [];
  if (dnsPolicy === "None" && dnsConfig === undefined) {
    return errors.required(field, "must provide `dnsConfig` when `dnsPolicy` is None");
  }
  if (dnsPolicy === "None" && servers.length === 0) {
    const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return errors.required(`${field}.nameservers`, detail);
  }
  if (servers.length > NAMESERVERS_MAX) {
    errors.invalid(`${field}.nameservers`, servers, `must not have more than ${NAMESERVERS_MAX} nameservers`);
  }
  for (const [i, ip] of servers.entries()) errors.all(`${field}.nameservers[${i}]`, ip, ipAddress(ip));
  const searches = dnsConfig?.searches ?? [];
  if (searches.length > SEARCHES_MAX) {
    errors.invalid(`${field}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`);
  }
  if (searches.join(" ").length > SEARCH_CHARS_MAX) {
    const detail = `must not have more than ${SEARCH_CHARS_MAX} characters (including spaces) in the search list`;
    errors.invalid(`${field}.searches`, searches, detail);
  }
  for (const [i, search] of searches.entries()) {
    if (search === ".") continue;
    const domain = search.replace(/\.$/, "");
    errors.all(`${field}.searches[${i}]`, domain, searchDomain(domain));
  }
  for (const [i, { name }] of (dnsConfig?.options ?? []).entries()) {
    if (!name) errors.required(`${field}.options[${i}]`, "must not be empty");
  }
}

/** Devices that the pod claims. Source: `validatePodResourceClaims`. */
function validateClaims(field: string, claims: NonNullable<PodSpec["resourceClaims"]>, errors: FieldErrors): void {
  if (claims.length === 0) return;
  const names = new Set<string>();
  for (const [i, { name, resourceClaimName, resourceClaimTemplateName }] of claims.entries()) {
    const at = `${field}[${i}]`;
    if (!name) errors.required(`${at}.name`);
    else if (names.has(name)) errors.duplicate(`${at}.name`, name);
    else errors.all(`${at}.name`, name, dns1123Label(name));
    names.add(name);
    const shown = {
      Name: name,
      ResourceClaimName: resourceClaimName ?? null,
      ResourceClaimTemplateName: resourceClaimTemplateName ?? null,
    };
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
      errors.invalid(at, shown, detail);
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.invalid(at, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
    }
    for (const [key, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (value !== undefined) errors.all(`${at}.${key}`, value, dns1123Subdomain(value));
    }
  }
}

/** A variable from a file is written by an init container into a volume that all see. */
function validateFileKeys(field: string, spec: PodSpec, errors: FieldErrors): void {
  let volumes: ReadonlyMap<string, Volume> | undefined;
  for (const [at, container] of containersOf(field, spec)) {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      volumes ??= new Map((spec.volumes ?? []).toReversed().map((volume) => [volume.name, volume]));
      const volume = volumes.get(name);
      const here = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      if (volume === undefined) errors.notFound(here, name);
      else if (!volume.emptyDir) errors.invalid(here, name, "referenced volume must be of type emptyDir");
    }
  }
}

/** What is asked of a pod, and not of a template of one. */
export function validatePod(pod: Pod, errors: FieldErrors): void {
  const spec = pod.spec ?? { containers: [] };
  validatePodSpec("spec", spec, true, errors);
  errors.notNegative("spec.terminationGracePeriodSeconds", spec.terminationGracePeriodSeconds);
}

export function validatePodCreate(pod: Pod, errors: FieldErrors): void {
  const spec = pod.spec ?? { containers: [] };
  validatePod(pod, errors);
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) {
    errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
  }
}

function validateHostAliases(field: string, aliases: NonNullable<PodSpec["hostAliases"]>, errors: FieldErrors): void {
  for (const [i, { ip, hostnames }] of aliases.entries()) {
    errors.all(`${field}[${i}].ip`, ip, ipAddress(ip));
    for (const [j, name] of (hostnames ?? []).entries())
      errors.all(`${field}[${i}].hostnames[${j}]`, name, dns1123Subdomain(name));
  }
}

export function validateTemplate(field: string, template: PodTemplateSpec, errors: FieldErrors): void {
  validateLabels(`${field}.labels`, template.metadata?.labels, errors);
  validateAnnotations(`${field}.annotations`, template.metadata?.annotations, errors);
  const spec = template.spec ?? { containers: [] };
  validatePodSpec(`${field}.spec`, spec, false, errors);
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.forbidden(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
  }
}

/** Fields of a running pod that may change, as the message lists them. */
const UPDATABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

export function validatePodUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  const spec = pod.spec ?? { containers: [] };
  const oldSpec = old.spec ?? { containers: [] };
  validatePod(pod, errors);
  for (const list of ["containers", "initContainers"] as const) {
    if ((spec[list] ?? []).length === (oldSpec[list] ?? []).length) continue;
    return errors.forbidden(`spec.${list}`, "pod updates may not add or remove containers");
  }
  if (!validateDeadlineUpdate(spec, oldSpec, errors)) return;
  validateTolerationUpdate(spec.tolerations ?? [], oldSpec.tolerations ?? [], errors);
  validateGateUpdate(spec, oldSpec, errors);
  const gated = (oldSpec.schedulingGates ?? []).length > 0;
  if (gated) validateNarrowing(spec, oldSpec, errors);
  const comparable: PodSpec = {
    ...spec,
    containers: withImagesOf(spec.containers, oldSpec.containers),
    ...(spec.initContainers ? { initContainers: withImagesOf(spec.initContainers, oldSpec.initContainers) } : {}),
  };
  const [now, then] = gated ? [withoutNodeAffinity(comparable), withoutNodeAffinity(oldSpec)] : [comparable, oldSpec];
  const changed = changedFields(now as unknown as JsonObject, then as unknown as JsonObject, gated);
  if (changed.length === 0) return;
  errors.forbidden("spec", `pod updates may not change fields other than ${UPDATABLE}\nchanged: ${changed.join(", ")}`);
}

function withoutNodeAffinity({ affinity, ...spec }: PodSpec): PodSpec {
  const { nodeAffinity: _free, ...rest } = affinity ?? {};
  return Object.keys(rest).length === 0 ? spec : { ...spec, affinity: rest };
}

function withImagesOf(
  containers: readonly Container[] | undefined,
  old: readonly Container[] | undefined,
): readonly Container[] {
  return (containers ?? []).map((container, i) => {
    const image = old?.[i]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

function changedFields(spec: JsonObject, old: JsonObject, gated: boolean): readonly string[] {
  const free = ["activeDeadlineSeconds", "tolerations", "schedulingGates", ...(gated ? ["nodeSelector"] : [])];
  const grace = "terminationGracePeriodSeconds";
  if (Number(old[grace]) < 0 && spec[grace] === 1) free.push(grace);
  const keys = [...new Set([...Object.keys(spec), ...Object.keys(old)])].filter((key) => !free.includes(key));
  return keys.filter((key) => !equalJson(spec[key] ?? null, old[key] ?? null)).map((key) => `spec.${key}`);
}

/** Returns whether the rest is worth a look. */
function validateDeadlineUpdate(spec: PodSpec, old: PodSpec, errors: FieldErrors): boolean {
  const field = "spec.activeDeadlineSeconds";
  const [value, before] = [spec.activeDeadlineSeconds, old.activeDeadlineSeconds];
  if (typeof value === "number") {
    if (typeof before === "number" && before < value) {
      errors.invalid(field, value, "must be less than or equal to previous value");
      return false;
    }
  } else if (typeof before === "number") {
    errors.invalid(field, null, "must not update from a positive integer to nil value");
  }
  return true;
}

function validateTolerationUpdate(
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
  errors: FieldErrors,
): void {
  const withoutTime = ({ key, operator, value, effect }: Toleration): string =>
    JSON.stringify([key, operator, value, effect]);
  const now = new Set(tolerations.map(withoutTime));
  const kept = old.every((before) => now.has(withoutTime(before)));
  if (!kept)
    errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
}

function validateGateUpdate(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const before = new Set((old.schedulingGates ?? []).map((gate) => gate.name));
  for (const [i, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (before.has(name)) continue;
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.forbidden(`spec.schedulingGates[${i}].name`, detail);
  }
}

/** A gated pod may be narrowed to fewer nodes, never widened. */
function validateNarrowing(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const selector = spec.nodeSelector ?? {};
  if (Object.entries(old.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    const detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    errors.invalid("spec.nodeSelector", spec.nodeSelector, detail);
  }
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const before = old.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const terms = spec.affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const field = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`;
  if (before.length === 0) return;
  if (before.length !== terms.length) {
    const shown = terms.length === 0 ? null : terms.map(goTerm);
    return errors.invalid(field, shown, "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
  }
  for (const [i, term] of terms.entries()) {
    if (isNarrower(term, before[i] ?? {})) continue;
    errors.invalid(`${field}[${i}]`, goTerm(term), "only additions are allowed (no mutations or deletions)");
  }
}

function isNarrower(term: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  const empty = (of: NodeSelectorTerm): boolean => lists.every((list) => (of[list] ?? []).length === 0);
  // A term without requirements selects nothing, so that any requirement would widen it.
  if (empty(before)) return empty(term);
  return lists.every((list) => equalJson((term[list] ?? []).slice(0, (before[list] ?? []).length), before[list] ?? []));
}

/** As Kubernetes' messages show it. */
function goTerm({ matchExpressions, matchFields }: NodeSelectorTerm): unknown {
  const list = (requirements: NodeSelectorTerm["matchFields"]): unknown =>
    requirements?.map(({ key, operator, values = null }) => ({ Key: key, Operator: operator, Values: values })) ?? null;
  return { MatchExpressions: list(matchExpressions), MatchFields: list(matchFields) };
}
