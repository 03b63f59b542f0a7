/** Rules of pods. Source: Kubernetes `ValidatePodCreate`, `ValidatePodSpec`, `ValidatePodUpdate`. */
import type {
  Container,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from "../../../../../protocols/kubernetes/core-v1.ts";
import type { JsonObject } from "../json-value.ts";
import { equalJson } from "../json-value.ts";
import { validateContainers } from "./container.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain, ipAddress, qualifiedName } from "./names.ts";
import { validateAnnotations, validateLabels } from "./object-meta.ts";
import { validateAffinity, validateSpreadConstraints, validateTolerations } from "./scheduling.ts";
import { validateVolumes } from "./volumes.ts";

const INT32_MAX = 2_147_483_647;
const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export function validatePodSpec(field: string, spec: PodSpec, errors: FieldErrors): void {
  const volumes = validateVolumes(`${field}.volumes`, spec.volumes ?? [], errors);
  const pod = { volumes, hostNetwork: spec.hostNetwork === true };
  const names = new Set<string>();
  if ((spec.containers ?? []).length === 0) errors.required(`${field}.containers`);
  validateContainers(`${field}.containers`, spec.containers, names, pod, errors);
  validateContainers(`${field}.initContainers`, spec.initContainers, names, pod, errors);
  errors.oneOf(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]);
  errors.oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  validateLabels(`${field}.nodeSelector`, spec.nodeSelector, errors);
  if (spec.serviceAccountName) {
    errors.all(`${field}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain(spec.serviceAccountName));
  }
  if (spec.nodeName) errors.all(`${field}.nodeName`, spec.nodeName, dns1123Subdomain(spec.nodeName));
  if (typeof spec.activeDeadlineSeconds === "number") {
    errors.inRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, INT32_MAX);
  }
  if (spec.hostname) errors.all(`${field}.hostname`, spec.hostname, dns1123Label(spec.hostname));
  if (spec.subdomain) errors.all(`${field}.subdomain`, spec.subdomain, dns1123Label(spec.subdomain));
  validateTolerations(`${field}.tolerations`, spec.tolerations ?? [], errors);
  validateHostAliases(`${field}.hostAliases`, spec.hostAliases ?? [], errors);
  if (spec.affinity) validateAffinity(`${field}.affinity`, spec.affinity, errors);
  validateSpreadConstraints(`${field}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? [], errors);
  if (spec.priorityClassName) {
    errors.all(`${field}.priorityClassName`, spec.priorityClassName, dns1123Subdomain(spec.priorityClassName));
  }
  for (const [i, gate] of (spec.schedulingGates ?? []).entries()) {
    errors.all(`${field}.schedulingGates[${i}].name`, gate.name, qualifiedName(gate.name));
  }
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    errors.all(`${field}.readinessGates[${i}].conditionType`, gate.conditionType, qualifiedName(gate.conditionType));
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
  validatePodSpec(`${field}.spec`, template.spec ?? { containers: [] }, errors);
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
  validatePodSpec("spec", spec, errors);
  for (const list of ["containers", "initContainers"] as const) {
    if ((spec[list] ?? []).length === (oldSpec[list] ?? []).length) continue;
    return errors.forbidden(`spec.${list}`, "pod updates may not add or remove containers");
  }
  if (!validateDeadlineUpdate(spec, oldSpec, errors)) return;
  validateTolerationUpdate(spec.tolerations ?? [], oldSpec.tolerations ?? [], errors);
  validateGateUpdate(spec, oldSpec, errors);
  const gated = (oldSpec.schedulingGates ?? []).length > 0;
  const comparable: PodSpec = {
    ...spec,
    containers: withImagesOf(spec.containers, oldSpec.containers),
    ...(spec.initContainers ? { initContainers: withImagesOf(spec.initContainers, oldSpec.initContainers) } : {}),
  };
  const changed = changedFields(comparable as unknown as JsonObject, oldSpec as unknown as JsonObject, gated);
  if (changed.length === 0) return;
  errors.forbidden("spec", `pod updates may not change fields other than ${UPDATABLE}\nchanged: ${changed.join(", ")}`);
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
  const free = [
    "activeDeadlineSeconds",
    "tolerations",
    "schedulingGates",
    ...(gated ? ["nodeSelector", "affinity"] : []),
  ];
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
  const withoutTime = ({ key, operator, value, effect }: Toleration): unknown => ({ key, operator, value, effect });
  const kept = old.every((before) => tolerations.some((now) => equalJson(withoutTime(now), withoutTime(before))));
  if (!kept)
    errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
}

function validateGateUpdate(spec: PodSpec, old: PodSpec, errors: FieldErrors): void {
  const before = new Set((old.schedulingGates ?? []).map((gate) => gate.name));
  const added = (spec.schedulingGates ?? []).filter((gate) => !before.has(gate.name));
  if (added.length > 0) errors.forbidden("spec.schedulingGates", "only deletion is allowed");
}
