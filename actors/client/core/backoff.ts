/** Exponential back-off with a cap: `baseMs * 2^failures`, never more than `capMs`. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The pause before the next try after `failures` (0 for the first) failed ones. */
export function backoffMs(failures: number, options: BackoffOptions): number {
  return failures > 30 ? options.capMs : Math.min(options.capMs, options.baseMs * 2 ** failures);
}
