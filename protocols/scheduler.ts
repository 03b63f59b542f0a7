/** What a scheduler answers to its supervisor, to tests and to tools. Its work goes through the API server. */
import type { Call, Protocol } from "./protocol.ts";
import { call, protocol } from "./protocol.ts";

export interface SchedulingCounts {
  /** Pods that are ready to be placed. */
  readonly active: number;
  /** Pods that pause after a failure. */
  readonly backoff: number;
  /** Pods that no node takes. */
  readonly unschedulable: number;
  /** Bindings written since this scheduler leads. */
  readonly bound: number;
  /** Faults of the program since it leads: each is in the log as an error, with its stack, and cost one pod an attempt. */
  readonly faults: number;
}

export interface SchedulerStatus {
  readonly leading: boolean;
  /** Null while another leads. */
  readonly counts: SchedulingCounts | null;
}

export type SchedulerMethods = {
  status: Call<null, SchedulerStatus>;
};

export const schedulerProtocol: Protocol<SchedulerMethods> = protocol<SchedulerMethods>("scheduler", {
  status: call(),
});
