/**
 * What a Service keeps, gets and loses when it is made or changed, besides its addresses: the IP families, and every field that
 * only one type of Service has. The objects have their defaults.
 * Source: Kubernetes 1.37 `pkg/registry/core/service`: `patchAllocatedValues`, `normalizeClusterIPs`, `initIPFamilyFields`,
 * `dropTypeDependentFields`.
 */
import type {
  IPFamily,
  IPFamilyPolicy,
  Service,
  ServicePort,
  ServiceSpec,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { invalid } from "../../machinery/status.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isIpv6 } from "../../machinery/validation/names.ts";
import { validateClusterIps } from "./service-validation.ts";

type Spec = { -readonly [Key in keyof ServiceSpec]: ServiceSpec[Key] };

/** The cluster has IPv4 addresses only. */
const SERVED_FAMILY: IPFamily = "IPv4";

/** @throws Status 422 about the IP families */
export function prepareServiceCreate(service: Service): Service {
  const spec: Spec = { ...service.spec };
  if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP];
  setFamilies(spec, undefined, service.metadata?.name ?? "");
  return { ...service, spec };
}

/** @throws Status 422 about the IP families */
export function prepareServiceUpdate(service: Service, old: Service): Service {
  const before: ServiceSpec = old.spec ?? {};
  const spec: Spec = { ...service.spec };
  keepAllocated(spec, before);
  followClusterIp(spec, before);
  setFamilies(spec, before, service.metadata?.name ?? "");
  dropOfFormerType(spec, before);
  return { ...service, spec };
}

function needsClusterIp(spec: ServiceSpec): boolean {
  return spec.type !== "ExternalName";
}

/** Whether its ports may have node ports; a LoadBalancer can be without. */
export function needsNodePort(spec: ServiceSpec): boolean {
  return spec.type === "NodePort" || spec.type === "LoadBalancer";
}

/** Whether a port that names no node port gets one. */
export function givesNodePorts(spec: ServiceSpec): boolean {
  if (spec.type === "NodePort") return true;
  return spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false;
}

/** Whether a node port tells a load balancer which nodes have endpoints. */
export function needsHealthCheckPort(spec: ServiceSpec): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}

function isExternal(spec: ServiceSpec): boolean {
  return needsNodePort(spec) || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
}

/** An update that says nothing of what the server once gave keeps it. */
function keepAllocated(spec: Spec, before: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = before.clusterIPs;
  }
  if (givesNodePorts(before) && givesNodePorts(spec)) keepNodePorts(spec, before);
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && !spec.healthCheckNodePort) {
    if (before.healthCheckNodePort) spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** A port keeps the node port that the port of its name had, unless another one says that it uses that. */
function keepNodePorts(spec: Spec, before: ServiceSpec): void {
  const asked = new Set((spec.ports ?? []).map((port) => port.nodePort));
  const byName = new Map((before.ports ?? []).map((port) => [port.name ?? "", port.nodePort]));
  if (spec.ports === undefined) return;
  spec.ports = spec.ports.map((port): ServicePort => {
    if (port.nodePort) return port;
    const former = byName.get(port.name ?? "");
    return former && !asked.has(former) ? { ...port, nodePort: former } : port;
  });
}

/** A client that knows only the one field need not change the list that came after it. */
function followClusterIp(spec: Spec, before: ServiceSpec): void {
  const [ip, former] = [spec.clusterIP ?? "", before.clusterIP ?? ""];
  const sameList = equalJson(spec.clusterIPs ?? [], before.clusterIPs ?? []);
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && ip === former) spec.clusterIPs = before.clusterIPs;
  if (ip === former || !sameList) return;
  if (ip === "") delete spec.clusterIPs;
  else spec.clusterIPs = [ip];
}

function setFamilies(spec: Spec, before: ServiceSpec | undefined, name: string): void {
  if (spec.type === "ExternalName") return;
  const headless = spec.clusterIP === "None";
  const selectorless = Object.keys(spec.selector ?? {}).length === 0;
  if (keepsPreferDualStack(spec, before)) return;
  spec.ipFamilyPolicy ??=
    before?.ipFamilyPolicy ?? (headless && selectorless ? ("RequireDualStack" as IPFamilyPolicy) : "SingleStack");
  refuse(name, (errors) => validateClusterIps(spec, errors));
  refuse(name, (errors) => fitFamilies(spec, before, errors));
  const families = spec.ipFamilies ?? [];
  if (headless && selectorless) {
    // Whoever writes the endpoints by hand may use both.
    const [first = SERVED_FAMILY] = families;
    const second: IPFamily = first === "IPv4" ? "IPv6" : "IPv4";
    const both = families.length < 2 && spec.ipFamilyPolicy !== "SingleStack";
    spec.ipFamilies = both ? [first, second] : families.length === 0 ? [first] : families;
    return;
  }
  refuse(name, (errors) => {
    if (spec.ipFamilyPolicy === "RequireDualStack") {
      const why = "this cluster is not configured for dual-stack services";
      errors.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, why);
    }
    for (const [i, family] of families.entries()) {
      if (family !== SERVED_FAMILY) errors.invalid(`spec.ipFamilies[${i}]`, family, "not configured on this cluster");
    }
  });
  if (families.length === 0) spec.ipFamilies = [SERVED_FAMILY];
}

/** A Service that would like two families, and can't have them here, is left as it is. */
function keepsPreferDualStack(spec: ServiceSpec, before: ServiceSpec | undefined): boolean {
  if (before === undefined || before.type !== spec.type || spec.ipFamilyPolicy !== "PreferDualStack") return false;
  if ((before.ipFamilyPolicy ?? "PreferDualStack") !== "PreferDualStack") return false;
  return equalJson(spec.clusterIPs, before.clusterIPs) && equalJson(spec.ipFamilies, before.ipFamilies);
}

/** Families and addresses against the policy; the family of an address is added where it is missing. */
function fitFamilies(spec: Spec, before: ServiceSpec | undefined, errors: FieldErrors): void {
  const policy = spec.ipFamilyPolicy;
  const field = "spec.ipFamilyPolicy";
  if (before !== undefined && policy === "SingleStack") {
    const sameFamilies = equalJson(spec.ipFamilies, before.ipFamilies);
    if (sameFamilies && (spec.ipFamilies ?? []).length > 1) spec.ipFamilies = (spec.ipFamilies ?? []).slice(0, 1);
  } else if (before !== undefined) {
    const count = (spec.ipFamilies ?? []).length;
    if (count > 0 && count < (before.ipFamilies ?? []).length) {
      errors.invalid(field, policy, "must be 'SingleStack' to release the secondary IP family");
    }
  }
  if (policy === "SingleStack") {
    const needed = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (spec.clusterIPs?.length === 2) errors.invalid(field, policy, `${needed} cluster IPs are specified`);
    if (spec.ipFamilies?.length === 2) errors.invalid(field, policy, `${needed} IP families are specified`);
  }
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === "None") break;
    if (i < (spec.ipFamilies ?? []).length) continue;
    const family = isIpv6(ip) ? "IPv6" : "IPv4";
    if (family === SERVED_FAMILY) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else errors.invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`);
  }
}

function refuse(name: string, check: (errors: FieldErrors) => void): void {
  const errors = new FieldErrors();
  check(errors);
  if (errors.causes.length > 0) throw invalid({ group: "", kind: "Service" }, name, errors.causes);
}

/** Fields that the former type had and the new one has not go, where the client left them as they were. */
function dropOfFormerType(spec: Spec, before: ServiceSpec): void {
  const same = (...names: readonly (keyof ServiceSpec)[]): boolean =>
    names.every((name) => equalJson(spec[name] ?? null, before[name] ?? null));
  if (needsClusterIp(before) && !needsClusterIp(spec)) {
    if (same("clusterIP", "clusterIPs")) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (same("ipFamilies")) delete spec.ipFamilies;
    if (same("ipFamilyPolicy")) delete spec.ipFamilyPolicy;
  }
  if (needsNodePort(before) && !needsNodePort(spec)) dropNodePorts(spec, before);
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec) && same("healthCheckNodePort")) {
    delete spec.healthCheckNodePort;
  }
  if (before.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (same("allocateLoadBalancerNodePorts")) delete spec.allocateLoadBalancerNodePorts;
    if (same("loadBalancerClass")) delete spec.loadBalancerClass;
  }
  if (isExternal(before) && !isExternal(spec) && same("externalTrafficPolicy")) delete spec.externalTrafficPolicy;
}

function dropNodePorts(spec: Spec, before: ServiceSpec): void {
  const had = new Set((before.ports ?? []).map((port) => port.nodePort));
  const ports = spec.ports ?? [];
  if (!ports.every((port) => !port.nodePort || had.has(port.nodePort)) || spec.ports === undefined) return;
  spec.ports = ports.map(({ nodePort: _gone, ...port }): ServicePort => port);
}
