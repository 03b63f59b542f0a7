/** What a node's kube-proxy answers to tests, tools and the simulation. Traffic itself goes over TCP, not through here. */
import type { Call, Protocol } from "./protocol.ts";
import { call, protocol } from "./protocol.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ServicePortRequest {
  readonly namespace: string;
  readonly service: string;
  /** Port number or name; may be absent when the Service has one port only. */
  readonly port?: number | string;
}

export interface PickRequest extends ServicePortRequest {
  /** The requester's node; absent: outside the cluster. */
  readonly fromNode?: string;
  /** The requester's address, for `sessionAffinity: ClientIP`. */
  readonly clientIP?: string;
}

export interface PickedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly node?: string;
}

export interface EndpointState extends PickedEndpoint {
  readonly zone?: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly openConnections: number;
  /** Whether connections to it fail, so that it gets only a trial now and then. */
  readonly outOfRotation: boolean;
}

export interface ListenerState {
  /** Where the Service says that it is. */
  readonly host: string;
  readonly port: number;
  /** Where this proxy really listens; absent while it can't. */
  readonly bound?: Address;
  /** `namespace/name:port` */
  readonly servicePort: string;
}

export interface KubeProxyStatus {
  /** Whether Services, EndpointSlices and Nodes have been read once. */
  readonly synced: boolean;
  /** Shards of Services whose cluster addresses this proxy serves; the others stand by. */
  readonly ownedShards: readonly number[];
  readonly listeners: readonly ListenerState[];
  readonly openConnections: number;
}

export type KubeProxyErrorCode =
  /** No such Service, or no such port on it. */
  | "SERVICE_NOT_FOUND"
  /** Nothing behind the Service can take a connection now. Retryable. */
  | "NO_ENDPOINTS";

export type KubeProxyMethods = {
  /** The endpoint that the next connection would get; it counts as given out. Errors: SERVICE_NOT_FOUND, NO_ENDPOINTS. */
  pick: Call<PickRequest, PickedEndpoint>;
  /** All endpoints of a Service port as this proxy sees them. Errors: SERVICE_NOT_FOUND. */
  endpoints: Call<ServicePortRequest, { readonly endpoints: readonly EndpointState[] }>;
  status: Call<null, KubeProxyStatus>;
};

export const kubeProxyProtocol: Protocol<KubeProxyMethods> = protocol<KubeProxyMethods>("kube-proxy", {
  pick: call({ timeoutMs: 1_000 }),
  endpoints: call({ timeoutMs: 1_000 }),
  status: call({ timeoutMs: 1_000 }),
});
