/**
 * Where a Service is reached that a reference names: a webhook's, or an APIService's.
 * Source: apiserver `util/proxy.ResolveCluster`, whose words these are.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { publishedAddresses, publishedPlace } from "../../../../protocols/published-addresses.ts";

const SERVICES = "/registry/services/specs";

export interface ServicePlace {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** A name or an address, and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * The address on which kube-proxy serves it: the Service's own, or the one that is written on it where that can't be had.
 * @param find an object of the cluster by its storage prefix, and its key below it
 * @returns a text that says why there is none
 */
export function addressOfService(
  { namespace, name, port }: ServicePlace,
  find: (prefix: string, key: string) => KubernetesObject | undefined,
): Address | string {
  const service = find(SERVICES, `${namespace}/${name}`) as Service | undefined;
  if (service === undefined) return `service ${JSON.stringify(name)} not found`;
  const { type = "ClusterIP", clusterIP = "", externalName = "", ports = [] } = service.spec ?? {};
  if (type === "ExternalName") return { host: externalName, port };
  if (type === "ClusterIP" && clusterIP === "None") return 'cannot route to service with ClusterIP "None"';
  if (!ports.some((each) => each.port === port)) {
    return `no service port ${port} found for service ${JSON.stringify(name)}`;
  }
  return publishedPlace(publishedAddresses(service), port) ?? { host: clusterIP, port };
}
