/** From a reference to a Service to an address, by what the caches hold. */
import type { Pod, Service } from "../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
import { listPage } from "./core/cache/list.ts";
import type { Endpoint } from "./core/aggregation/service-endpoints.ts";
import { podsOfSlice, serviceEndpoints } from "./core/aggregation/service-endpoints.ts";
import { compileSelection } from "./core/machinery/selectors.ts";
import type { Store } from "./store.ts";

export const SERVICES_PREFIX = "/registry/services/specs";
export const SLICES_PREFIX = "/registry/endpointslices";
const PODS_PREFIX = "/registry/pods";
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

export class ServiceResolver {
  private readonly store: Store;
  private turn = 0;

  constructor(store: Store) {
    this.store = store;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.store.cache(SERVICES_PREFIX).newest(`${namespace}/${name}`)?.object as Service | undefined;
  }

  slices(namespace: string, name: string): readonly EndpointSlice[] {
    const cache = this.store.cache(SLICES_PREFIX);
    const selection = compileSelection(cache.info, `${SERVICE_NAME_LABEL}=${name}`, undefined);
    const { items } = listPage(cache, this.store.revision, { namespace, selection }, 0, undefined);
    return items.map(({ object }) => object as EndpointSlice);
  }

  /**
   * One of those that are ready, in turn.
   * @param port number or name; "" is the one without a name
   */
  endpoint(namespace: string, name: string, port: number | string): Endpoint | undefined {
    const service = this.service(namespace, name);
    const endpoints = service === undefined ? [] : serviceEndpoints(service, this.slices(namespace, name), port);
    return endpoints[this.turn++ % endpoints.length];
  }

  /** As `endpoint`, of a pod of the namespace: what else somebody has written into a slice is no business of a client's. */
  podEndpoint(namespace: string, name: string, port: number | string): Endpoint | undefined {
    const service = this.service(namespace, name);
    if (service === undefined || service.spec?.type === "ExternalName") return undefined;
    const pods = this.store.cache(PODS_PREFIX);
    const slices = this.slices(namespace, name).map((slice) =>
      podsOfSlice(slice, namespace, (pod) => pods.newest(`${namespace}/${pod}`)?.object as Pod | undefined),
    );
    const endpoints = serviceEndpoints(service, slices, port);
    return endpoints[this.turn++ % endpoints.length];
  }
}
