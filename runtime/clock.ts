/** Time as an actor sees it: the machine's on threads, virtual in the simulation. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump; use it for what is shown or stored. */
  nowMs(): number;
  /** Milliseconds since some fixed moment, with fractions. Never goes back; use it for durations and deadlines. */
  monotonicMs(): number;
  /** Runs `action` once, `delayMs` from now. What it throws kills the actor. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` every `periodMs`, the first time one period from now. */
  every(periodMs: number, action: () => void): Timer;
  /** Resolves `delayMs` from now. */
  sleep(delayMs: number): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

/** `epochMs` as Kubernetes writes times: RFC 3339 in UTC, whole seconds. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19) + "Z";
}

/** `epochMs` as Kubernetes' MicroTime: RFC 3339 in UTC with six decimals. */
export function formatMicroTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 23) + "000Z";
}
