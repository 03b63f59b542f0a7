import type { Call, Protocol } from "../../../protocols/protocol.ts";
import { call, protocol } from "../../../protocols/protocol.ts";

export interface Load {
  readonly operation: "put" | "range" | "serializable-range";
  readonly count: number;
  readonly inFlight: number;
  readonly valueBytes: number;
}

export type EtcdLoadMethods = {
  /** Milliseconds for the whole load, all at one member. */
  run: Call<Load, { readonly milliseconds: number }>;
};

export const etcdLoadProtocol: Protocol<EtcdLoadMethods> = protocol<EtcdLoadMethods>("etcd-load", {
  run: call({ timeoutMs: 120_000 }),
});
