/** What a pod is called, and what its `/etc/hosts` says. */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";

/** A host's name is no longer on Linux. */
const HOSTNAME_MAX = 63;
const CLUSTER_DOMAIN = "cluster.local";

/** @see truncatePodHostnameIfNeeded and GeneratePodHostNameAndDomain of the kubelet */
export function hostnameOf(pod: Pod): string {
  const { hostname, setHostnameAsFQDN, hostnameOverride } = pod.spec ?? {};
  if (hostnameOverride !== undefined) return hostnameOverride;
  const own = (hostname ?? pod.metadata?.name ?? "").slice(0, HOSTNAME_MAX).replace(/[-.]+$/, "");
  const domain = domainOf(pod);
  return setHostnameAsFQDN === true && domain !== undefined ? `${own}.${domain}` : own;
}

function domainOf(pod: Pod): string | undefined {
  const { subdomain } = pod.spec ?? {};
  if (subdomain === undefined || subdomain === "") return undefined;
  return `${subdomain}.${pod.metadata?.namespace ?? "default"}.svc.${CLUSTER_DOMAIN}`;
}

/** Names -> addresses: the pod's own, alone and below its subdomain, and its hostAliases. */
export function etcHosts(pod: Pod, hostname: string, ip: string): Readonly<Record<string, readonly string[]>> {
  const hosts: Record<string, string[]> = {};
  for (const { ip: alias, hostnames = [] } of pod.spec?.hostAliases ?? []) {
    for (const name of hostnames) (hosts[name.toLowerCase()] ??= []).push(alias);
  }
  const [first = ""] = hostname.split(".");
  const { subdomain = "" } = pod.spec ?? {};
  const domain = domainOf(pod);
  const own = [hostname, first, ...(domain === undefined ? [] : [`${first}.${subdomain}`, `${first}.${domain}`])];
  for (const name of own) if (name !== "") hosts[name.toLowerCase()] = [ip];
  return hosts;
}
