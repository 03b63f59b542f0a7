/** What a thread of the pool does for a search: the runs without faults, or one run. It loads the exploration's file itself. */
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
  /** Absent: the runs without faults. */
  readonly request?: RunRequest;
  readonly whereabouts: SharedArrayBuffer;
}

/** Errors are told as data: a thread's errors lose their code on the way. */
export type ChaosAnswer = { readonly done: Outcome | Reference } | { readonly failed: ErrorData };

let loaded: Promise<Resolved> | undefined;
let whereabouts = new Whereabouts();

// A pool's file has its task as the default export.
// oxlint-disable-next-line import/no-default-export
export default async function work({ exploration, request, whereabouts: shared }: ChaosTask): Promise<ChaosAnswer> {
  try {
    loaded ??= loadExploration(exploration).then((given) => ({
      ...checkExploration(given),
      onStep: (actor) => whereabouts.at(actor),
    }));
    const resolved = await loaded;
    whereabouts = new Whereabouts(shared);
    whereabouts.begin(threadId);
    return { done: await (request === undefined ? referenceOf(resolved) : outcomeOf(resolved, request)) };
  } catch (error) {
    if (error instanceof InkubeError) return { failed: error.toData() };
    throw error;
  }
}
