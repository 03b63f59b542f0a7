/** Rules of Services. Source: Kubernetes `pkg/apis/core/validation`. */
import type { Service, ServicePort, ServiceSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { PORT_MAX, PROTOCOLS, validatePortNumOrName } from "../../machinery/validation/container.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import {
  knownAddresses,
  validateBalancerHostname,
  validateBalancerIp,
} from "../../machinery/validation/load-balancer.ts";
import {
  cidr,
  dns1123Label,
  dns1123Subdomain,
  ipAddress,
  isIpv6,
  qualifiedName,
} from "../../machinery/validation/names.ts";
import { validateLabels } from "../../machinery/validation/object-meta.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const IP_MODES = ["Proxy", "VIP"];

export function validateServiceStatus({ spec, status }: Service, old: Service, errors: FieldErrors): void {
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec?.type !== "LoadBalancer" && ingress.length > 0) {
    errors.forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  const known = knownAddresses(old.status?.loadBalancer?.ingress);
  for (const [i, { ip, ipMode, hostname }] of ingress.entries()) {
    const at = `status.loadBalancer.ingress[${i}]`;
    validateBalancerIp(at, ip, known, errors);
    const hasMode = ipMode !== undefined && ipMode !== null;
    if (ip && !hasMode) errors.required(`${at}.ipMode`, "must be specified when `ip` is set");
    else if (!ip && hasMode) errors.forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set");
    else if (hasMode) errors.oneOf(`${at}.ipMode`, ipMode, IP_MODES);
    validateBalancerHostname(at, hostname, errors);
  }
}

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
/** One day. */
const CLIENT_IP_SECONDS_MAX = 86_400;

export function validateService(service: Service, errors: FieldErrors): void {
  const { spec = {}, metadata } = service;
  const headless = isHeadless(spec);
  const type = spec.type ?? "";
  if ((spec.ports ?? []).length === 0 && !headless && type !== "ExternalName") errors.required("spec.ports");
  if (headless && (type === "LoadBalancer" || type === "NodePort")) {
    errors.invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`);
  }
  if (type === "ExternalName") validateExternalName(spec, errors);
  else validateClusterIps(spec, errors);
  validatePorts(spec, errors);
  validateLabels("spec.selector", spec.selector, errors);
  validateAffinity(spec, errors);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const before = errors.causes.length;
    errors.all(`spec.externalIPs[${i}]`, ip, ipAddress(ip));
    if (errors.causes.length === before) validateReachableIp(`spec.externalIPs[${i}]`, ip, errors);
  }
  errors.oneOf("spec.type", type, TYPES);
  validateNodePorts(spec, errors);
  validateLoadBalancer(spec, metadata?.annotations ?? {}, errors);
  validateTraffic(spec, errors);
}

function isHeadless(spec: ServiceSpec): boolean {
  return (spec.clusterIPs ?? []).length <= 1 && (spec.clusterIPs?.[0] ?? spec.clusterIP) === "None";
}

function validateAffinity(spec: ServiceSpec, errors: FieldErrors): void {
  errors.oneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  if (spec.sessionAffinity !== "ClientIP") return;
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout !== undefined && timeout > 0 && timeout <= CLIENT_IP_SECONDS_MAX) return;
  const detail = `must be greater than 0 and less than ${CLIENT_IP_SECONDS_MAX}`;
  errors.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout, detail);
}

const SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";

/** Fields that only a LoadBalancer has. */
function validateLoadBalancer(
  spec: ServiceSpec,
  annotations: Readonly<Record<string, string>>,
  errors: FieldErrors,
): void {
  const balanced = spec.type === "LoadBalancer";
  const only = (field: string): void => {
    if (!balanced) errors.forbidden(field, "may only be used when `type` is 'LoadBalancer'");
  };
  const annotated = annotations[SOURCE_RANGES];
  if ((spec.loadBalancerSourceRanges ?? []).length > 0) {
    // Kubernetes writes this field so.
    const field = "spec.LoadBalancerSourceRanges";
    only(field);
    for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
      errors.all(`${field}[${i}]`, range.trim(), cidr(range.trim()));
    }
  } else if (annotated !== undefined) {
    const field = `metadata.annotations[${SOURCE_RANGES}]`;
    only(field);
    for (const range of annotated.trim() === "" ? [] : annotated.split(",")) {
      errors.all(field, range.trim(), cidr(range.trim()));
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined) only("spec.allocateLoadBalancerNodePorts");
  const { loadBalancerClass } = spec;
  if (loadBalancerClass === undefined) return;
  if (balanced) errors.all("spec.loadBalancerClass", loadBalancerClass, qualifiedName(loadBalancerClass));
  else only("spec.loadBalancerClass");
}

const DISTRIBUTIONS = ["PreferClose", "PreferSameZone", "PreferSameNode"];

function validateTraffic(spec: ServiceSpec, errors: FieldErrors): void {
  const { type, externalTrafficPolicy: policy, healthCheckNodePort, trafficDistribution } = spec;
  const external =
    type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
  if (external) errors.oneOf("spec.externalTrafficPolicy", policy, ["Cluster", "Local"]);
  else if (policy) {
    errors.invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services");
  }
  if (healthCheckNodePort && !(type === "LoadBalancer" && policy === "Local")) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.invalid("spec.healthCheckNodePort", healthCheckNodePort, detail);
  } else if (healthCheckNodePort) {
    errors.inRange("spec.healthCheckNodePort", healthCheckNodePort, 1, PORT_MAX);
  }
  if (spec.internalTrafficPolicy !== undefined) {
    errors.oneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"]);
  }
  if (trafficDistribution !== undefined) {
    errors.oneOf("spec.trafficDistribution", trafficDistribution, DISTRIBUTIONS);
  }
}

function validateExternalName(spec: ServiceSpec, errors: FieldErrors): void {
  for (const field of ["clusterIPs", "ipFamilies"] as const) {
    if ((spec[field] ?? []).length > 0) errors.forbidden(`spec.${field}`, "may not be set for ExternalName services");
  }
  if (spec.ipFamilyPolicy !== undefined) {
    errors.forbidden("spec.ipFamilyPolicy", "may not be set for ExternalName services");
  }
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.required("spec.externalName");
  else errors.all("spec.externalName", name, dns1123Subdomain(name));
}

function validatePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `spec.ports[${i}]`;
    if (!port.name) {
      if (ports.length > 1) errors.required(`${at}.name`);
    } else {
      errors.all(`${at}.name`, port.name, dns1123Label(port.name));
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    errors.inRange(`${at}.port`, port.port, 1, PORT_MAX);
    errors.oneOf(`${at}.protocol`, port.protocol, PROTOCOLS);
    validatePortNumOrName(`${at}.targetPort`, port.targetPort ?? port.port, errors);
    if (port.appProtocol !== undefined) {
      errors.all(`${at}.appProtocol`, port.appProtocol, qualifiedName(port.appProtocol));
    }
  }
  const seen = new Set<string>();
  for (const [i, { port, protocol }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) errors.duplicate(`spec.ports[${i}]`, goPort({ port, ...(protocol ? { protocol } : {}) }));
    seen.add(key);
  }
}

/** The key that Kubernetes compares ports by, as its message shows it. */
function goPort({ port, protocol }: Pick<ServicePort, "port" | "protocol">): unknown {
  return { Name: "", Protocol: protocol ?? "", AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
}

/** Cluster IPs, their families and the policy about them; of an ExternalName there is nothing to look at. */
export function validateClusterIps(spec: ServiceSpec, errors: FieldErrors): void {
  const ips = spec.clusterIPs ?? [];
  const field = "spec.clusterIPs";
  if (spec.clusterIP) {
    if (ips.length === 0) errors.required(field);
    else if (ips[0] !== spec.clusterIP) errors.invalid(field, ips, "first value must match `clusterIP`");
  } else if (ips.length > 0) errors.invalid(field, ips, "must be empty when `clusterIP` is not specified");
  const families = spec.ipFamilies ?? [];
  const repeated = repeatedAt(families);
  for (const [i, family] of families.entries()) {
    errors.oneOf(`spec.ipFamilies[${i}]`, family, ["IPv4", "IPv6"]);
    if (repeated.has(i)) errors.duplicate(`spec.ipFamilies[${i}]`, family);
  }
  if (spec.ipFamilyPolicy !== undefined) {
    errors.oneOf("spec.ipFamilyPolicy", spec.ipFamilyPolicy, ["PreferDualStack", "RequireDualStack", "SingleStack"]);
  }
  const before = errors.causes.length;
  for (const [i, ip] of ips.entries()) {
    if (i === 0 && ip === "None") {
      if (ips.length > 1) errors.invalid(field, ips, "'None' must be the first and only value");
    } else errors.all(`${field}[${i}]`, ip, ipAddress(ip));
  }
  const valid = errors.causes.length === before;
  if (ips.length > 2) errors.invalid(field, ips, "may only hold up to 2 values");
  if (!valid) return;
  if (ips.length > 1 && ips.every(isIpv6) === ips.some(isIpv6)) {
    errors.invalid(field, ips, "may specify no more than one IP for each IP family");
  }
  if (isHeadless(spec)) return;
  for (const [i, ip] of ips.entries()) {
    const family = families[i];
    const fits = family === "IPv6" ? isIpv6(ip) : family === "IPv4" ? !isIpv6(ip) : true;
    if (!fits) errors.invalid(`${field}[${i}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``);
  }
}

function validateNodePorts(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.type !== "ClusterIP") return;
  for (const [i, { nodePort }] of (spec.ports ?? []).entries()) {
    if (nodePort) errors.forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'");
  }
}

/** Of a new Service the allocation finds them. */
function validateDistinctNodePorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const used = new Set<string>();
  for (const [i, { nodePort, protocol }] of ports.entries()) {
    if (!nodePort) continue;
    const key = `${protocol}/${nodePort}`;
    if (used.has(key)) errors.duplicate(`spec.ports[${i}].nodePort`, nodePort);
    used.add(key);
  }
}

export function validateServiceUpdate(service: Service, old: Service, errors: FieldErrors): void {
  const [spec, before] = [service.spec ?? {}, old.spec ?? {}];
  if (spec.type !== "ExternalName" && before.type !== "ExternalName") validateAddressUpdate(spec, before, errors);
  if (spec.type === "LoadBalancer" && before.type === "LoadBalancer") {
    const [name = null, former = null] = [spec.loadBalancerClass, before.loadBalancerClass];
    if (name !== former) errors.invalid("spec.loadBalancerClass", name, "may not change once set");
    const local = spec.externalTrafficPolicy === "Local" && before.externalTrafficPolicy === "Local";
    if (local && spec.healthCheckNodePort !== before.healthCheckNodePort) {
      errors.forbidden("spec.healthCheckNodePort", "field is immutable");
    }
  }
  validateDistinctNodePorts(spec.ports ?? [], errors);
  validateService(service, errors);
}

/** Source: `validateUpgradeDowngradeClusterIPs`, `validateUpgradeDowngradeIPFamilies`, of a cluster with one family. */
function validateAddressUpdate(spec: ServiceSpec, before: ServiceSpec, errors: FieldErrors): void {
  const [headless, wasHeadless] = [isHeadless(spec), isHeadless(before)];
  if (headless && wasHeadless) return;
  const [ips, former] = [spec.clusterIPs ?? [], before.clusterIPs ?? []];
  const changed = former.length > 0 && ips[0] !== former[0];
  if (ips.length === 0 && former.length > 0) {
    errors.invalid("spec.clusterIPs[0]", ips, "primary clusterIP can not be unset");
  } else if (changed) errors.invalid("spec.clusterIPs[0]", ips, "may not change once set");
  if (headless !== wasHeadless) return;
  const [family, formerFamily] = [spec.ipFamilies?.[0], before.ipFamilies?.[0]];
  if (family !== undefined && formerFamily !== undefined && family !== formerFamily) {
    errors.invalid("spec.ipFamilies[0]", spec.ipFamilies, "may not change once set");
  }
}

/** An address that can't be an endpoint's. Loopback can: see above. */
function validateReachableIp(field: string, ip: string, errors: FieldErrors): void {
  if (ip === "0.0.0.0" || ip === "::") errors.invalid(field, ip, `may not be unspecified (${ip})`);
  if (ip.startsWith("169.254.") || /^fe[89ab][0-9a-f]:/i.test(ip)) {
    errors.invalid(field, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (ip.startsWith("224.0.0.") || /^ff[0-9a-f]2:/i.test(ip)) {
    errors.invalid(field, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}
