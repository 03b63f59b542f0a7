/**
 * Runs many seeds of a simulation on several threads. Each seed is a task of its own for a pool; which thread takes it
 * makes no difference to what it does.
 */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { InkubeError } from "../../protocols/errors.ts";
import { SeededRandom } from "../random.ts";

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
  /**
   * Runs some seeds twice, and fails those of which the second run has another digest: the simulation itself is broken
   * then. Default: a twentieth of the seeds (as FoundationDB does), when results have a `digest`.
   */
  readonly selfCheck?: SelfCheck;
}

export interface SelfCheck {
  /** From 0 for none to 1 for all; the first seed is among them whenever it is above 0. */
  readonly share?: number;
  /** Equal for equal runs; undefined when a result has none. Default: the result's own `digest`. */
  readonly digestOf?: (value: unknown) => string | undefined;
}

/** A share of the seeds to be run twice. */
export const SELF_CHECK_SHARE = 0.05;

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
  /** How many seeds were run twice. */
  readonly checked: number;
}

/** Errors: INVALID_ARGUMENT; CANCELLED when `signal` is aborted. What a seed throws is its result. */
export async function runSeeds<T>(options: RunSeedsOptions): Promise<SeedsOutcome<T>> {
  const { seeds, file, signal, stopAtFailure = true } = options;
  const jobs = options.jobs ?? Math.max(1, availableParallelism() - 1);
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new InkubeError("INVALID_ARGUMENT", "jobs: a whole number from 1");
  const pool = new Piscina({ filename: file, minThreads: 1, maxThreads: Math.min(jobs, Math.max(1, seeds.length)) });
  const { share = SELF_CHECK_SHARE, digestOf = ownDigest } = options.selfCheck ?? {};
  const results = new Map<number, SeedResult<T>>();
  let checked = 0;
  let next = 0;
  let failed = false;
  const gaveUp = (): boolean => signal?.aborted === true;
  const isOver = (): boolean => (failed && stopAtFailure) || gaveUp();
  const work = async (): Promise<void> => {
    while (next < seeds.length && !isOver()) {
      const index = next++;
      const seed = seeds[index]!;
      const task: SeedTask = { seed, options: options.options };
      const runOnce = (): Promise<SeedResult<T>> =>
        pool.run(task, signal === undefined ? {} : { signal }).then(
          (value: T): SeedResult<T> => ({ seed, ok: true, value }),
          (error: unknown): SeedResult<T> => ({ seed, ok: false, error: error as Error }),
        );
      let result = await runOnce();
      if (result.ok && !gaveUp() && isChecked(index, seed, share) && digestOf(result.value) !== undefined) {
        const again = await runOnce();
        checked++;
        if (!again.ok || digestOf(again.value) !== digestOf(result.value)) result = diverged(result, again, digestOf);
      }
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
  return { results: ordered, firstFailure: ordered.find((result) => !result.ok), checked };
}

/** Which seeds are run twice depends on the seeds alone, so that a run of seeds can be repeated. */
function isChecked(index: number, seed: number, share: number): boolean {
  return share > 0 && (index === 0 || new SeededRandom(seed, "self-check").next() < share);
}

function ownDigest(value: unknown): string | undefined {
  const digest = (value as { readonly digest?: unknown } | null | undefined)?.digest;
  return typeof digest === "string" ? digest : undefined;
}

function diverged<T>(
  first: SeedResult<T> & { readonly ok: true },
  second: SeedResult<T>,
  digestOf: (value: unknown) => string | undefined,
): SeedResult<T> {
  const how = second.ok ? `digest ${digestOf(second.value)}` : `the failure: ${second.error.message}`;
  const message = `seed ${first.seed} does not repeat itself: first digest ${digestOf(first.value)}, then ${how}`;
  return { seed: first.seed, ok: false, error: new InkubeError("SIMULATION_DIVERGED", message) };
}
