/** What each actor's entry file calls. */
import { workerData } from "node:worker_threads";
import type { Methods } from "../../protocols/protocol.ts";
import type { ActorDefinition } from "../actor.ts";
import type { BootData } from "./boot-data.ts";
import type { Launch, ThreadStart } from "./hosted-actor.ts";
import { launchActor } from "./hosted-actor.ts";
import { ownSeat } from "./own-seat.ts";
import { rehearse } from "./rehearsal.ts";

export type { ThreadStart } from "./hosted-actor.ts";

/** Where the entries of actors leave how to start them, on a thread that waits for actors or is shared by some. */
export interface SharedThreadDoor {
  inkubeSharedThread?: { register(launch: Launch, rehearse: () => Promise<void>): void };
}

export function runActor<M extends Methods, Options>(definition: ActorDefinition<M, Options>): void {
  const shared = (globalThis as SharedThreadDoor).inkubeSharedThread;
  const launch: Launch = (given, seat) => launchActor(definition, given, seat);
  if (shared !== undefined) return shared.register(launch, rehearse);
  const { start } = workerData as BootData;
  const seat = ownSeat(() => (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache?.());
  launch(start as ThreadStart, seat);
}
