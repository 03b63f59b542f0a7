/** What a thread of the pool does for a search: it loads the exploration's file, and carries out the runs without faults, or one run. */
import { threadId } from "node:worker_threads";
import type { ErrorData } from "../../../protocols/errors.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ExplorationFile, Resolved } from "./exploration.ts";
import { checkExploration } from "./exploration.ts";
import { loadExploration } from "./loading.ts";
import type { Outcome, Reference, RunRequest } from "./outcome.ts";
import { outcomeOf, referenceOf } from "./outcome.ts";
import { Whereabouts } from "./whereabouts.ts";

export interface ChaosTask {
  readonly exploration: ExplorationFile;
  /** Absent: the runs without faults; `load`: none, the file is only loaded. */
  readonly request?: RunRequest | "load";
  readonly whereabouts: SharedArrayBuffer;
}

/** Errors are told as data: a thread's errors lose their code on the way. */
export type ChaosAnswer = { readonly done: Outcome | Reference | undefined } | { readonly failed: ErrorData };

let loaded: Promise<Resolved> | undefined;
let whereabouts = new Whereabouts();

// A pool's file has its task as the default export.
// oxlint-disable-next-line import/no-default-export
export default async function work({ exploration, request, whereabouts: shared }: ChaosTask): Promise<ChaosAnswer> {
  try {
    if (request === "load") new Whereabouts(shared).begin(threadId);
    loaded ??= loadExploration(exploration).then((given) => ({
      ...checkExploration(given),
      onStep: (actor) => whereabouts.at(actor),
    }));
    const resolved = await loaded;
    if (request === "load") return { done: undefined };
    whereabouts = new Whereabouts(shared);
    whereabouts.begin(threadId);
    return { done: await (request === undefined ? referenceOf(resolved) : outcomeOf(resolved, request)) };
  } catch (error) {
    if (error instanceof InkubeError) return { failed: error.toData() };
    throw error;
  }
}
