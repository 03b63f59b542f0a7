/**
 * What a thread of one actor runs first: the actor's bundle, whose `runActor` finds its actor in `workerData`. A spare
 * loads the bundles that it is told of, says that it is ready, and becomes the actor that it is sent.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { BootData } from "./boot-data.ts";
import { guardHeap } from "./heap-guard.ts";
import type { Launch, ThreadStart } from "./hosted-actor.ts";
import { collectAtRest } from "./idle-collection.ts";
import type { LoadedBundle } from "./load-bundle.ts";
import { loadBundle } from "./load-bundle.ts";
import { ownSeat } from "./own-seat.ts";
import type { SharedThreadDoor } from "./thread.ts";

const { start, heapGuardShare } = workerData as BootData;
if ("preload" in start) void waitAsSpare(start.preload);
else {
  guardHeap(heapGuardShare, start.heapLimitMb);
  const loaded = loadBundle(start.bundle);
  if (!(loaded instanceof Promise)) {
    // The functions that a start needs are compiled once the actor is up.
    (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache = () => loaded.saveCache();
  }
}
collectAtRest();

async function waitAsSpare(preload: readonly string[]): Promise<void> {
  const door = globalThis as SharedThreadDoor;
  const ready = new Map<string, { readonly launch: Launch; readonly bundle: LoadedBundle }>();
  for (const file of preload) {
    let launch: Launch | undefined;
    let rehearsal: (() => Promise<void>) | undefined;
    door.inkubeSharedThread = {
      register: (registered, rehearse) => {
        launch = registered;
        rehearsal = rehearse;
      },
    };
    const bundle = loadBundle(file);
    // A module that Node.js imports is loaded by the thread that needs it.
    if (!(bundle instanceof Promise) && launch !== undefined) ready.set(file, { launch, bundle });
    await rehearsal?.();
  }
  parentPort!.once("message", (given: ThreadStart) => {
    guardHeap(heapGuardShare, given.heapLimitMb);
    const known = ready.get(given.bundle);
    if (known !== undefined)
      known.launch(
        given,
        ownSeat(() => known.bundle.saveCache()),
      );
    else {
      door.inkubeSharedThread = {
        register: (launch) =>
          void launch(
            given,
            ownSeat(() => undefined),
          ),
      };
      void loadBundle(given.bundle);
    }
  });
  parentPort!.postMessage({ type: "spare-ready" });
}
