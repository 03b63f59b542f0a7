/** What a kubelet tells of itself to who asks; pods and their status go through the API server, as everything does. */
import type { Call, Protocol } from "./protocol.ts";
import { call, protocol } from "./protocol.ts";

export interface KubeletState {
  readonly nodeName: string;
  /** Pods that the kubelet has a worker for, those that are ending included. */
  readonly pods: number;
  readonly isRuntimeUp: boolean;
  /** Port of the log server; 0 where there is none. */
  readonly port: number;
}

/** `windowSeconds` is not in Kubernetes' form: what span the rate is of. */
export interface CpuStats {
  /** RFC 3339: the end of the span. */
  readonly time: string;
  readonly windowSeconds: number;
  readonly usageNanoCores: number;
  /** Since the start. */
  readonly usageCoreNanoSeconds: number;
}

export interface MemoryStats {
  readonly time: string;
  readonly workingSetBytes: number;
}

export interface ContainerSummary {
  readonly name: string;
  readonly startTime: string;
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
}

export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly containers: readonly ContainerSummary[];
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
}

/**
 * `GET /stats/summary` of a kubelet: what its containers use, as much as inkube measures of it. All nodes are one machine: a node's figures
 * are the sum of its pods', and what its actors use is nobody's.
 * @see `k8s.io/kubelet/pkg/apis/stats/v1alpha1`
 */
export interface StatsSummary {
  readonly node: { readonly nodeName: string; readonly cpu: CpuStats; readonly memory: MemoryStats };
  readonly pods: readonly PodSummary[];
}

export type KubeletMethods = {
  state: Call<null, KubeletState>;
};

export const kubeletProtocol: Protocol<KubeletMethods> = protocol<KubeletMethods>("kubelet", { state: call() });
