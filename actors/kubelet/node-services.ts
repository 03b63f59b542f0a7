/** What the shells of a node's pods share. */
import type { ContainerRuntimeMethods } from "../../protocols/container-runtime.ts";
import type { Pod, Service } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Ref, Why } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder, EventSink } from "../client/event-recorder.ts";
import type { PodAddresses } from "./core/pod-addresses.ts";
import type { Gate } from "./gate.ts";
import type { HealthSource } from "./kubelet-io.ts";
import type { KubeletMetrics } from "./kubelet-metrics.ts";
import type { PodTokens } from "./pod-tokens.ts";
import type { SourceCache } from "./source-cache.ts";
import type { KubeletOptions } from "./spec.ts";
import type { VolumeStore } from "./volume-store.ts";

export interface NodeServices {
  readonly ctx: Context<unknown>;
  readonly options: KubeletOptions;
  readonly client: Client;
  readonly runtime: Ref<ContainerRuntimeMethods>;
  readonly events: EventRecorder;
  readonly metrics: KubeletMetrics;
  readonly sources: SourceCache;
  readonly tokens: PodTokens;
  readonly volumes: VolumeStore;
  readonly addresses: PodAddresses;
  readonly starts: Gate;
  readonly writes: Gate;
  readonly hostsFile: string;
  /** Address of the node as its pods see it. */
  readonly hostIP: string;
  readonly allocatable: { readonly cpu: string; readonly memory: string };
  /** Undefined where nobody speaks gRPC. */
  readonly health: HealthSource | undefined;
  services(): Promise<readonly Service[]>;
  /** The worker of this pod has nothing left to do. */
  finished(pod: Pod): void;
}

/** What one operation needs, so that all that it asks and tells is done because of `why`. */
export type OperationServices = Omit<NodeServices, "events"> & { readonly events: EventSink };

export function because(node: NodeServices, why: Why): OperationServices {
  const { client, events, runtime } = node;
  return {
    ...node,
    client: client.because(why),
    events: events.because(why),
    runtime: {
      ...runtime,
      call: (method, request, options) => runtime.call(method, request, { cause: why, ...options }),
    },
  };
}
