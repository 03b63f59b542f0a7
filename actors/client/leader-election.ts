/**
 * Leader election among actors through a Lease. A candidate keeps one watch on the Lease and one timer. It takes over at
 * once when the runtime tells that the holder's actor is down, else when the Lease expires. A leader that can't renew is
 * told to stop before its Lease can be taken.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Value } from "../../runtime/metrics/metrics.ts";
import { formatMicroTime } from "../../runtime/clock.ts";
import type { Client } from "./client.ts";
import type { ElectionTimings } from "./core/election.ts";
import { Election } from "./core/election.ts";
import { Informer } from "./informer.ts";
import { leases } from "./resources.ts";

export interface LeaderElectionOptions extends ElectionTimings {
  /** Name of the Lease. */
  readonly name: string;
  readonly namespace: string;
  /** The candidate's actor, `ctx.name`, or a name that is its own among several processes. */
  readonly identity: string;
  /** The other candidates' actors, which the spec links to. */
  readonly peers: readonly string[];
  /** Pause after a write that failed. */
  readonly retryMs: number;
}

/**
 * Kubernetes has 15, 2 and 10 s. A leader that dies or hangs is replaced at once, because the runtime tells; the Lease is
 * for one that can't reach the API, so what counts more is that renewals cost little. The fence leaves a margin of 1.5 s.
 */
export const LEADER_ELECTION_DEFAULTS: ElectionTimings & { readonly namespace: string; readonly retryMs: number } = {
  leaseDurationMs: 6_000,
  renewPeriodMs: 2_500,
  renewDeadlineMs: 4_500,
  namespace: "kube-system",
  retryMs: 20,
};

export interface LeaderCallbacks {
  onStartedLeading(): void;
  /** Stop acting on the cluster now: another may lead a moment later. */
  onStoppedLeading(reason: string): void;
}

export class LeaderElector {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly options: LeaderElectionOptions;
  private readonly callbacks: LeaderCallbacks;
  private readonly election: Election;
  private readonly informer: Informer<Lease>;
  private readonly isMaster: Value;
  private timer: Timer | undefined;
  private fence: Timer | undefined;
  private writing = false;
  /** The end of the holder whose place is to be taken. */
  private vacancy: Why | undefined;
  private state: "new" | "running" | "stopped" = "new";

  constructor(
    ctx: Context<unknown>,
    client: Client,
    options: Pick<LeaderElectionOptions, "name" | "identity" | "peers"> & Partial<LeaderElectionOptions>,
    callbacks: LeaderCallbacks,
  ) {
    this.ctx = ctx;
    this.client = client;
    this.options = { ...LEADER_ELECTION_DEFAULTS, ...options };
    this.callbacks = callbacks;
    this.election = new Election(this.options, this.options);
    // Source: component-base `metrics/prometheus/clientgo/leaderelection`.
    const help = "Whether this candidate holds the Lease.";
    this.isMaster = ctx.metrics.gauge("leader_election_master_status", help, ["name"]).of(options.name);
    this.informer = new Informer(ctx, client, leases, {
      namespace: this.options.namespace,
      fieldSelector: `metadata.name=${this.options.name}`,
    });
  }

  get isLeading(): boolean {
    return this.election.isLeading;
  }

  get holder(): string | undefined {
    return this.election.holder;
  }

  start(): void {
    if (this.state !== "new") return;
    this.state = "running";
    const { trace } = this.ctx;
    const startedBy = trace.started;
    for (const peer of this.options.peers) {
      this.ctx.monitor(peer, (down) => {
        if (down.actor === this.election.holder) this.vacancy = trace.why();
        this.election.holderDown(down.actor);
        this.step();
      });
    }
    this.informer.onChange((change) => {
      this.election.observe(change.type === "deleted" ? undefined : change.object, this.ctx.clock.monotonicMs());
      this.step();
    });
    this.informer.start();
    this.ctx.spawn(async () => {
      await this.informer.whenSynced();
      trace.because(startedBy, () => this.step());
    });
  }

  /** Gives the Lease up when it is held, so that the next candidate starts at once. */
  async stop(): Promise<void> {
    if (this.state === "stopped") return;
    this.state = "stopped";
    this.timer?.cancel();
    this.informer.stop();
    if (!this.election.isLeading) return;
    const released = this.election.released(formatMicroTime(this.ctx.clock.nowMs()));
    this.lose("stopped");
    if (released === undefined) return;
    try {
      await this.client.update(leases, released);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.debug("the Lease was not given up", { lease: this.options.name, error: error.message });
    }
  }

  private step(): void {
    if (this.state !== "running" || !this.informer.synced || this.writing) return;
    this.timer?.cancel();
    const nowMs = this.ctx.clock.monotonicMs();
    const step = this.election.next(nowMs, formatMicroTime(this.ctx.clock.nowMs()));
    switch (step.do) {
      case "wait":
        if (step.untilMs !== Infinity) this.wait(step.untilMs - nowMs);
        return;
      case "step-down":
        this.lose(step.reason);
        this.step();
        return;
      case "acquire":
      case "renew":
        this.write(step.lease, nowMs);
        return;
    }
  }

  private wait(forMs: number): void {
    const reason = this.election.isLeading ? "lease renewal" : "lease expiry";
    this.timer = this.ctx.clock.after(
      forMs,
      this.ctx.trace.timer(reason, () => this.step()),
    );
  }

  private write(lease: Lease, sentAtMs: number): void {
    this.writing = true;
    const why = this.vacancy ?? this.ctx.trace.why();
    this.ctx.spawn(async () => {
      try {
        const written = await this.put(lease, why);
        this.wrote(written, sentAtMs, why);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        await this.failed(error);
      } finally {
        this.writing = false;
      }
      this.step();
    });
  }

  private put(lease: Lease, why: Why): Promise<Lease> {
    const client = this.client.because(why);
    return lease.metadata?.resourceVersion === undefined ? client.create(leases, lease) : client.update(leases, lease);
  }

  private wrote(lease: Lease, sentAtMs: number, why: Why): void {
    const leftMs = sentAtMs + this.options.renewDeadlineMs - this.ctx.clock.monotonicMs();
    const started = !this.election.isLeading;
    if (this.state !== "running") return;
    if (leftMs <= 0) return this.election.observe(lease, this.ctx.clock.monotonicMs());
    this.election.wrote(lease, sentAtMs);
    this.fence?.cancel();
    // On its own timer: a renewal under way does not keep a leader from noticing that its time is up.
    this.fence = this.ctx.clock.after(leftMs, () => this.lose("the Lease could not be renewed in time"));
    if (!started) return;
    this.ctx.log.info("leading", { lease: this.options.name });
    this.vacancy = undefined;
    this.isMaster.set(1);
    const { trace } = this.ctx;
    const elected = trace.event("leader-elected", `leases/${this.options.namespace}/${this.options.name}`, {}, why);
    trace.because(elected, () => this.callbacks.onStartedLeading());
  }

  private async failed(error: InkubeError): Promise<void> {
    const { clock } = this.ctx;
    this.election.failed(clock.monotonicMs(), this.options.retryMs);
    if (!hasReason(error, "Conflict", "AlreadyExists", "NotFound")) return;
    try {
      const lease = await this.client.find(leases, this.options.name, this.options.namespace);
      this.election.observe(lease, clock.monotonicMs());
    } catch (failure) {
      if (!(failure instanceof InkubeError)) throw failure;
    }
  }

  private lose(reason: string): void {
    this.fence?.cancel();
    if (!this.election.isLeading) return;
    this.election.stepDown();
    this.isMaster.set(0);
    this.ctx.log.warn("no longer leading", { lease: this.options.name, reason });
    this.callbacks.onStoppedLeading(reason);
  }
}
