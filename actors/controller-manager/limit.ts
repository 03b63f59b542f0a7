/** Bounds on writes under way. */
import type { InkubeError } from "../../protocols/errors.ts";

/** At most `max` pieces of work at a time; the others wait in order. */
export class Limit {
  private readonly max: number;
  private active = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(max: number) {
    this.max = max;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.active >= this.max) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.active++;
    try {
      return await work();
    } finally {
      // The place goes straight to the next one that waits.
      const next = this.waiting.shift();
      if (next === undefined) this.active--;
      else next();
    }
  }
}

/**
 * Does the work `count` times in batches of 1, 2, 4, … and stops after a batch with a failure, so that what can't
 * succeed (a quota, a bad template) costs few requests. `work` answers with its error, or undefined.
 *
 * @see slowStartBatch in k8s.io/kubernetes/pkg/controller/replicaset
 */
export async function slowStart(
  count: number,
  limit: Limit,
  work: () => Promise<InkubeError | undefined>,
): Promise<{ readonly done: number; readonly error: InkubeError | undefined }> {
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const outcomes = await Promise.all(Array.from({ length: Math.min(batch, count - done) }, () => limit.run(work)));
    const errors = outcomes.filter((outcome) => outcome !== undefined);
    done += outcomes.length - errors.length;
    if (errors.length > 0) return { done, error: errors[0] };
  }
  return { done, error: undefined };
}
