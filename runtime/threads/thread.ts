/** What each actor's entry file calls. */
import { workerData } from "node:worker_threads";
import type { Methods } from "../../protocols/protocol.ts";
import type { ActorDefinition } from "../actor.ts";
import type { BootData } from "./boot-data.ts";
import type { Launch, Seat } from "./hosted-actor.ts";
import { launchActor } from "./hosted-actor.ts";

export type { ThreadStart } from "./hosted-actor.ts";

/** Where the entries of actors that share a thread leave how to start them. */
export interface SharedThreadDoor {
  inkubeSharedThread?: { register(launch: Launch): void };
}

export function runActor<M extends Methods, Options>(definition: ActorDefinition<M, Options>): void {
  const shared = (globalThis as SharedThreadDoor).inkubeSharedThread;
  const launch: Launch = (given, seat) => launchActor(definition, given, seat);
  if (shared === undefined) launch((workerData as BootData).start, ownSeat);
  else shared.register(launch);
}

/** On a thread of its own an actor's end is the thread's. */
const ownSeat: Seat = {
  shared: false,
  started: () => {
    setImmediate(() => (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache?.());
  },
  stopped: () => process.exit(0),
  crashed: (error) => {
    // Outside of any promise, so that it ends the thread with this error as its reason.
    process.nextTick(() => {
      throw error;
    });
  },
};
