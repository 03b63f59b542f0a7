/** Runs on several threads. Which of them takes a run makes no difference to it; one that never ends is given up with its thread. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { InkubeError } from "../../../protocols/errors.ts";
import { hangStack } from "../../../runtime/threads/hang-stack.ts";
import { clearTimeout, setTimeout, wallNowMs } from "../../../runtime/threads/machine-clock.ts";
import { EMBEDDER } from "../topology.ts";
import { replicasOf, secondsOf } from "./controller.ts";
import type { ExplorationFile, Resolved } from "./exploration.ts";
import { pathOf } from "./loading.ts";
import type { Outcome, Reference, RunRequest } from "./outcome.ts";
import { NEVER_ENDS, failsWithoutFaults } from "./outcome.ts";
import { textOf } from "./run.ts";
import type { Runner } from "./runner.ts";
import { Whereabouts } from "./whereabouts.ts";
import type { ChaosAnswer, ChaosTask } from "./worker.ts";

const RUN_WALL_MS = 60_000;
const JOBS_MAX = 1_024;
/** A thread starts, and loads the exploration's file and all that this imports. */
const LOAD_WALL_MS = 120_000;
const STACK_MS = 2_000;
/** Threads that have nothing to do for so long are ended. */
const IDLE_MS = 10_000;

class NeverEnds extends Error {
  readonly actor: string | undefined;

  constructor(actor: string | undefined, message: string) {
    super(message);
    this.actor = actor;
  }
}

export class ThreadPool implements Runner {
  jobs = 1;
  private readonly pool: Piscina<ChaosTask, ChaosAnswer>;
  private readonly exploration: ExplorationFile;
  private controllers: readonly string[] = [];
  private runWallMs: number;

  constructor(exploration: ExplorationFile) {
    const { file: _file, ...instead } = exploration;
    this.exploration = { ...instead, file: pathOf(exploration) };
    this.runWallMs = exploration.budget?.runWallMs ?? RUN_WALL_MS;
    const filename = fileURLToPath(new URL("./chaos-worker.js", import.meta.url));
    // Whoever asks keeps to `jobs`, which is known once the file is loaded.
    this.pool = new Piscina({ filename, minThreads: 1, maxThreads: JOBS_MAX, idleTimeout: IDLE_MS });
  }

  /**
   * Loads the file on one of the threads, so that one that never comes to its end holds nobody else up. Errors: EXPLORATION_HANGS;
   * INVALID_EXPLORATION.
   */
  async load(): Promise<void> {
    try {
      await this.ask("load", this.runWallMs);
    } catch (error) {
      if (error instanceof NeverEnds) throw new InkubeError("EXPLORATION_HANGS", error.message);
      throw error;
    }
  }

  /** What its file says, from here on: it was loaded by whoever asks as well. */
  adopt({ jobs = availableParallelism(), runWallMs, controllers }: Resolved): void {
    this.jobs = jobs;
    this.runWallMs = runWallMs ?? RUN_WALL_MS;
    this.controllers = controllers.flatMap((each) => [...replicasOf(each), ...secondsOf(each)]);
  }

  async reference(): Promise<Reference> {
    try {
      // Of two runs.
      return (await this.ask(undefined, 2 * this.runWallMs)) as Reference;
    } catch (error) {
      if (error instanceof NeverEnds) throw failsWithoutFaults(error.message);
      throw error;
    }
  }

  async run(request: RunRequest): Promise<Outcome> {
    try {
      return (await this.ask(request, this.runWallMs)) as Outcome;
    } catch (error) {
      if (!(error instanceof NeverEnds)) throw error;
      const failure = { oracle: NEVER_ENDS, cause: error.actor ?? "", text: error.message };
      return { failures: [failure], goals: [], bad: error.message, digest: "", seen: [] };
    }
  }

  end(): Promise<void> {
    return this.pool.destroy();
  }

  /** Errors: NeverEnds; CONTROLLER_FAILED when the thread ends by itself; and those of the run. */
  private async ask(request: ChaosTask["request"], limitMs: number): Promise<Outcome | Reference | undefined> {
    const whereabouts = new Whereabouts();
    const giveUp = new AbortController();
    const task: ChaosTask = {
      exploration: this.exploration,
      ...(request === undefined ? {} : { request }),
      whereabouts: whereabouts.shared,
    };
    const what = request === "load" ? "load" : "run";
    const watch = this.watch(whereabouts, limitMs, what);
    try {
      const work = this.pool.run(task, { signal: giveUp.signal });
      // What it says once it is given up is of no interest.
      work.catch(() => undefined);
      const answer = await Promise.race([work.catch((error: unknown) => threadEnded(error, whereabouts)), watch.never]);
      if ("failed" in answer) throw InkubeError.fromData(answer.failed);
      return answer.done;
    } catch (error) {
      if (error instanceof NeverEnds) giveUp.abort();
      throw error;
    } finally {
      watch.end();
    }
  }

  /** Rejects when the run has not ended in time: with whose turn it was, and where it was. */
  private watch(
    whereabouts: Whereabouts,
    limitMs: number,
    what: "load" | "run",
  ): { readonly never: Promise<never>; readonly end: () => void } {
    const beganMs = wallNowMs();
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const never = new Promise<never>((_, reject) => {
      const look = (): void => {
        const { threadId } = whereabouts;
        const [sinceMs, mostMs] = threadId === undefined ? [beganMs, LOAD_WALL_MS] : [whereabouts.beganMs, limitMs];
        const leftMs = sinceMs + mostMs - wallNowMs();
        if (leftMs > 0) {
          timer = setTimeout(look, Math.min(leftMs, limitMs));
          return;
        }
        void this.whyNever(whereabouts, mostMs, what).then((error) => {
          if (!isOver) reject(error);
        });
      };
      timer = setTimeout(look, limitMs);
    });
    never.catch(() => undefined);
    const end = (): void => {
      isOver = true;
      clearTimeout(timer);
    };
    return { never, end };
  }

  private async whyNever(whereabouts: Whereabouts, mostMs: number, what: "load" | "run"): Promise<NeverEnds> {
    const { threadId, actor } = whereabouts;
    const seconds = `${(mostMs / 1_000).toFixed(mostMs < 1_000 ? 1 : 0)} s`;
    if (threadId === undefined) return new NeverEnds(undefined, `the file was not loaded within ${seconds}`);
    const stack = await hangStack(threadId, STACK_MS);
    const where = stack === undefined ? "" : `; it is\n${stack}`;
    if (what === "load") {
      const file = pathOf(this.exploration);
      return new NeverEnds(
        undefined,
        `${file} was not loaded within ${seconds} of real time: it never comes to its end${where}`,
      );
    }
    const who = this.nameOf(actor);
    return new NeverEnds(actor, `a run did not end within ${seconds} of real time: ${who} never becomes idle${where}`);
  }

  private nameOf(actor: string | undefined): string {
    if (actor === undefined) return "the simulation";
    if (this.controllers.includes(actor)) return `the controller ${actor}`;
    return actor === EMBEDDER ? "the workload" : `the cluster's ${actor}`;
  }
}

function threadEnded(error: unknown, { actor }: Whereabouts): never {
  const at = actor === undefined ? "" : ` in a turn of ${actor}`;
  throw new InkubeError("CONTROLLER_FAILED", `the thread of a run ended${at}: ${textOf(error)}`, { cause: error });
}
