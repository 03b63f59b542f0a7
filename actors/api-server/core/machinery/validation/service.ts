/**
 * Rules of Services, Endpoints and EndpointSlices. Kubernetes refuses loopback addresses as endpoints; on inkube's embedded
 * network every pod has one, so they are taken.
 * Source: Kubernetes `pkg/apis/core/validation` and `pkg/apis/discovery/validation`.
 */
import type { Endpoints, Service, ServicePort, ServiceSpec } from "../../../../../protocols/kubernetes/core-v1.ts";
import type { EndpointSlice } from "../../../../../protocols/kubernetes/discovery-v1.ts";
import { equalJson } from "../json-value.ts";
import { PORT_MAX, PROTOCOLS, validatePortNumOrName } from "./container.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain, ipAddress, isIpv4, isIpv6 } from "./names.ts";
import { validateLabels } from "./object-meta.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
/** One day. */
const CLIENT_IP_SECONDS_MAX = 86_400;

export function validateService({ spec = {} }: Service, errors: FieldErrors): void {
  const headless = spec.clusterIP === "None";
  if ((spec.ports ?? []).length === 0 && !headless && spec.type !== "ExternalName") errors.required("spec.ports");
  if (spec.type === "LoadBalancer" && headless) {
    errors.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services");
  }
  if (spec.type === "ExternalName") validateExternalName(spec, errors);
  validatePorts(spec, errors);
  validateLabels("spec.selector", spec.selector, errors);
  errors.oneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (
    spec.sessionAffinity === "ClientIP" &&
    (timeout === undefined || timeout <= 0 || timeout > CLIENT_IP_SECONDS_MAX)
  ) {
    const detail = `must be greater than 0 and less than ${CLIENT_IP_SECONDS_MAX}`;
    errors.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout, detail);
  }
  validateClusterIps(spec, errors);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) errors.all(`spec.externalIPs[${i}]`, ip, ipAddress(ip));
  errors.oneOf("spec.type", spec.type, TYPES);
  validateNodePorts(spec, errors);
  if (spec.internalTrafficPolicy !== undefined) {
    errors.oneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"]);
  }
  if (spec.externalTrafficPolicy !== undefined) {
    errors.oneOf("spec.externalTrafficPolicy", spec.externalTrafficPolicy, ["Cluster", "Local"]);
  }
}

function validateExternalName(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.clusterIP) {
    errors.forbidden("spec.clusterIPs", "may not be set when `type` is 'ExternalName'");
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

function validateClusterIps(spec: ServiceSpec, errors: FieldErrors): void {
  const ips = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  if (spec.clusterIP && spec.clusterIPs && spec.clusterIPs[0] !== spec.clusterIP) {
    errors.invalid("spec.clusterIPs", spec.clusterIPs, "first value must match `clusterIP`");
  }
  for (const [i, ip] of ips.entries()) {
    if (ip === "None") {
      if (i > 0) errors.invalid(`spec.clusterIPs[${i}]`, ip, "'None' must be the first and only value");
    } else errors.all(`spec.clusterIPs[${i}]`, ip, ipAddress(ip));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    errors.oneOf(`spec.ipFamilies[${i}]`, family, ["IPv4", "IPv6"]);
    const ip = ips[i];
    const fits = family === "IPv6" ? isIpv6 : isIpv4;
    if (ip === undefined || ip === "None" || fits(ip) || ipAddress(ip).length > 0) continue;
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    errors.invalid(`spec.clusterIPs[${i}]`, ip, detail);
  }
}

function validateNodePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const used = new Set<string>();
  for (const [i, { nodePort, protocol }] of (spec.ports ?? []).entries()) {
    if (!nodePort) continue;
    if (spec.type === "ClusterIP" || spec.type === "ExternalName") {
      errors.forbidden(`spec.ports[${i}].nodePort`, `may not be used when \`type\` is '${spec.type}'`);
    }
    const key = `${protocol}/${nodePort}`;
    if (used.has(key)) errors.invalid(`spec.ports[${i}].nodePort`, nodePort, "provided port is already allocated");
    used.add(key);
  }
}

export function validateServiceUpdate(service: Service, old: Service, errors: FieldErrors): void {
  const [ip, before] = [service.spec?.clusterIP, old.spec?.clusterIP];
  const both = service.spec?.type !== "ExternalName" && old.spec?.type !== "ExternalName";
  if (both && before && ip !== before) errors.invalid("spec.clusterIPs[0]", [ip], "may not change once set");
  const { spec } = service;
  // A client that sets the one field need not know the list that came after it.
  const follows = spec?.clusterIP && ip !== before && equalJson(spec.clusterIPs, old.spec?.clusterIPs);
  validateService(follows ? { ...service, spec: { ...spec, clusterIPs: [spec.clusterIP] } } : service, errors);
}

export function validateEndpoints(object: Endpoints, errors: FieldErrors): void {
  for (const [i, subset] of (object.subsets ?? []).entries()) {
    const at = `subsets[${i}]`;
    if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0) {
      errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    }
    for (const list of ["addresses", "notReadyAddresses"] as const) {
      for (const [j, { ip, hostname, nodeName }] of (subset[list] ?? []).entries()) {
        const here = `${at}.${list}[${j}]`;
        const problems = ipAddress(ip);
        errors.all(`${here}.ip`, ip, problems);
        if (problems.length > 0) errors.invalid(`${here}.ip`, ip, "must be a valid IP address");
        if (hostname) errors.all(`${here}.hostname`, hostname, dns1123Label(hostname));
        if (nodeName) errors.all(`${here}.nodeName`, nodeName, dns1123Subdomain(nodeName));
      }
    }
    const ports = subset.ports ?? [];
    for (const [j, { name, port, protocol }] of ports.entries()) {
      const here = `${at}.ports[${j}]`;
      if (!name) {
        if (ports.length > 1) errors.required(`${here}.name`);
      } else errors.all(`${here}.name`, name, dns1123Label(name));
      errors.inRange(`${here}.port`, port, 1, PORT_MAX);
      errors.oneOf(`${here}.protocol`, protocol, PROTOCOLS);
    }
  }
}

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
/** Kubernetes' limits on one slice. */
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;

export function validateEndpointSlice(slice: EndpointSlice, errors: FieldErrors): void {
  if (!slice.addressType) errors.required("addressType");
  else errors.oneOf("addressType", slice.addressType, ADDRESS_TYPES);
  validateSlicePorts(slice, errors);
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > ENDPOINTS_MAX)
    errors.invalid("endpoints", endpoints.length, `must have at most ${ENDPOINTS_MAX} items`);
  for (const [i, { addresses, hostname, nodeName }] of endpoints.entries()) {
    const at = `endpoints[${i}]`;
    const list = addresses ?? [];
    if (list.length === 0) errors.required(`${at}.addresses`);
    if (list.length > ADDRESSES_MAX)
      errors.invalid(`${at}.addresses`, list.length, `must have at most ${ADDRESSES_MAX} items`);
    for (const [j, address] of list.entries()) {
      const here = `${at}.addresses[${j}]`;
      if (slice.addressType === "FQDN") errors.all(here, address, dns1123Subdomain(address));
      else errors.all(here, address, ipAddress(address));
    }
    if (nodeName) errors.all(`${at}.nodeName`, nodeName, dns1123Subdomain(nodeName));
    if (hostname) errors.all(`${at}.hostname`, hostname, dns1123Label(hostname));
  }
}

function validateSlicePorts(slice: EndpointSlice, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [i, { name = "", protocol }] of (slice.ports ?? []).entries()) {
    const at = `ports[${i}]`;
    if (name !== "") errors.all(`${at}.name`, name, dns1123Label(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    errors.oneOf(`${at}.protocol`, protocol, PROTOCOLS);
  }
}

export function validateEndpointSliceUpdate(slice: EndpointSlice, old: EndpointSlice, errors: FieldErrors): void {
  validateEndpointSlice(slice, errors);
  if (slice.addressType !== old.addressType) errors.invalid("addressType", null, "field is immutable");
}
