/**
 * What a write of a pod's status keeps, and what can be wrong with it.
 * Source: Kubernetes `pkg/registry/core/pod/strategy.go`, `pkg/apis/core/validation` `ValidatePodStatusUpdate`.
 */
import type {
  Container,
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { lenientIp, parseIp } from "../../machinery/validation/ip.ts";
import { dns1123Subdomain, qualifiedName } from "../../machinery/validation/names.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";
import { qosClass } from "../../../../../protocols/kubernetes/pod-qos.ts";

/** Writers that don't know these fields leave them out, and don't mean to clear them. */
const KEPT = [
  "resourceClaimStatuses",
  "extendedResourceClaimStatus",
  "nodeAllocatableResourceClaimStatuses",
] as const satisfies readonly (keyof PodStatus)[];

export function keptStatus(object: Pod, old: Pod): PodStatus {
  const [status, before] = [object.status ?? {}, old.status ?? {}];
  const kept = KEPT.filter((field) => !status[field] && before[field]).map((field) => [field, before[field]] as const);
  const generation = status.observedGeneration || before.observedGeneration;
  return {
    ...status,
    ...Object.fromEntries(kept),
    ...(generation ? { observedGeneration: generation } : {}),
    ...(status.conditions ? { conditions: keptGenerations(status.conditions, before.conditions ?? []) } : {}),
    qosClass: status.qosClass || before.qosClass || qosClass(old.spec),
  };
}

/** Of several conditions of one type, the first has the generation of the first, and so on. */
function keptGenerations(conditions: readonly PodCondition[], old: readonly PodCondition[]): readonly PodCondition[] {
  const known = new Map<string, number[]>();
  // The last first, to be taken from the end.
  for (const { type, observedGeneration = 0 } of old.toReversed()) {
    const generations = known.get(type);
    if (generations === undefined) known.set(type, [observedGeneration]);
    else generations.push(observedGeneration);
  }
  return conditions.map((condition) => {
    const before = known.get(condition.type)?.pop() ?? 0;
    return condition.observedGeneration || before === 0 ? condition : { ...condition, observedGeneration: before };
  });
}

export function validatePodStatus(object: Pod, old: Pod, errors: FieldErrors): void {
  const [status, before] = [object.status ?? {}, old.status ?? {}];
  const spec = old.spec ?? { containers: [] };
  validateConditions(status.conditions ?? [], errors);
  const { nominatedNodeName: nominated = "" } = status;
  if (nominated !== "" && nominated !== before.nominatedNodeName) {
    errors.all("status.nominatedNodeName", nominated, dns1123Subdomain(nominated));
    if (spec.nodeName) {
      errors.forbidden("status.nominatedNodeName", "may not be set on pods that are already bound to a node");
    }
  }
  validateGeneration("status.observedGeneration", status.observedGeneration, errors);
  immutable("status.qosClass", status.qosClass, before.qosClass, errors);
  validateEnded(status, before, spec, errors);
  validateClaims(status, spec, errors);
  validatePodIps(status, before, errors);
  validateHostIps(status, before, errors);
}

/** Kubernetes' own, whose names are known to be right. */
const SYSTEM_CONDITIONS = ["PodScheduled", "Ready", "Initialized"];

function validateConditions(conditions: readonly PodCondition[], errors: FieldErrors): void {
  for (const [i, { type, observedGeneration }] of conditions.entries()) {
    const at = `status.conditions[${i}]`;
    validateGeneration(`${at}.observedGeneration`, observedGeneration, errors);
    if (!SYSTEM_CONDITIONS.includes(type)) errors.all(`${at}.Type`, type, qualifiedName(type));
  }
}

function validateGeneration(at: string, generation: number | undefined, errors: FieldErrors): void {
  if ((generation ?? 0) < 0) errors.invalid(at, generation, "must be a non-negative integer");
}

/** What has ended for good does not run again. */
function validateEnded(status: PodStatus, old: PodStatus, spec: PodSpec, errors: FieldErrors): void {
  const init = spec.initContainers ?? [];
  const containers = spec.containers ?? [];
  const all = [...init, ...containers];
  const anyRestartsAll = all.some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === "RestartAllContainers"),
  );
  const groups = [
    ["containerStatuses", containers],
    ["initContainerStatuses", init],
    ["ephemeralContainerStatuses", []],
  ] as const;
  for (const [list, of] of groups) {
    if (anyRestartsAll && list !== "ephemeralContainerStatuses") continue;
    const ended = (old[list] ?? []).flatMap(({ name, state }, i) =>
      state?.terminated ? [{ name, i, exitCode: state.terminated.exitCode }] : [],
    );
    if (ended.length === 0) continue;
    const now = firstByName(status[list] ?? []);
    const containersByName = firstByName<Container>(of);
    for (const { name, i, exitCode } of ended) {
      const one = now.get(name);
      if (one === undefined || one.state?.terminated) continue;
      const container = containersByName.get(name);
      if (container !== undefined && restarts(container, spec, exitCode)) continue;
      errors.forbidden(`status.${list}[${i}].state`, "may not be transitioned to non-terminated state");
    }
  }
}

function firstByName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const one of list) if (!found.has(one.name)) found.set(one.name, one);
  return found;
}

function restarts({ restartPolicy, restartPolicyRules = [] }: Container, spec: PodSpec, exitCode: number): boolean {
  const matches = restartPolicyRules.some(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) === true;
    return exitCodes?.operator === "In" ? listed : exitCodes?.operator === "NotIn" && !listed;
  });
  if (restartPolicy && matches) return true;
  const policy = restartPolicy || spec.restartPolicy;
  return policy === "Never" ? false : policy !== "OnFailure" || exitCode !== 0;
}

function validateClaims({ resourceClaimStatuses = [] }: PodStatus, spec: PodSpec, errors: FieldErrors): void {
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const repeated = repeatedAt(resourceClaimStatuses.map(({ name }) => name));
  for (const [i, { name, resourceClaimName: of }] of resourceClaimStatuses.entries()) {
    const at = `status.resourceClaimStatuses[${i}]`;
    if (!claims.has(name)) {
      errors.invalid(`${at}.name`, name, "must match the name of an entry in `spec.resourceClaims`");
    }
    if (repeated.has(i)) errors.duplicate(`${at}.name`, name);
    if (of !== undefined && of !== null) errors.all(`${at}.resourceClaimName`, of, dns1123Subdomain(of));
  }
}

interface Addressed {
  readonly ip?: string;
}

function validatePodIps({ podIP = "", podIPs }: PodStatus, old: PodStatus, errors: FieldErrors): void {
  const ips = podIPs ?? [];
  validateAddresses("status.podIPs", ips, old.podIPs ?? [], errors);
  if ((podIP !== "") !== ips.length > 0) {
    errors.invalid("status.podIPs", shown(ips), "podIP and podIPs must either both be set or both be unset");
  } else if (ips.length > 0 && ips[0]?.ip !== podIP) {
    errors.invalid("status.podIPs[0].ip", ips[0]?.ip, "must be equal to `podIP`");
  }
}

function validateHostIps({ hostIP = "", hostIPs }: PodStatus, old: PodStatus, errors: FieldErrors): void {
  const ips = hostIPs ?? [];
  if (ips.length === 0) return;
  if (ips[0]?.ip !== hostIP) errors.invalid("status.hostIPs[0].ip", ips[0]?.ip, "must be equal to `hostIP`");
  validateAddresses("status.hostIPs", ips, old.hostIPs ?? [], errors);
}

/** @param old of which wrong ones may stay */
function validateAddresses(
  at: string,
  list: readonly Addressed[],
  old: readonly Addressed[],
  errors: FieldErrors,
): void {
  const known = new Set(old.map(({ ip }) => ip));
  for (const [i, { ip = "" }] of list.entries()) if (!known.has(ip)) errors.all(`${at}[${i}]`, ip, lenientIp(ip));
  if (list.length < 2) return;
  const families = new Set(list.map(({ ip = "" }) => parseIp(ip)?.bits));
  if (list.length > 2 || families.size < 2) {
    errors.invalid(at, shown(list), "may specify no more than one IP for each IP family");
  }
}

/** As messages write them. */
function shown(list: readonly Addressed[]): unknown {
  return list.map(({ ip = "" }) => ({ IP: ip }));
}
