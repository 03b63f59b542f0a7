/**
 * The work of a scheduler from the moment it leads until it stops leading: what it knows lives and dies with the session,
 * so nothing out of date is carried into the next one.
 */
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { SchedulingCounts } from "../../protocols/scheduler.ts";
import type { Context, Fields, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { Change } from "../client/informer.ts";
import { faultFields } from "../client/faults.ts";
import { ClusterView } from "./cluster-view.ts";
import { SchedulerCache } from "./core/cache.ts";
import type { ClusterEvent } from "./core/cluster-event.ts";
import { ClusterObjects } from "./core/cluster-objects.ts";
import { needsPlacing, isTerminal, specChanged } from "./core/eligible.ts";
import { mayHelp } from "./core/hints.ts";
import { Nominator } from "./core/nominator.ts";
import type { PodInfo } from "./core/pod-info.ts";
import { podInfo } from "./core/pod-info.ts";
import type { Profile } from "./core/profile.ts";
import { SchedulingQueue } from "./core/queue.ts";
import type { Decision, NoFit, Placement } from "./core/schedule.ts";
import type { Rejection, Snapshot } from "./core/framework.ts";
import { Scheduling } from "./core/schedule.ts";
import { PodBinder } from "./pod-binder.ts";
import { PodReporter } from "./pod-reporter.ts";
import { SchedulerMetrics } from "./scheduler-metrics.ts";
import type { SchedulerOptions } from "./spec.ts";

/** Decisions in one go before messages get their turn: some milliseconds' work. */
const DECISIONS_PER_TURN_MAX = 128;

export class SchedulingSession {
  private readonly ctx: Context<SchedulerOptions>;
  private readonly profiles: ReadonlyMap<string, Profile>;
  private readonly view: ClusterView;
  private readonly snapshot: Snapshot = {
    cache: new SchedulerCache(),
    objects: new ClusterObjects(),
    nominator: new Nominator(),
  };
  private readonly queue: SchedulingQueue;
  private readonly metrics: SchedulerMetrics;
  private readonly scheduling = new Scheduling(this.snapshot);
  private readonly binder: PodBinder;
  private readonly reporter: PodReporter;
  /** Why a pod is to be tried: its creation, or what has changed since no node took it. */
  private readonly causes = new Map<string, Why>();
  private inFlight = 0;
  private bound = 0;
  private faults = 0;
  private ready = false;
  private stopped = false;
  private timer: Timer | undefined;
  private pumpPlanned = false;

  /** `profiles`: the first one's order holds for the queue, as it must be the same for all. */
  constructor(ctx: Context<SchedulerOptions>, client: Client, recorder: EventRecorder, profiles: readonly Profile[]) {
    this.ctx = ctx;
    this.profiles = new Map(profiles.map((profile) => [profile.schedulerName, profile]));
    const [sort] = profiles[0]?.plugins.queueSort ?? [];
    const pause = pauses(ctx.options);
    this.queue = new SchedulingQueue(
      pause,
      sort === undefined ? undefined : (left, right) => sort.queueSort(left, right),
    );
    this.metrics = new SchedulerMetrics(ctx.metrics, ctx.clock, this.queue, this.snapshot.cache);
    this.binder = new PodBinder(ctx, recorder);
    this.reporter = new PodReporter(ctx, client, recorder);
    this.view = new ClusterView(ctx, client, this.snapshot.objects, {
      onNode: (change) => this.onNode(change),
      onPod: (change) => this.onPod(change),
      onObject: (resource) => this.retryAfter({ kind: "object-changed", resource }),
      onFault: (thrown, key) => this.tellFault("listener threw", key, thrown),
    });
  }

  start(): void {
    this.view.start();
    this.ctx.spawn(async () => {
      await this.view.whenSynced();
      this.ready = true;
      this.pump();
    });
  }

  stop(): void {
    this.stopped = true;
    this.metrics.close();
    this.view.stop();
    this.timer?.cancel();
  }

  counts(): SchedulingCounts {
    const { active, backoff, unschedulable } = this.queue.counts();
    return { active, backoff, unschedulable, bound: this.bound, faults: this.faults };
  }

  /** A fault of the program costs the pod or node that it met, and no other: the next leader would meet it again. */
  private tellFault(what: string, key: string, thrown: unknown): void {
    this.faults++;
    this.ctx.log.error(what, { key, ...faultFields(thrown) });
  }

  private onNode({ type, object }: Change<Node>): void {
    const name = object.metadata?.name ?? "";
    if (type === "deleted") {
      this.snapshot.cache.removeNode(name);
      this.retryAfter({ kind: "node-deleted", name });
      return;
    }
    const event = this.snapshot.cache.setNode(object);
    if (event !== undefined) this.retryAfter(event);
  }

  private onPod({ type, object, previous }: Change<Pod>): void {
    const { cache, nominator } = this.snapshot;
    const { name, namespace, uid } = object.metadata ?? {};
    const key = `${namespace ?? ""}/${name ?? ""}`;
    if (type === "deleted" || isTerminal(object)) {
      this.dismiss(key);
      const placed = cache.removePod(key);
      if (placed !== undefined) {
        this.retryAfter({ kind: "pod-deleted", pod: placed.info, node: cache.node(placed.node) });
      }
      return;
    }
    if ((object.spec?.nodeName ?? "") !== "") {
      this.dismiss(key);
      this.onPlaced(object);
      return;
    }
    const profile = this.profiles.get(object.spec?.schedulerName ?? "default-scheduler");
    if (!needsPlacing(object)) this.dismiss(key);
    if (profile === undefined || !needsPlacing(object) || cache.isPlaced(key, uid ?? "")) return;
    const isNew = previous === undefined || specChanged(previous, object);
    if (isNew) this.causes.set(key, this.ctx.trace.why());
    const info = podInfo(object);
    // What has been nominated here shows in the object a little later; that it is not there yet takes nothing back.
    if (info.nominatedNode !== "" || (previous?.status?.nominatedNodeName ?? "") !== "") {
      nominator.set(info, info.nominatedNode);
    }
    this.queue.set(info, isNew, this.ctx.clock.monotonicMs(), this.isGated(profile, info));
    this.plan();
  }

  private onPlaced(pod: Pod): void {
    const { cache } = this.snapshot;
    const change = cache.setPod(pod);
    if (change === undefined) return;
    const { info, previous } = change;
    const node = cache.node(pod.spec?.nodeName ?? "");
    this.retryAfter(
      previous === undefined
        ? { kind: "pod-added", pod: info, node }
        : { kind: "pod-updated", pod: info, previous, node },
    );
  }

  /** Whoever it is, it waits for no node any more. */
  private dismiss(key: string): void {
    this.queue.delete(key);
    this.causes.delete(key);
    this.snapshot.nominator.delete(key);
  }

  /** A plugin that throws holds nothing back: what is wrong shows when the pod has its turn. */
  private isGated({ plugins }: Profile, pod: PodInfo): boolean {
    try {
      return plugins.preEnqueue.some((plugin) => plugin.preEnqueue(pod) !== undefined);
    } catch {
      return false;
    }
  }

  /** Pods that no node took are tried again when a plugin that has rejected them says that this may help. */
  private retryAfter(event: ClusterEvent): void {
    if (this.queue.unplacedCount === 0) return;
    const why = this.ctx.trace.why();
    const helps = (pod: PodInfo, rejectors: ReadonlySet<string>): boolean => {
      const may = this.mayHelp(event, pod, rejectors);
      if (may && why !== "") this.causes.set(pod.key, why);
      return may;
    };
    this.queue.moveWhere(helps, this.ctx.clock.monotonicMs());
    this.plan();
  }

  /** A hint that throws says nothing, so the pod gets its attempt, and the fault is told there. */
  private mayHelp(event: ClusterEvent, pod: PodInfo, rejectors: ReadonlySet<string>): boolean {
    try {
      const profile = this.profileOf(pod);
      return profile !== undefined && mayHelp(event, profile, pod, rejectors, this.snapshot);
    } catch {
      return true;
    }
  }

  private profileOf({ pod }: PodInfo): Profile | undefined {
    return this.profiles.get(pod.spec?.schedulerName ?? "default-scheduler");
  }

  /** Changes of one turn are placed together, after all of them are in. */
  private plan(): void {
    if (this.pumpPlanned) return;
    this.pumpPlanned = true;
    this.ctx.spawn(async () => {
      await Promise.resolve();
      this.pumpPlanned = false;
      this.pump();
    });
  }

  private pump(): void {
    if (!this.ready || this.stopped) return;
    const nowMs = this.ctx.clock.monotonicMs();
    this.queue.advance(nowMs);
    for (
      let decisions = 0;
      this.inFlight < this.ctx.options.inFlightMax && decisions < DECISIONS_PER_TURN_MAX;
      decisions++
    ) {
      const pod = this.queue.take();
      if (pod === undefined) break;
      this.place(pod);
    }
    const next = this.queue.advance(nowMs);
    const overBudget = this.queue.hasActive && this.inFlight < this.ctx.options.inFlightMax;
    this.timer?.cancel();
    if (overBudget) this.timer = this.ctx.clock.after(0, () => this.pump());
    else if (next !== undefined) this.timer = this.ctx.clock.after(next - nowMs, () => this.pump());
  }

  private place(pod: PodInfo): void {
    const profile = this.profileOf(pod);
    if (profile === undefined) return this.queue.delete(pod.key);
    const beganMs = this.ctx.clock.monotonicMs();
    const decision = this.decide(profile, pod);
    const decidedMs = this.ctx.clock.monotonicMs();
    if (decision === undefined) {
      this.metrics.attempted("error", profile.schedulerName, decidedMs - beganMs);
      return this.queue.retry(pod, decidedMs);
    }
    if (decision.node === undefined) {
      this.metrics.attempted("unschedulable", profile.schedulerName, decidedMs - beganMs);
      this.leave(pod, decision);
      return;
    }
    this.metrics.decided(decidedMs - beganMs);
    const { node } = decision;
    this.snapshot.cache.assume(pod, node);
    this.snapshot.nominator.delete(pod.key);
    const fields = { node, feasible: decision.scores.nodes.length, ...verdicts(decision.rejections) };
    const scheduled = this.ctx.trace.event("scheduled", `pods/${pod.key}`, fields, this.causes.get(pod.key));
    this.run(pod, () => this.bind(profile, pod, decision, scheduled, beganMs));
  }

  private decide(profile: Profile, pod: PodInfo): Decision | undefined {
    try {
      const observer = this.metrics.observer(profile.schedulerName);
      return this.scheduling.decide(profile, pod, this.ctx.random.next(), observer);
    } catch (thrown) {
      this.tellFault("a plugin threw", pod.key, thrown);
      return undefined;
    }
  }

  /** No node takes it: it waits, and where room can be made for it that is done. */
  private leave(pod: PodInfo, decision: NoFit): void {
    const { cache, nominator } = this.snapshot;
    const { postFilter, message, rejectors } = decision;
    const victims = (postFilter?.victims ?? []).filter(({ terminating }) => !terminating);
    this.queue.unschedulable(pod, this.ctx.clock.monotonicMs(), rejectors, victims.length > 0);
    const nominated = postFilter?.nominatedNode;
    if (nominated !== undefined) nominator.set(pod, nominated);
    const fields = { nodes: cache.nodes.length, ...verdicts(decision.rejections) };
    const told = this.ctx.trace.event("unschedulable", `pods/${pod.key}`, fields, this.causes.get(pod.key));
    this.run(pod, () => this.reporter.unschedulable(pod, message, nominated, told));
    if (postFilter === undefined || nominated === undefined) return;
    this.metrics.preempting(postFilter.victims?.length ?? 0, postFilter.violations ?? 0);
    if (victims.length === 0) return;
    this.run(pod, () => this.preempt(pod, nominated, victims, told));
  }

  private async preempt(pod: PodInfo, node: string, victims: readonly PodInfo[], why: Why): Promise<void> {
    const beganMs = this.ctx.clock.monotonicMs();
    const { nominator } = this.snapshot;
    // What is less urgent and was to come here may not fit any more, and looks for another place.
    const displaced = [...nominator.on(node)].filter(({ priority }) => priority < pod.priority);
    for (const { key } of displaced) nominator.delete(key);
    const evicted = await this.reporter.preempt(pod, node, victims, displaced, why);
    const nowMs = this.ctx.clock.monotonicMs();
    this.metrics.preempted(evicted, nowMs - beganMs);
    if (this.stopped) return;
    for (const { key } of displaced) this.queue.activate(key);
    this.queue.release(pod, !evicted, nowMs);
  }

  private run(pod: PodInfo, work: () => Promise<void>): void {
    this.inFlight++;
    this.ctx.spawn(async () => {
      try {
        await work();
      } catch (thrown) {
        this.tellFault("scheduling threw", pod.key, thrown);
      }
      this.inFlight--;
      this.pump();
    });
  }

  private async bind(
    profile: Profile,
    pod: PodInfo,
    { node, state }: Placement,
    why: Why,
    beganMs: number,
  ): Promise<void> {
    const tries = this.queue.triesOf(pod.key);
    const outcome = await this.binder.bind(profile, pod, node, state, why);
    const nowMs = this.ctx.clock.monotonicMs();
    if (outcome.kind !== "bound") {
      const result = outcome.kind === "rejected" ? "unschedulable" : "error";
      this.metrics.attempted(result, profile.schedulerName, nowMs - beganMs);
      const placed = this.snapshot.cache.node(node);
      this.snapshot.cache.forget(pod);
      if (this.stopped) return;
      if (outcome.kind === "gone") this.queue.delete(pod.key);
      else if (outcome.kind === "rejected" && this.queue.has(pod.key, pod.uid)) {
        this.queue.unschedulable(pod, nowMs, new Set([outcome.rejection.plugin]));
        await this.reporter.unschedulable(pod, outcome.rejection.reasons.join(", "), undefined, why);
      } else if (this.queue.has(pod.key, pod.uid)) this.queue.retry(pod, nowMs);
      this.retryAfter({ kind: "pod-deleted", pod, node: placed });
      return;
    }
    this.bound++;
    this.metrics.attempted("scheduled", profile.schedulerName, nowMs - beganMs);
    if (tries !== undefined) this.metrics.scheduled(tries.attempts, nowMs - tries.sinceMs);
    if (this.queue.has(pod.key, pod.uid)) this.queue.delete(pod.key);
  }
}

/** How long pods pause, where the configuration says so. */
function pauses({ queue, configuration }: SchedulerOptions): SchedulerOptions["queue"] {
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: most } = configuration;
  return {
    backoffBaseMs: initial === undefined ? queue.backoffBaseMs : initial * 1_000,
    backoffCapMs: most === undefined ? queue.backoffCapMs : most * 1_000,
  };
}

/** How many nodes each plugin refused, as `NodeResourcesFit=2`. */
function verdicts(rejections: ReadonlyMap<string, Rejection>): Fields {
  const counts: Record<string, number> = {};
  for (const { plugin } of rejections.values()) counts[plugin] = (counts[plugin] ?? 0) + 1;
  return counts;
}
