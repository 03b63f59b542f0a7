/** What a controller-manager answers to its supervisor, to tests and to tools. Its work goes through the API server. */
import type { Call, Protocol } from "./protocol.ts";
import { call, protocol } from "./protocol.ts";

export interface ControllerManagerStatus {
  readonly leading: boolean;
  /** Keys that wait or are worked on, by controller; empty while another leads. */
  readonly queues: Readonly<Record<string, number>>;
  /** Faults of the program since it leads: each is in the log as an error, with its stack, and cost one key or change. */
  readonly faults: number;
}

export type ControllerManagerMethods = {
  status: Call<null, ControllerManagerStatus>;
  /**
   * Answers when its controllers have seen everything that was acknowledged before the call, and have no key to work on but
   * those that wait for a time. At once while another leads.
   */
  caughtUp: Call<null, null>;
};

export const controllerManagerProtocol: Protocol<ControllerManagerMethods> = protocol<ControllerManagerMethods>(
  "controller-manager",
  { status: call(), caughtUp: call() },
);
