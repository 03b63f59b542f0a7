/**
 * What an object counts for in quotas: what admission charges when it is made, and what the controller counts of what is there.
 * @see k8s.io/kubernetes/pkg/quota/v1/evaluator/core
 */
import type { KubernetesObject } from "../../api-server.ts";
import { containerTotal } from "../pod-resources.ts";
import { addQuantities, compareQuantities, subtractQuantities } from "../quantity.ts";
import type { Container, PersistentVolumeClaim, Pod, PodSpec, Service } from "../types/core-v1.ts";

/** By the names of quotas. */
export type Amounts = Readonly<Record<string, string>>;

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

const CORE_COUNTED = [
  "configmaps",
  "persistentvolumeclaims",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
];
const CLASS_SUFFIX = ".storageclass.storage.k8s.io/";
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

export function countName({ group, resource }: GroupResource): string {
  return `count/${resource}${group === "" ? "" : `.${group}`}`;
}

/** @param nowMs a pod whose time to end is over counts as an object only */
export function usageOf(of: GroupResource, object: KubernetesObject, nowMs: number): Amounts {
  const counted: Record<string, string> = { [countName(of)]: "1" };
  if (of.group !== "") return counted;
  if (CORE_COUNTED.includes(of.resource)) counted[of.resource] = "1";
  switch (of.resource) {
    case "pods":
      return isOver(object, nowMs) ? counted : { ...counted, ...podUsage((object as Pod).spec) };
    case "services":
      return { ...counted, ...serviceUsage(object) };
    case "persistentvolumeclaims":
      return { ...counted, ...claimUsage(object) };
    default:
      return counted;
  }
}

/** Ended for good, or should have. */
function isOver({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {};
  if (deletionTimestamp === undefined || deletionTimestamp === null || deletionGracePeriodSeconds === undefined) {
    return false;
  }
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1_000;
}

function podUsage(spec: PodSpec = { containers: [] }): Amounts {
  return { pods: "1", ...computeUsage(totalOf(spec, "requests"), totalOf(spec, "limits")) };
}

/** What the pod says as a whole counts before what its containers say; and what it costs to run it comes on top. */
function totalOf(spec: PodSpec, which: "requests" | "limits"): Amounts {
  const total = { ...containerTotal(spec, which), ...spec.resources?.[which] };
  const sum: Record<string, string> = total;
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) {
    // A pod without limits has none for that.
    if (which === "requests" || sum[name] !== undefined) sum[name] = addQuantities(sum[name] ?? "0", amount);
  }
  return sum;
}

const NATIVE = /^(cpu|memory|ephemeral-storage|hugepages-.*)$/;

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Record<string, string> = {};
  for (const [name, amount] of Object.entries(requests)) {
    if (NATIVE.test(name)) usage[name] = amount;
    usage[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) {
    if (/^(cpu|memory|ephemeral-storage)$/.test(name)) usage[`limits.${name}`] = amount;
  }
  return usage;
}

function serviceUsage({ spec = {} }: Service): Amounts {
  const ports = String(spec.ports?.length ?? 0);
  if (spec.type === "NodePort") return { "services.nodeports": ports };
  if (spec.type !== "LoadBalancer") return {};
  const nodeports = spec.allocateLoadBalancerNodePorts === false ? String(givenPorts(spec)) : ports;
  return { "services.nodeports": nodeports, "services.loadbalancers": "1" };
}

function givenPorts({ ports = [] }: NonNullable<Service["spec"]>): number {
  return ports.filter(({ nodePort = 0 }) => nodePort !== 0).length;
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): Amounts {
  const asked = spec?.resources?.requests?.["storage"];
  const given = status?.allocatedResources?.["storage"];
  // While it shrinks back from a growth that failed, the larger one counts.
  const storage = given !== undefined && compareQuantities(given, asked ?? "0") > 0 ? given : asked;
  const name = metadata?.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? "";
  const sums: Amounts = storage === undefined ? {} : { "requests.storage": storage };
  if (name === "") return sums;
  const ofClass = `${name}${CLASS_SUFFIX}`;
  return {
    ...sums,
    [`${ofClass}persistentvolumeclaims`]: "1",
    ...(storage === undefined ? {} : { [`${ofClass}requests.storage`]: storage }),
  };
}

/** Whether the amount is one that objects of this kind have. */
export function isAmountOf({ group, resource }: GroupResource, name: string): boolean {
  if (name === countName({ group, resource })) return true;
  if (group !== "") return false;
  switch (resource) {
    case "pods":
      return (
        name === "pods" || NATIVE.test(name) || /^limits\.(cpu|memory|ephemeral-storage)$/.test(name) || isRequest(name)
      );
    case "services":
      return /^services(\.nodeports|\.loadbalancers)?$/.test(name);
    case "persistentvolumeclaims":
      return (
        name === "persistentvolumeclaims" ||
        name === "requests.storage" ||
        (name.includes(CLASS_SUFFIX) && /\/(requests\.storage|persistentvolumeclaims)$/.test(name))
      );
    default:
      return CORE_COUNTED.includes(resource) && name === resource;
  }
}

function isRequest(name: string): boolean {
  return name.startsWith("requests.") && name !== "requests.storage" && !name.includes(CLASS_SUFFIX);
}

const MUST_SAY = /^((requests|limits)\.)?(cpu|memory)$/;

/** What each container must say where a quota has it; undefined: all do. In the words of the refusal. */
export function unsaid(spec: PodSpec | undefined, names: readonly string[]): string | undefined {
  const silent = new Map<string, string[]>();
  const wanted = names.filter((name) => MUST_SAY.test(name));
  const whole = Object.keys(computeUsage(spec?.resources?.requests ?? {}, spec?.resources?.limits ?? {}));
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const said = [...whole, ...saidBy(container)];
    for (const name of wanted) {
      if (!said.includes(name)) silent.set(name, [...(silent.get(name) ?? []), container.name]);
    }
  }
  if (silent.size === 0) return undefined;
  const told = [...silent].sort(([one], [other]) => (one < other ? -1 : 1));
  return `must specify ${told.map(([name, containers]) => `${name} for: ${containers.sort().join()}`).join("; ")}`;
}

function saidBy({ resources }: Container): readonly string[] {
  return Object.keys(computeUsage(resources?.requests ?? {}, resources?.limits ?? {}));
}

export function added(to: Amounts, amounts: Amounts): Amounts {
  const sum: Record<string, string> = { ...to };
  for (const [name, amount] of Object.entries(amounts)) sum[name] = addQuantities(sum[name] ?? "0", amount);
  return sum;
}

export function subtracted(from: Amounts, amounts: Amounts): Amounts {
  const rest: Record<string, string> = { ...from };
  for (const [name, amount] of Object.entries(amounts)) rest[name] = subtractQuantities(rest[name] ?? "0", amount);
  return rest;
}
