/** What a thread of one actor runs first: the actor's bundle, whose `runActor` finds its actor in `workerData`. */
import { workerData } from "node:worker_threads";
import { loadBundle } from "./load-bundle.ts";
import type { ThreadStart } from "./hosted-actor.ts";

const loaded = loadBundle((workerData as ThreadStart).bundle);
if (!(loaded instanceof Promise)) {
  // The functions that a start needs are compiled once the actor is up.
  (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache = () => loaded.saveCache();
}
