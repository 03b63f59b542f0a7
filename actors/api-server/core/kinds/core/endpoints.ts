/** Endpoints. On inkube's embedded network every pod has a loopback address: as an endpoint it is taken, unlike by Kubernetes. */
import type { Endpoints } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { ageOf, listed, nameOf } from "../../machinery/cells.ts";
import type { Cell } from "../../machinery/cells.ts";
import { objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { PORT_MAX, PROTOCOLS } from "../../machinery/validation/container.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, dns1123Subdomain, ipAddress, qualifiedName } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const endpointsRules: KindRules = {
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  defaults,
  validate,
  cells,
};

function defaults(object: JsonObject): void {
  for (const subset of objectsIn(object["subsets"])) {
    for (const port of objectsIn(subset["ports"])) setDefault(port, "protocol", "TCP", "");
  }
}

function validate(object: Endpoints, errors: FieldErrors): void {
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
    for (const [j, { name, port, protocol, appProtocol }] of ports.entries()) {
      const here = `${at}.ports[${j}]`;
      if (!name) {
        if (ports.length > 1) errors.required(`${here}.name`);
      } else errors.all(`${here}.name`, name, dns1123Label(name));
      errors.inRange(`${here}.port`, port, 1, PORT_MAX);
      errors.oneOf(`${here}.protocol`, protocol, PROTOCOLS);
      if (appProtocol !== undefined) errors.all(`${here}.appProtocol`, appProtocol, qualifiedName(appProtocol));
    }
  }
}

function cells(object: Endpoints, nowMs: number): readonly Cell[] {
  const items: string[] = [];
  for (const { addresses = [], ports = [] } of object.subsets ?? []) {
    if (ports.length === 0) items.push(...addresses.map(({ ip }) => ip));
    for (const { port } of ports) items.push(...addresses.map(({ ip }) => joinHostPort(ip, port)));
  }
  const none = (object.subsets ?? []).length === 0 ? "<none>" : "";
  return [nameOf(object), items.length === 0 ? none : listed(items), ageOf(object, nowMs)];
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
