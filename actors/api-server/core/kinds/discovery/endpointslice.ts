/** EndpointSlices. Loopback addresses are taken, see Endpoints. Source: Kubernetes `pkg/apis/discovery/validation`. */
import type { EndpointSlice } from "../../../../../protocols/kubernetes/types/discovery-v1.ts";
import { ageOf, listed, nameOf } from "../../machinery/cells.ts";
import type { Cell } from "../../machinery/cells.ts";
import { objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { PROTOCOLS } from "../../machinery/validation/container.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  ipAddress,
  labelValue,
  qualifiedName,
} from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export const endpointSliceRules: KindRules = {
  labelsCount: true,
  defaults,
  validate,
  validateUpdate,
  warnings: ({ addressType }: EndpointSlice) =>
    addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [],
  cells,
};

function defaults(object: JsonObject): void {
  for (const port of objectsIn(object["ports"])) {
    setDefault(port, "name", "");
    setDefault(port, "protocol", "TCP");
  }
}

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
/** Kubernetes' limits on one slice. */
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;

function validate(slice: EndpointSlice, errors: FieldErrors): void {
  if (!slice.addressType) errors.required("addressType");
  else errors.oneOf("addressType", slice.addressType, ADDRESS_TYPES);
  validateSlicePorts(slice, errors);
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > ENDPOINTS_MAX)
    errors.invalid("endpoints", endpoints.length, `must have at most ${ENDPOINTS_MAX} items`);
  for (const [i, { addresses, hostname, nodeName, hints }] of endpoints.entries()) {
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
    const rules = { forZones: labelValue, forNodes: dns1123Subdomain } as const;
    for (const kind of ["forZones", "forNodes"] as const) {
      const names = (hints?.[kind] ?? []).map((hint) => hint.name);
      const repeated = repeatedAt(names);
      for (const [j, name] of names.entries()) {
        const here = `${at}.hints.${kind}[${j}].name`;
        if (repeated.has(j)) errors.duplicate(here, name);
        errors.all(here, name, rules[kind](name));
      }
    }
  }
}

function validateSlicePorts(slice: EndpointSlice, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [i, { name = "", protocol, appProtocol }] of (slice.ports ?? []).entries()) {
    const at = `ports[${i}]`;
    if (name !== "") errors.all(`${at}.name`, name, dns1123Label(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    errors.oneOf(`${at}.protocol`, protocol, PROTOCOLS);
    if (appProtocol !== undefined) errors.all(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol));
  }
}

function validateUpdate(slice: EndpointSlice, old: EndpointSlice, errors: FieldErrors): void {
  validate(slice, errors);
  if (slice.addressType !== old.addressType) errors.invalid("addressType", null, "field is immutable");
}

function cells(object: EndpointSlice, nowMs: number): readonly Cell[] {
  const ports = (object.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? "*") : String(port)));
  const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  return [nameOf(object), object.addressType, listed(ports), listed(addresses), ageOf(object, nowMs)];
}
