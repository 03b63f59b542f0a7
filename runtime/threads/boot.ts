/** What a thread of one actor runs first: the actor's bundle, whose `runActor` finds its actor in `workerData`. */
import { workerData } from "node:worker_threads";
import type { BootData } from "./boot-data.ts";
import { guardHeap } from "./heap-guard.ts";
import { loadBundle } from "./load-bundle.ts";

const { start, heapGuardShare } = workerData as BootData;
const loaded = loadBundle(start.bundle);
if (!(loaded instanceof Promise)) {
  // The functions that a start needs are compiled once the actor is up.
  (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache = () => loaded.saveCache();
}
guardHeap(heapGuardShare);
