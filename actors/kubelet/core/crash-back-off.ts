/**
 * Back-off that doubles at each failure and is forgotten after a quiet time of twice its longest pause.
 * @see k8s.io/client-go/util/flowcontrol Backoff, as the kubelet uses it for restarts and pulls
 */
export interface BackOff {
  readonly delayMs: number;
  readonly lastMs: number;
}

export interface BackOffLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

function isForgotten(backOff: BackOff, nowMs: number, limits: BackOffLimits): boolean {
  return nowMs - backOff.lastMs > 2 * limits.maxMs;
}

/** The moment until which to wait after something that failed at `failedMs`, or undefined when it may be tried now. */
export function waitsUntil(
  backOff: BackOff | undefined,
  failedMs: number,
  nowMs: number,
  limits: BackOffLimits,
): number | undefined {
  if (backOff === undefined || isForgotten(backOff, nowMs, limits)) return undefined;
  const untilMs = failedMs + backOff.delayMs;
  return untilMs > nowMs ? untilMs : undefined;
}

/** After another try at `nowMs`. */
export function nextBackOff(backOff: BackOff | undefined, nowMs: number, limits: BackOffLimits): BackOff {
  if (backOff === undefined || isForgotten(backOff, nowMs, limits)) return { delayMs: limits.baseMs, lastMs: nowMs };
  return { delayMs: Math.min(backOff.delayMs * 2, limits.maxMs), lastMs: nowMs };
}
