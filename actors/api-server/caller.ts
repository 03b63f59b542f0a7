/** Who waits for an answer, as far as those need to know who ask others on their behalf. */
import { InkubeError } from "../../protocols/errors.ts";

/** Where a request came from. */
interface Source {
  /** They have gone, or have their answer. */
  readonly closed: boolean;
  /** Runs `listener` when they go. */
  onClose(listener: () => void): void;
}

export class Caller {
  private readonly source: Source;
  private listeners: Set<() => void> | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  /**
   * Listened to once, however much is waited for.
   * @returns how to stop it
   */
  whenGone(listener: () => void): () => void {
    if (this.source.closed) {
      listener();
      return () => undefined;
    }
    let { listeners } = this;
    if (listeners === undefined) {
      const all = new Set<() => void>();
      this.listeners = listeners = all;
      this.source.onClose(() => {
        for (const each of all) each();
      });
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}

/**
 * @param caller absent: it is waited for to the end
 * Errors: CANCELLED, of which nobody is told, as soon as the caller has gone, whatever becomes of `work`.
 */
export async function whileHere<T>(work: Promise<T>, caller: Caller | undefined): Promise<T> {
  if (caller === undefined) return work;
  let stay = (): void => undefined;
  const left = new Promise<never>((_resolve, reject) => {
    stay = caller.whenGone(() => reject(new InkubeError("CANCELLED", "context canceled")));
  });
  try {
    return await Promise.race([work, left]);
  } finally {
    stay();
  }
}
