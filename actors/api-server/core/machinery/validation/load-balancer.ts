/** Where a load balancer is reached. Source: Kubernetes `ValidateLoadBalancerStatus`, `ValidateIngressLoadBalancerStatus`. */
import type { FieldErrors } from "./field-errors.ts";
import { lenientIp, parseIp } from "./ip.ts";
import { dns1123Subdomain } from "./names.ts";

interface Addressed {
  readonly ip?: string;
}

/** The addresses of an older status: wrong ones among them may stay. */
export function knownAddresses(ingress: readonly Addressed[] | undefined): ReadonlySet<string> {
  return new Set((ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : [])));
}

export function validateBalancerIp(
  at: string,
  ip: string | undefined,
  known: ReadonlySet<string>,
  errors: FieldErrors,
): void {
  if (ip && !known.has(ip)) errors.all(`${at}.ip`, ip, lenientIp(ip));
}

export function validateBalancerHostname(at: string, hostname: string | undefined, errors: FieldErrors): void {
  if (!hostname) return;
  errors.all(`${at}.hostname`, hostname, dns1123Subdomain(hostname));
  if (parseIp(hostname) !== undefined) {
    errors.invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address");
  }
}
