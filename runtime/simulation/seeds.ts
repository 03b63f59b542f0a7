/**
 * Runs many seeds of a simulation on several threads. Each seed is a task of its own for a pool; which thread takes it
 * makes no difference to what it does.
 */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { InkubeError } from "../../protocols/errors.ts";

export interface RunSeedsOptions {
  readonly seeds: readonly number[];
  /** A built file whose default export is called with a `SeedTask` and returns, or resolves with, the result of the seed. */
  readonly file: string;
  /** Passed to every task; plain data. */
  readonly options?: unknown;
  /** Threads; default: as many as the machine can run, less one for everybody else. */
  readonly jobs?: number;
  /** After the first failing seed no further seed is begun. Default true. */
  readonly stopAtFailure?: boolean;
  /** Told of each seed as it ends, in the order in which they end. */
  readonly onResult?: (result: SeedResult<unknown>) => void;
  readonly signal?: AbortSignal;
}

export interface SeedTask {
  readonly seed: number;
  readonly options: unknown;
}

export type SeedResult<T> =
  | { readonly seed: number; readonly ok: true; readonly value: T }
  | { readonly seed: number; readonly ok: false; readonly error: Error };

export interface SeedsOutcome<T> {
  /** In the order of `seeds`; after a failure some of them may be missing. */
  readonly results: readonly SeedResult<T>[];
  /** The failing seed that comes first in `seeds`. */
  readonly firstFailure: (SeedResult<T> & { readonly ok: false }) | undefined;
}

/** Errors: INVALID_ARGUMENT; CANCELLED when `signal` is aborted. What a seed throws is its result. */
export async function runSeeds<T>(options: RunSeedsOptions): Promise<SeedsOutcome<T>> {
  const { seeds, file, signal, stopAtFailure = true } = options;
  const jobs = options.jobs ?? Math.max(1, availableParallelism() - 1);
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new InkubeError("INVALID_ARGUMENT", "jobs: a whole number from 1");
  const pool = new Piscina({ filename: file, minThreads: 1, maxThreads: Math.min(jobs, Math.max(1, seeds.length)) });
  const results = new Map<number, SeedResult<T>>();
  let next = 0;
  let failed = false;
  const gaveUp = (): boolean => signal?.aborted === true;
  const isOver = (): boolean => (failed && stopAtFailure) || gaveUp();
  const work = async (): Promise<void> => {
    while (next < seeds.length && !isOver()) {
      const index = next++;
      const seed = seeds[index]!;
      const task: SeedTask = { seed, options: options.options };
      const result = await pool.run(task, signal === undefined ? {} : { signal }).then(
        (value: T): SeedResult<T> => ({ seed, ok: true, value }),
        (error: unknown): SeedResult<T> => ({ seed, ok: false, error: error as Error }),
      );
      if (gaveUp()) return;
      results.set(index, result);
      failed ||= !result.ok;
      options.onResult?.(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    await pool.destroy();
  }
  if (gaveUp()) throw new InkubeError("CANCELLED", "the run of seeds was given up");
  const ordered = [...results].sort(([left], [right]) => left - right).map(([, result]) => result);
  return { results: ordered, firstFailure: ordered.find((result) => !result.ok) };
}
