import type { Call, Cast, Protocol } from "../../../protocols/protocol.ts";
import { call, cast, protocol } from "../../../protocols/protocol.ts";

export interface Measurement {
  readonly peer: string;
  readonly count: number;
  /** Calls under way at a time. */
  readonly inFlight: number;
  readonly payload: unknown;
}

export type EchoMethods = {
  echo: Call<unknown, unknown>;
  take: Cast<unknown>;
  taken: Call<null, number>;
  /** Milliseconds for `count` calls of the peer's `echo`. */
  calls: Call<Measurement, number>;
  /** Milliseconds until the peer has handled `count` casts. */
  casts: Call<Measurement, number>;
  /** Works for that many microseconds. */
  work: Cast<{ readonly forUs: number }>;
  /** Sends `count` messages of work at once; resolves with the largest delay of a 5 ms timer of the peer, in milliseconds. */
  flood: Call<{ readonly peer: string; readonly count: number; readonly forUs: number }, number>;
  /** Starts the timer; resolves with its largest delay when `count` messages of work have been handled. */
  watchTimer: Call<{ readonly count: number }, number>;
};

const MEASURE = { timeoutMs: 120_000 };

export const echoProtocol: Protocol<EchoMethods> = protocol<EchoMethods>("echo", {
  echo: call(),
  take: cast(),
  taken: call(MEASURE),
  calls: call(MEASURE),
  casts: call(MEASURE),
  work: cast(),
  flood: call(MEASURE),
  watchTimer: call(MEASURE),
});
