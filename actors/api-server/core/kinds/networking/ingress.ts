/** Ingresses. Source: Kubernetes `pkg/apis/networking/validation`, `pkg/registry/networking/ingress`. */
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressSpec,
  IngressStatus,
} from "../../../../../protocols/kubernetes/types/networking-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { ipWarnings, parseIp } from "../../machinery/validation/ip.ts";
import {
  knownAddresses,
  validateBalancerHostname,
  validateBalancerIp,
} from "../../machinery/validation/load-balancer.ts";
import { dns1123Label, dns1123Subdomain, portName } from "../../machinery/validation/names.ts";
import { dnsNameOrWildcard, validateSegment } from "../../machinery/validation/references.ts";
import type { KindRules } from "../rules.ts";

/** By which the class was named before it had a field. */
const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

export const ingressRules: KindRules = {
  validate: (object: Ingress, errors) => {
    validateSpec(object.spec ?? {}, {}, errors);
    const annotation = object.metadata?.annotations?.[CLASS_ANNOTATION];
    const name = object.spec?.ingressClassName;
    if (annotation === undefined || name === undefined || name === null || annotation === name) return;
    const detail = "must match `ingressClassName` when both are specified";
    errors.invalid(`annotations.${CLASS_ANNOTATION}`, annotation, detail);
  },
  validateUpdate: (object: Ingress, old: Ingress, errors) =>
    validateSpec(object.spec ?? {}, tolerated(old.spec ?? {}), errors),
  validateStatusUpdate: (object: Ingress, old: Ingress, errors) => validateStatus(object.status, old.status, errors),
  warnings: (object: Ingress) => [...classWarnings(object), ...addressWarnings(object.status)],
  cells,
};

/** What an object that is stored has wrong may stay so. */
interface Tolerated {
  readonly secretName?: boolean;
  readonly wildcardRule?: boolean;
}

function tolerated({ tls, rules }: IngressSpec): Tolerated {
  const wildcard = (rules ?? []).filter(({ host }) => host?.includes("*"));
  return {
    secretName: (tls ?? []).some(({ secretName = "" }) => secretName !== "" && dns1123Subdomain(secretName).length > 0),
    wildcardRule: wildcard.some((rule) => {
      const found = new FieldErrors();
      validateRuleValue("", rule, found);
      return found.causes.length > 0;
    }),
  };
}

function validateSpec(spec: IngressSpec, may: Tolerated, errors: FieldErrors): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  if (rules.length === 0 && !defaultBackend) {
    errors.invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified");
  }
  if (defaultBackend) validateBackend("spec.defaultBackend", defaultBackend, errors);
  for (const [i, rule] of rules.entries()) validateRule(`spec.rules[${i}]`, rule, may, errors);
  for (const [i, { hosts = [], secretName }] of tls.entries()) {
    const at = `spec.tls[${i}]`;
    for (const [j, host] of hosts.entries()) errors.all(`${at}.hosts[${j}]`, host, dnsNameOrWildcard(host));
    if (secretName && may.secretName !== true) errors.all(`${at}.secretName`, secretName, dns1123Subdomain(secretName));
  }
  if (ingressClassName !== undefined && ingressClassName !== null) {
    errors.all("spec.ingressClassName", ingressClassName, dns1123Subdomain(ingressClassName));
  }
}

function validateRule(at: string, rule: IngressRule, may: Tolerated, errors: FieldErrors): void {
  const { host } = rule;
  if (host) {
    if (parseIp(host) !== undefined) errors.invalid(`${at}.host`, host, "must be a DNS name, not an IP address");
    errors.all(`${at}.host`, host, dnsNameOrWildcard(host));
  }
  if (!host?.includes("*") || may.wildcardRule !== true) validateRuleValue(at, rule, errors);
}

function validateRuleValue(at: string, { http }: IngressRule, errors: FieldErrors): void {
  if (!http) return;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.required(`${at}.http.paths`);
  for (const [i, path] of paths.entries()) validatePath(`${at}.http.paths[${i}]`, path, errors);
}

const FORBIDDEN_PARTS = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_ENDS = ["/..", "/."];

function validatePath(at: string, { path = "", pathType, backend }: HTTPIngressPath, errors: FieldErrors): void {
  if (pathType === undefined || pathType === null)
    return errors.required(`${at}.pathType`, "pathType must be specified");
  switch (pathType) {
    case "Exact":
    case "Prefix":
      if (!path.startsWith("/")) errors.invalid(`${at}.path`, path, "must be an absolute path");
      for (const part of FORBIDDEN_PARTS) {
        if (path.includes(part)) errors.invalid(`${at}.path`, path, `must not contain '${part}'`);
      }
      for (const end of FORBIDDEN_ENDS) {
        if (path.endsWith(end)) errors.invalid(`${at}.path`, path, `cannot end with '${end}'`);
      }
      break;
    case "ImplementationSpecific":
      if (path !== "" && !path.startsWith("/")) errors.invalid(`${at}.path`, path, "must be an absolute path");
      break;
    default:
      errors.unsupported(`${at}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]);
  }
  validateBackend(`${at}.backend`, backend ?? {}, errors);
}

function validateBackend(at: string, { service, resource }: IngressBackend, errors: FieldErrors): void {
  if (service && resource) return errors.invalid(at, "", "cannot set both resource and service backends");
  if (resource) {
    const { apiGroup, kind, name } = resource;
    if (apiGroup !== undefined && apiGroup !== null)
      errors.all(`${at}.resource.apiGroup`, apiGroup, dns1123Subdomain(apiGroup));
    validateSegment(`${at}.resource.kind`, kind, errors);
    return validateSegment(`${at}.resource.name`, name, errors);
  }
  if (!service) return errors.invalid(at, "", "resource or service backend is required");
  if (!service.name) errors.required(`${at}.service.name`);
  else errors.all(`${at}.service.name`, service.name, dns1123Label(service.name));
  const { name, number = 0 } = service.port ?? {};
  if (name && number !== 0) errors.invalid(at, "", "cannot set both port name & port number");
  else if (name) errors.all(`${at}.service.port.name`, name, portName(name));
  else if (number !== 0) errors.inRange(`${at}.service.port.number`, number, 1, 65_535);
  else errors.required(at, "port name or number is required");
}

function validateStatus(status: IngressStatus | undefined, old: IngressStatus | undefined, errors: FieldErrors): void {
  const known = knownAddresses(old?.loadBalancer?.ingress);
  for (const [i, { ip, hostname }] of (status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${i}]`;
    validateBalancerIp(at, ip, known, errors);
    validateBalancerHostname(at, hostname, errors);
  }
}

function classWarnings({ metadata, spec }: Ingress): readonly string[] {
  if (metadata?.annotations?.[CLASS_ANNOTATION] === undefined || spec?.ingressClassName !== undefined) return [];
  return [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`];
}

function addressWarnings(status: IngressStatus | undefined): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? ipWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
  );
}

/** More hosts than these are only counted. */
const HOSTS_MAX = 3;
/** A column of addresses is cut here. */
const ADDRESS_WIDTH = 16;

function cells(object: Ingress, nowMs: number): readonly Cell[] {
  const { ingressClassName, rules = [], tls = [] } = object.spec ?? {};
  const hosts = rules.flatMap(({ host }) => (host ? [host] : []));
  const shown = hosts.slice(0, HOSTS_MAX).join(",");
  const more = hosts.length >= HOSTS_MAX && rules.length > HOSTS_MAX;
  const points = (object.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  const address = [...new Set(points)].sort().join(",");
  return [
    nameOf(object),
    ingressClassName ?? "<none>",
    hosts.length === 0 ? "*" : more ? `${shown} + ${rules.length - HOSTS_MAX} more...` : shown,
    address.length > ADDRESS_WIDTH ? `${address.slice(0, ADDRESS_WIDTH - 3)}...` : address,
    tls.length === 0 ? "80" : "80, 443",
    ageOf(object, nowMs),
  ];
}
