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

export type KubeletMethods = {
  state: Call<null, KubeletState>;
};

export const kubeletProtocol: Protocol<KubeletMethods> = protocol<KubeletMethods>("kubelet", { state: call() });
