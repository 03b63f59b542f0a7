/**
 * Who leads, decided from a Lease that all candidates watch. Times are the candidate's own monotonic ones: a Lease has
 * expired when it has not changed for its duration as seen here, whatever the clocks of others say.
 *
 * @see k8s.io/client-go/tools/leaderelection, whose rules these are; that a dead holder is told of and replaced at once is ours
 */
import type { Lease } from "../../../protocols/kubernetes/types/coordination-v1.ts";

export interface ElectionTimings {
  /** How long a Lease holds without a renewal. */
  readonly leaseDurationMs: number;
  /** Pause between renewals. */
  readonly renewPeriodMs: number;
  /** A leader that could not renew for this long stops leading; must be shorter than the Lease holds. */
  readonly renewDeadlineMs: number;
}

/**
 * What to do now: write the Lease (`acquire` and `renew` carry what to write), stop leading, or wait until a time.
 * `waitUntilMs` Infinity: until the Lease changes.
 */
export type ElectionStep =
  | { readonly do: "acquire"; readonly lease: Lease }
  | { readonly do: "renew"; readonly lease: Lease }
  | { readonly do: "step-down"; readonly reason: string }
  | { readonly do: "wait"; readonly untilMs: number };

export interface ElectionIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Name of the candidate's actor. */
  readonly identity: string;
}

export class Election {
  private readonly id: ElectionIdentity;
  private readonly timings: ElectionTimings;
  private lease: Lease | undefined;
  /** When `lease` was seen to change. */
  private observedAtMs = 0;
  /** Holders that are known to be down since they last renewed. */
  private readonly down = new Set<string>();
  private leading = false;
  private renewedAtMs = 0;
  private nextTryAtMs = 0;

  constructor(id: ElectionIdentity, timings: ElectionTimings) {
    if (timings.renewDeadlineMs >= timings.leaseDurationMs)
      throw new Error("renewDeadlineMs must be below leaseDurationMs");
    this.id = id;
    this.timings = timings;
  }

  get isLeading(): boolean {
    return this.leading;
  }

  get holder(): string | undefined {
    const holder = this.lease?.spec?.holderIdentity;
    return holder === "" ? undefined : holder;
  }

  /**
   * The Lease as a watch or a read shows it; undefined when there is none. What is older than what is known changes
   * nothing: resource versions of one resource can be compared (KEP-5504).
   */
  observe(lease: Lease | undefined, nowMs: number): void {
    if (lease !== undefined && this.lease !== undefined && revisionOf(lease) <= revisionOf(this.lease)) return;
    const startedAnew = lease?.spec?.acquireTime !== this.lease?.spec?.acquireTime;
    this.lease = lease;
    this.observedAtMs = nowMs;
    const holder = this.holder;
    // A renewal that was under way when its sender died proves nothing; a new acquisition does: the holder is back.
    if (holder !== undefined && startedAnew) this.down.delete(holder);
  }

  /** The actor of that name went down. */
  holderDown(identity: string): void {
    this.down.add(identity);
  }

  /** The write of an `acquire` or `renew` step succeeded; `sentAtMs`: when it was sent, from which the Lease counts. */
  wrote(lease: Lease, sentAtMs: number): void {
    this.lease = lease;
    this.observedAtMs = sentAtMs;
    this.renewedAtMs = sentAtMs;
    this.leading = true;
  }

  /** The write failed; another try is due after a pause. */
  failed(nowMs: number, pauseMs: number): void {
    this.nextTryAtMs = nowMs + pauseMs;
  }

  stepDown(): void {
    this.leading = false;
  }

  /** `wallMs` is what a written Lease shows to people. */
  next(nowMs: number, wall: string): ElectionStep {
    return this.leading ? this.nextAsLeader(nowMs, wall) : this.nextAsStandby(nowMs, wall);
  }

  /** The Lease given up, for a leader that stops in good order: the next candidate needs not wait. */
  released(wall: string): Lease | undefined {
    if (this.lease === undefined || this.holder !== this.id.identity) return undefined;
    return {
      ...this.lease,
      spec: { ...this.lease.spec, holderIdentity: "", renewTime: wall, leaseDurationSeconds: 1 },
    };
  }

  private nextAsLeader(nowMs: number, wall: string): ElectionStep {
    const holder = this.holder;
    if (holder !== this.id.identity) return { do: "step-down", reason: `the Lease is held by ${holder ?? "no one"}` };
    const fenceAtMs = this.renewedAtMs + this.timings.renewDeadlineMs;
    if (nowMs >= fenceAtMs) return { do: "step-down", reason: "the Lease could not be renewed in time" };
    const renewAtMs = Math.max(this.renewedAtMs + this.timings.renewPeriodMs, this.nextTryAtMs);
    if (nowMs < renewAtMs) return { do: "wait", untilMs: Math.min(renewAtMs, fenceAtMs) };
    return { do: "renew", lease: { ...this.lease, spec: { ...this.lease?.spec, renewTime: wall } } };
  }

  private nextAsStandby(nowMs: number, wall: string): ElectionStep {
    const free = this.freeAtMs();
    const atMs = Math.max(free, this.nextTryAtMs);
    return nowMs < atMs ? { do: "wait", untilMs: atMs } : { do: "acquire", lease: this.acquired(wall) };
  }

  /** When the Lease may be taken: -Infinity for at once. */
  private freeAtMs(): number {
    const holder = this.holder;
    if (holder === undefined || holder === this.id.identity || this.down.has(holder)) return -Infinity;
    const durationMs = (this.lease?.spec?.leaseDurationSeconds ?? 0) * 1_000 || this.timings.leaseDurationMs;
    return this.observedAtMs + durationMs;
  }

  private acquired(wall: string): Lease {
    const held = this.lease?.spec;
    const resumed = held?.holderIdentity === this.id.identity;
    const transitions = held?.leaseTransitions ?? 0;
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      ...this.lease,
      metadata: { ...this.lease?.metadata, name: this.id.name, namespace: this.id.namespace },
      spec: {
        ...held,
        holderIdentity: this.id.identity,
        leaseDurationSeconds: Math.ceil(this.timings.leaseDurationMs / 1_000),
        // New for a resumed Lease too: it tells the peers that a holder they saw die is back.
        acquireTime: wall,
        renewTime: wall,
        leaseTransitions: this.lease === undefined || resumed ? transitions : transitions + 1,
      },
    };
  }
}

function revisionOf(lease: Lease): number {
  return Number(lease.metadata?.resourceVersion ?? 0);
}
