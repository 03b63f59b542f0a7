/**
 * When a container's probe runs, and what its results mean. Time is monotonic milliseconds.
 * @see k8s.io/kubernetes/pkg/kubelet/prober
 *
 * Unlike there, the first success of a readiness or startup probe is not waited for a whole period: until it comes the
 * probe is also tried eagerly, in a pace that doubles up to its period. Eager failures count for nothing.
 */
import type { Probe } from "../../../protocols/kubernetes/types/core-v1.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProbeTimes {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** With the defaults of the API, for objects that never went through them. */
function timesOf(probe: Probe): ProbeTimes {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1_000,
    periodMs: Math.max(1, probe.periodSeconds ?? 10) * 1_000,
    timeoutMs: Math.max(1, probe.timeoutSeconds ?? 1) * 1_000,
    successThreshold: Math.max(1, probe.successThreshold ?? 1),
    failureThreshold: Math.max(1, probe.failureThreshold ?? 3),
  };
}

export type Verdict = "unknown" | "success" | "failure";

export class ProbeSchedule {
  readonly kind: ProbeKind;
  readonly times: ProbeTimes;
  private readonly eagerMs: number | undefined;
  private regularAtMs: number;
  private eagerAtMs: number;
  private eagerPaceMs: number;
  private inFlight: "regular" | "eager" | undefined;
  private successes = 0;
  private failures = 0;
  private current: Verdict;

  /** `initial`: what is known of a container that was probed before the kubelet started. */
  constructor(kind: ProbeKind, probe: Probe, startedMs: number, eagerMs: number, initial: Verdict = "unknown") {
    this.kind = kind;
    this.times = timesOf(probe);
    this.current = initial;
    this.regularAtMs = startedMs + this.times.initialDelayMs;
    this.eagerMs = kind === "liveness" || initial === "success" ? undefined : eagerMs;
    this.eagerPaceMs = eagerMs;
    this.eagerAtMs = this.eagerMs === undefined ? Number.POSITIVE_INFINITY : this.regularAtMs + eagerMs;
  }

  get verdict(): Verdict {
    return this.current;
  }

  /** When it runs next; infinite while it runs, or has nothing left to find out. */
  get nextAtMs(): number {
    if (this.inFlight !== undefined || this.isDone) return Number.POSITIVE_INFINITY;
    return Math.min(this.regularAtMs, this.eagerAtMs);
  }

  /** A startup probe ends with its first verdict. */
  private get isDone(): boolean {
    return this.kind === "startup" && this.current !== "unknown";
  }

  begin(nowMs: number): void {
    const isRegular = nowMs >= this.regularAtMs;
    this.inFlight = isRegular ? "regular" : "eager";
    if (isRegular) this.regularAtMs = nowMs + this.times.periodMs;
  }

  /** Whether the failure counts: it was tried when its time had come. */
  end(isSuccess: boolean, nowMs: number): boolean {
    const counts = this.inFlight === "regular" || isSuccess;
    this.inFlight = undefined;
    if (isSuccess) {
      this.failures = 0;
      this.successes++;
      if (this.successes >= this.times.successThreshold) {
        this.current = "success";
        this.eagerAtMs = Number.POSITIVE_INFINITY;
      }
      return true;
    }
    if (counts) {
      this.successes = 0;
      this.failures++;
      if (this.failures >= this.times.failureThreshold || (this.kind === "readiness" && this.current === "unknown")) {
        this.current = "failure";
      }
    }
    this.abandon(nowMs);
    return counts;
  }

  /** It could not be carried out: that says nothing about the container. */
  abandon(nowMs: number): void {
    this.inFlight = undefined;
    if (this.eagerAtMs === Number.POSITIVE_INFINITY) return;
    this.eagerAtMs = nowMs + this.eagerPaceMs;
    this.eagerPaceMs = Math.min(this.eagerPaceMs * 2, this.times.periodMs);
  }

  /** The container has changed in a way that makes a success likely: it is asked at once while it has not succeeded yet. */
  poke(nowMs: number): void {
    if (this.eagerAtMs !== Number.POSITIVE_INFINITY && nowMs >= this.eagerAtMs - this.eagerPaceMs)
      this.eagerAtMs = nowMs;
  }
}
