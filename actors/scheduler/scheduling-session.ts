/**
 * The work of a scheduler from the moment it leads until it stops leading: what it knows lives and dies with the session,
 * so nothing out of date is carried into the next one.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { SchedulingCounts } from "../../protocols/scheduler.ts";
import type { Context, Fields, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import { formatTime } from "../../runtime/clock.ts";
import { claimsOfPod } from "../../protocols/kubernetes/volumes.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import type { Change } from "../client/informer.ts";
import { faultFields } from "../client/faults.ts";
import { Informer } from "../client/informer.ts";
import { nodes, pods } from "../client/resources.ts";
import { SchedulerCache } from "./core/cache.ts";
import { needsPlacing, isTerminal, specChanged } from "./core/eligible.ts";
import type { NodeInfo } from "./core/node-info.ts";
import type { PodInfo } from "./core/pod-info.ts";
import { podInfo } from "./core/pod-info.ts";
import { SchedulingQueue } from "./core/queue.ts";
import type { Decision } from "./core/schedule.ts";
import type { Rejection } from "./core/framework.ts";
import { reject, Scheduling } from "./core/schedule.ts";
import { SchedulerMetrics } from "./scheduler-metrics.ts";
import type { SchedulerOptions } from "./spec.ts";
import type { VolumeBindings } from "./core/volumes/volume-objects.ts";
import { VolumeBinder } from "./volume-binder.ts";

/** Decisions in one go before messages get their turn: some milliseconds' work. */
const DECISIONS_PER_TURN_MAX = 128;

export class SchedulingSession {
  private readonly ctx: Context<SchedulerOptions>;
  private readonly client: Client;
  private readonly recorder: EventRecorder;
  private readonly nodeInformer: Informer<Node>;
  private readonly podInformer: Informer<Pod>;
  private readonly cache = new SchedulerCache();
  private readonly queue: SchedulingQueue;
  private readonly metrics: SchedulerMetrics;
  private readonly volumes: VolumeBinder;
  private readonly scheduling: Scheduling;
  /** Why a pod is to be tried: its creation, or what has changed since no node took it. */
  private readonly causes = new Map<string, Why>();
  private inFlight = 0;
  private bound = 0;
  private faults = 0;
  private ready = false;
  private stopped = false;
  private timer: Timer | undefined;
  private pumpPlanned = false;

  constructor(ctx: Context<SchedulerOptions>, client: Client, recorder: EventRecorder) {
    this.ctx = ctx;
    this.client = client;
    this.recorder = recorder;
    this.queue = new SchedulingQueue(ctx.options.queue);
    this.metrics = new SchedulerMetrics(ctx.metrics, ctx.options.schedulerName, this.queue, this.cache);
    const onFault = (thrown: unknown, key: string): void => this.tellFault("listener threw", key, thrown);
    this.volumes = new VolumeBinder(ctx, client, () => this.retryClaimants(), onFault);
    this.scheduling = new Scheduling(this.volumes.objects);
    this.nodeInformer = new Informer(ctx, client, nodes, {}, undefined, onFault);
    this.podInformer = new Informer(ctx, client, pods, {}, undefined, onFault);
    this.nodeInformer.onChange((change) => this.onNode(change));
    this.podInformer.onChange((change) => this.onPod(change));
  }

  start(): void {
    this.nodeInformer.start();
    this.podInformer.start();
    this.volumes.start();
    this.ctx.spawn(async () => {
      await Promise.all([this.nodeInformer.whenSynced(), this.podInformer.whenSynced(), this.volumes.whenSynced()]);
      this.ready = true;
      this.pump();
    });
  }

  stop(): void {
    this.stopped = true;
    this.metrics.close();
    this.nodeInformer.stop();
    this.podInformer.stop();
    this.volumes.stop();
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
    if (type === "deleted") {
      this.cache.removeNode(object.metadata?.name ?? "");
      return;
    }
    this.retryOn(this.cache.setNode(object));
  }

  private onPod({ type, object, previous }: Change<Pod>): void {
    const { name, namespace, uid } = object.metadata ?? {};
    const key = `${namespace ?? ""}/${name ?? ""}`;
    if (type === "deleted" || isTerminal(object)) {
      this.queue.delete(key);
      this.causes.delete(key);
      this.retryOn(this.nodeOf(this.cache.removePod(key)));
      return;
    }
    if ((object.spec?.nodeName ?? "") !== "") {
      this.queue.delete(key);
      this.causes.delete(key);
      if (this.cache.setPod(object) && previous !== undefined)
        this.retryOn(this.cache.node(object.spec?.nodeName ?? ""));
      return;
    }
    if (!needsPlacing(object, this.ctx.options.schedulerName) || this.cache.isPlaced(key, uid ?? "")) return;
    const isNew = previous === undefined || specChanged(previous, object);
    if (isNew) this.causes.set(key, this.ctx.trace.why());
    this.queue.set(podInfo(object), isNew, this.ctx.clock.monotonicMs());
    this.plan();
  }

  private nodeOf(name: string | undefined): NodeInfo | undefined {
    return name === undefined ? undefined : this.cache.node(name);
  }

  /** Pods that no node took are tried again when the node that changed takes them: the filters are their own hints. */
  private retryOn(node: NodeInfo | undefined): void {
    if (node === undefined) return;
    const why = this.ctx.trace.why();
    const helps = (pod: PodInfo): boolean => {
      const may = this.mayTake(pod, node);
      if (may && why !== "") this.causes.set(pod.key, why);
      return may;
    };
    this.queue.moveWhere(helps, this.ctx.clock.monotonicMs());
    this.plan();
  }

  /** Pods with claims are tried again when something about claims or volumes has changed. */
  private retryClaimants(): void {
    const why = this.ctx.trace.why();
    const helps = (pod: PodInfo): boolean => {
      const may = claimsOfPod(pod.pod).length > 0;
      if (may && why !== "") this.causes.set(pod.key, why);
      return may;
    };
    this.queue.moveWhere(helps, this.ctx.clock.monotonicMs());
    this.plan();
  }

  /** A filter that throws says nothing, so the pod gets its attempt, and the fault is told there. */
  private mayTake(pod: PodInfo, node: NodeInfo): boolean {
    try {
      return reject(pod, node) === undefined;
    } catch {
      return true;
    }
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
    const beganMs = this.ctx.clock.monotonicMs();
    const decision = this.decide(pod);
    const decidedMs = this.ctx.clock.monotonicMs();
    if (decision === undefined) {
      this.metrics.attempted("error", decidedMs - beganMs);
      return this.queue.retry(pod, decidedMs);
    }
    const { node } = decision;
    if (node === undefined) {
      this.metrics.attempted("unschedulable", decidedMs - beganMs);
      this.queue.unschedulable(pod, decidedMs);
      const fields = { nodes: this.cache.nodes.length, ...verdicts(decision.rejections) };
      const told = this.ctx.trace.event("unschedulable", `pods/${pod.key}`, fields, this.causes.get(pod.key));
      this.run(pod, () => this.report(pod, decision.message, told));
      return;
    }
    this.metrics.decided(decidedMs - beganMs);
    this.cache.assume(pod, node);
    this.volumes.objects.assume(decision.volumes, node);
    const fields = { node, feasible: decision.scores.length, ...verdicts(decision.rejections) };
    const scheduled = this.ctx.trace.event("scheduled", `pods/${pod.key}`, fields, this.causes.get(pod.key));
    this.run(pod, () => this.bind(pod, node, decision.volumes, scheduled, beganMs));
  }

  private decide(pod: PodInfo): Decision | undefined {
    try {
      return this.scheduling.decide(pod, this.cache.nodes, this.ctx.random.next());
    } catch (thrown) {
      this.tellFault("a plugin threw", pod.key, thrown);
      return undefined;
    }
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

  private async bind(pod: PodInfo, node: string, volumes: VolumeBindings, why: Why, beganMs: number): Promise<void> {
    const tries = this.queue.triesOf(pod.key);
    const { name, namespace } = pod.pod.metadata ?? {};
    try {
      if (volumes.bind.length + volumes.provision.length > 0) await this.volumes.bind(volumes, node, why);
      await this.client.because(why).bind(namespace ?? "", name ?? "", node, pod.uid);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.metrics.attempted("error", this.ctx.clock.monotonicMs() - beganMs);
      this.cache.forget(pod);
      this.volumes.objects.forget(volumes);
      if (this.stopped) return;
      if (hasReason(error, "NotFound")) this.queue.delete(pod.key);
      else if (this.queue.has(pod.key, pod.uid)) this.queue.retry(pod, this.ctx.clock.monotonicMs());
      this.retryOn(this.cache.node(node));
      this.ctx.log.debug("binding failed", { pod: pod.key, node, error: error.message });
      return;
    }
    this.volumes.objects.forget(volumes);
    this.bound++;
    const nowMs = this.ctx.clock.monotonicMs();
    this.metrics.attempted("scheduled", nowMs - beganMs);
    if (tries !== undefined) this.metrics.scheduled(tries.attempts, nowMs - tries.sinceMs);
    if (this.queue.has(pod.key, pod.uid)) this.queue.delete(pod.key);
    this.recorder
      .because(why)
      .event(typedPod(pod), "Normal", "Scheduled", `Successfully assigned ${pod.key} to ${node}`);
  }

  private async report(pod: PodInfo, message: string, why: Why): Promise<void> {
    this.recorder.because(why).event(typedPod(pod), "Warning", "FailedScheduling", message);
    const { name, namespace } = pod.pod.metadata ?? {};
    const shown = pod.pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (shown?.status === "False" && shown.message === message) return;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: shown?.status === "False" ? shown.lastTransitionTime : formatTime(this.ctx.clock.nowMs()),
    };
    try {
      await this.client.because(why).patch(
        pods,
        name ?? "",
        namespace,
        { status: { conditions: [condition] } },
        {
          patchType: "application/strategic-merge-patch+json",
          subresource: "status",
        },
      );
    } catch (error) {
      // The condition only tells: the next attempt writes it again.
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.debug("condition not written", { pod: pod.key, error: error.message });
    }
  }
}

/** How many nodes each plugin refused, as `NodeResourcesFit=2`. */
function verdicts(rejections: ReadonlyMap<string, Rejection>): Fields {
  const counts: Record<string, number> = {};
  for (const { plugin } of rejections.values()) counts[plugin] = (counts[plugin] ?? 0) + 1;
  return counts;
}

function typedPod(pod: PodInfo): Pod {
  return { apiVersion: "v1", kind: "Pod", ...pod.pod };
}
