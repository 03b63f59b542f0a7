/**
 * Services: their cluster IP and node ports. An address is claimed by a key of its own, written in the same transaction as the
 * Service and only if it is not there, so that three API servers can't give one address twice and no repair loop is needed.
 * (kube-apiserver keeps a bitmap that it repairs, or IPAddress objects, KEP-1880.)
 */
import type { Service, ServicePort, ServiceSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { givesNodePorts, needsHealthCheckPort, needsNodePort } from "./service-changes.ts";
import type { AddressRanges, Allocation, Fields, Taken } from "../rules.ts";

export const SERVICE_IP_PREFIX = "/registry/ranges/serviceips/";
export const NODE_PORT_PREFIX = "/registry/ranges/servicenodeports/";

/** `127.96.0.0/16` without its first and last address. The address .1 belongs to the `kubernetes` Service. */
export function ipRange(cidr: string): { readonly firstIp: number; readonly lastIp: number } {
  const [address = "", bits = ""] = cidr.split("/");
  const base = parseIp(address);
  const prefix = Number(bits);
  if (base === undefined || !Number.isInteger(prefix) || prefix < 8 || prefix > 29) {
    throw new Error(`not an IPv4 range of /8 to /29: ${cidr}`);
  }
  const size = 2 ** (32 - prefix);
  const first = Math.floor(base / size) * size;
  return { firstIp: first + 1, lastIp: first + size - 2 };
}

export function parseIp(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Every claim that a stored Service holds. */
export function claimsOf(object: Fields | undefined): readonly string[] {
  const spec = (object as Service | undefined)?.spec;
  if (spec === undefined) return [];
  const claims: string[] = [];
  if (usesIp(spec.clusterIP)) claims.push(SERVICE_IP_PREFIX + spec.clusterIP);
  for (const port of new Set((spec.ports ?? []).map((one) => one.nodePort ?? 0))) {
    if (port !== 0) claims.push(NODE_PORT_PREFIX + port);
  }
  if (spec.healthCheckNodePort) claims.push(NODE_PORT_PREFIX + spec.healthCheckNodePort);
  return claims;
}

/**
 * Gives the Service what it lacks.
 * @returns causes for a 422 when what it asks for is taken, outside of the range, or nothing is left
 */
export function allocate(
  object: Fields,
  old: Fields | undefined,
  ranges: AddressRanges,
  taken: Taken,
): Allocation | readonly StatusCause[] {
  const service = object as Service;
  const spec = service.spec ?? {};
  const held = new Set(claimsOf(old));
  const free = (key: string): boolean => held.has(key) || !taken.has(key);
  const causes: StatusCause[] = [];
  const addressed = spec.type === "ExternalName" ? spec : assignIp(spec, ranges, free, taken, causes);
  const exposed = needsNodePort(addressed)
    ? assignNodePorts(addressed, (old as Service | undefined)?.spec, ranges, free, taken, causes)
    : addressed;
  const complete = needsHealthCheckPort(exposed)
    ? assignHealthCheckPort(exposed, ranges, free, taken, causes)
    : exposed;
  if (causes.length > 0) return causes;
  const result = { ...object, spec: complete } as Fields;
  const wanted = claimsOf(result);
  return {
    object: result,
    claim: wanted.filter((key) => !held.has(key)),
    release: [...held].filter((key) => !wanted.includes(key)),
  };
}

function usesIp(clusterIp: string | undefined): clusterIp is string {
  return clusterIp !== undefined && clusterIp !== "" && clusterIp !== "None";
}

function assignIp(
  spec: ServiceSpec,
  ranges: AddressRanges,
  free: (key: string) => boolean,
  taken: Taken,
  causes: StatusCause[],
): ServiceSpec {
  const asked = spec.clusterIP || spec.clusterIPs?.[0];
  if (asked === "None") return { ...spec, clusterIP: "None", clusterIPs: ["None"] };
  if (asked !== undefined && asked !== "") {
    const ip = parseIp(asked);
    const quoted = JSON.stringify([asked]);
    if (ip === undefined || ip < ranges.firstIp - 1 || ip > ranges.lastIp + 1) {
      const why = `failed to allocate IP ${asked}: the provided network does not match the current range`;
      causes.push(invalidValue("spec.clusterIPs", quoted, why));
    } else if (ip < ranges.firstIp || ip > ranges.lastIp) {
      const range = `${formatIp(ranges.firstIp)}-${formatIp(ranges.lastIp)}`;
      const why = `failed to allocate IP ${asked}: the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${range}`;
      causes.push(invalidValue("spec.clusterIPs", quoted, why));
    } else if (!free(SERVICE_IP_PREFIX + asked)) {
      const why = `failed to allocate IP ${asked}: provided IP is already allocated`;
      causes.push(invalidValue("spec.clusterIPs", quoted, why));
    }
    return { ...spec, clusterIP: asked, clusterIPs: [asked] };
  }
  const ip = pick(ranges.firstIp + 1, ranges.lastIp, (value) => free(SERVICE_IP_PREFIX + formatIp(value)), taken);
  if (ip === undefined) {
    causes.push({ reason: "InternalError", field: "spec.clusterIPs", message: "Internal error: range is full" });
    return spec;
  }
  return { ...spec, clusterIP: formatIp(ip), clusterIPs: [formatIp(ip)] };
}

function assignNodePorts(
  spec: ServiceSpec,
  old: ServiceSpec | undefined,
  ranges: AddressRanges,
  free: (key: string) => boolean,
  taken: Taken,
  causes: StatusCause[],
): ServiceSpec {
  const chosen = new Map<number, Set<string>>();
  const used = (port: number, protocol: string): boolean => chosen.get(port)?.has(protocol) ?? false;
  const note = (port: number, protocol: string): void => {
    chosen.set(port, (chosen.get(port) ?? new Set()).add(protocol));
  };
  for (const port of spec.ports ?? []) if (port.nodePort) note(port.nodePort, port.protocol ?? "TCP");
  const portOf = new Map<number, number>();
  const ports = (spec.ports ?? []).map((port, index): ServicePort => {
    if (port.nodePort) {
      // A new Service may name one node port for two protocols of one port only.
      const shared = portOf.get(port.nodePort) ?? port.port;
      portOf.set(port.nodePort, port.port);
      const field = `spec.ports[${index}].nodePort`;
      const { firstNodePort, lastNodePort } = ranges;
      if (port.nodePort < firstNodePort || port.nodePort > lastNodePort) {
        const why = `provided port is not in the valid range. The range of valid ports is ${firstNodePort}-${lastNodePort}`;
        causes.push(invalidValue(field, String(port.nodePort), why));
      } else if ((old === undefined && shared !== port.port) || !free(NODE_PORT_PREFIX + port.nodePort)) {
        causes.push(invalidValue(field, String(port.nodePort), "provided port is already allocated"));
      }
      return port;
    }
    if (!givesNodePorts(spec)) return port;
    // The same port number under another protocol of the same Service shares the node port, as in Kubernetes.
    const twin = (spec.ports ?? []).find((other) => other.port === port.port && other.nodePort);
    if (twin?.nodePort && !used(twin.nodePort, port.protocol ?? "TCP")) {
      note(twin.nodePort, port.protocol ?? "TCP");
      return { ...port, nodePort: twin.nodePort };
    }
    const nodePort = pick(
      ranges.firstNodePort,
      ranges.lastNodePort,
      (value) => !chosen.has(value) && free(NODE_PORT_PREFIX + value),
      taken,
    );
    if (nodePort === undefined) {
      const message = "Internal error: failed to allocate a nodePort: range is full";
      causes.push({ reason: "InternalError", field: `spec.ports[${index}].nodePort`, message });
      return port;
    }
    note(nodePort, port.protocol ?? "TCP");
    return { ...port, nodePort };
  });
  return { ...spec, ports };
}

function assignHealthCheckPort(
  spec: ServiceSpec,
  ranges: AddressRanges,
  free: (key: string) => boolean,
  taken: Taken,
  causes: StatusCause[],
): ServiceSpec {
  const { firstNodePort, lastNodePort } = ranges;
  const field = "spec.healthCheckNodePort";
  const asked = spec.healthCheckNodePort;
  const own = new Set((spec.ports ?? []).map((port) => port.nodePort));
  if (asked) {
    const text = `failed to allocate requested HealthCheck NodePort ${asked}`;
    if (asked < firstNodePort || asked > lastNodePort) {
      const why = `provided port is not in the valid range. The range of valid ports is ${firstNodePort}-${lastNodePort}`;
      causes.push({ reason: "InternalError", field, message: `Internal error: ${text}: ${why}` });
    } else if (own.has(asked) || !free(NODE_PORT_PREFIX + asked)) {
      const message = `Internal error: ${text}: provided port is already allocated`;
      causes.push({ reason: "InternalError", field, message });
    }
    return spec;
  }
  const isFree = (value: number): boolean => !own.has(value) && free(NODE_PORT_PREFIX + value);
  const healthCheckNodePort = pick(firstNodePort, lastNodePort, isFree, taken);
  if (healthCheckNodePort !== undefined) return { ...spec, healthCheckNodePort };
  const message = "Internal error: failed to allocate a HealthCheck NodePort: range is full";
  causes.push({ reason: "InternalError", field, message });
  return spec;
}

/** The first free value from a random start on, so that servers that race seldom meet. */
function pick(first: number, last: number, free: (value: number) => boolean, taken: Taken): number | undefined {
  const count = last - first + 1;
  const start = taken.below(count);
  for (let i = 0; i < count; i++) {
    const value = first + ((start + i) % count);
    if (free(value)) return value;
  }
  return undefined;
}

function invalidValue(field: string, value: string, why: string): StatusCause {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${value}: ${why}` };
}
