/** Where the port of a Service leads: to the endpoints that are ready, as its EndpointSlices tell. */
import type { Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../../protocols/kubernetes/types/discovery-v1.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

/** By number or by name; "" is the one without a name. */
export function servicePort({ spec }: Service, asked: number | string): ServicePort | undefined {
  return (spec?.ports ?? []).find(({ name, port }) => (name ?? "") === asked || String(port) === String(asked));
}

/**
 * Where a Service without endpoints of its own leads; undefined of all others. Whoever may write Services says so where, and any port
 * will do: it is for those alone who are known by their certificate.
 */
export function externalEndpoint({ spec }: Service, port: number): Endpoint | undefined {
  return spec?.type === "ExternalName" && spec.externalName ? { host: spec.externalName, port } : undefined;
}

/** Empty when there is no such port, or nobody behind it. */
export function serviceEndpoints(
  service: Service,
  slices: readonly EndpointSlice[],
  asked: number | string,
): readonly Endpoint[] {
  const wanted = servicePort(service, asked);
  if (wanted === undefined) return [];
  return slices.flatMap(({ endpoints, ports }) => {
    const port = (ports ?? []).find(({ name }) => (name ?? "") === (wanted.name ?? ""))?.port;
    if (port === undefined) return [];
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses }) => (addresses ?? []).map((host) => ({ host, port })));
  });
}
