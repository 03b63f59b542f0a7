/**
 * Events about objects, written beside the work: the caller never waits, never fails because of them, and when the API
 * server can't keep up the oldest that wait are dropped.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Event, ObjectReference } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import { formatTime } from "../../runtime/clock.ts";
import type { Client } from "./client.ts";
import type { EventSlot } from "./core/event-aggregation.ts";
import { EventAggregation } from "./core/event-aggregation.ts";
import { events } from "./resources.ts";

export type EventType = "Normal" | "Warning";

export interface EventRecorderOptions {
  /** Events that may wait to be written; client-go: 1,000. */
  readonly waitingMax: number;
  /** Events being written at a time: they must not crowd out the work that they tell of. */
  readonly inFlightMax: number;
  /** The least time between two writes of one event: one that comes often is counted, not written, each time. */
  readonly countPauseMs: number;
  /** The node of a kubelet's events. */
  readonly host?: string;
}

export const EVENT_RECORDER_DEFAULTS: EventRecorderOptions = { waitingMax: 1_000, inFlightMax: 8, countPauseMs: 1_000 };

interface Waiting {
  readonly involved: ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  readonly slot: EventSlot;
  readonly firstTime: string;
  readonly why: Why;
}

/** Where events about objects are told. */
export type EventSink = Pick<EventRecorder, "event">;

export class EventRecorder {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly component: string;
  private readonly options: EventRecorderOptions;
  private readonly aggregation = new EventAggregation();
  private readonly waiting: Waiting[] = [];
  private inFlight = 0;
  private dropped = 0;

  constructor(ctx: Context<unknown>, client: Client, component: string, options: Partial<EventRecorderOptions> = {}) {
    this.ctx = ctx;
    this.client = client;
    this.component = component;
    this.options = { ...EVENT_RECORDER_DEFAULTS, ...options };
  }

  /** `fieldPath`: the part of the object it is about, as `spec.containers{web}`. The object needs `kind` and `apiVersion`. */
  event(object: KubernetesObject, type: EventType, reason: string, message: string, fieldPath?: string): void {
    const reference = referenceTo(object, fieldPath);
    const key = {
      involvedUid: reference.uid ?? "",
      involved: `${reference.kind}/${reference.namespace ?? ""}/${reference.name}/${fieldPath ?? ""}`,
      type,
      reason,
    };
    const slot = this.aggregation.take(key, message, this.ctx.clock.monotonicMs());
    if (slot.busy) return;
    slot.busy = true;
    const firstTime = formatTime(this.ctx.clock.nowMs());
    this.enqueue({ involved: reference, type, reason, slot, firstTime, why: this.ctx.trace.why() });
  }

  /** The same for what is told because of `why`, however many `await`s later. */
  because(why: Why): EventSink {
    return { event: (...told) => this.ctx.trace.because(why, () => this.event(...told)) };
  }

  private enqueue(item: Waiting): void {
    this.waiting.push(item);
    if (this.waiting.length > this.options.waitingMax) {
      const oldest = this.waiting.shift();
      if (oldest !== undefined) oldest.slot.busy = false;
      this.dropped++;
      if (this.dropped % 100 === 1) this.ctx.log.warn("events dropped", { dropped: this.dropped });
    }
    this.pump();
  }

  private pump(): void {
    while (this.inFlight < this.options.inFlightMax && this.waiting.length > 0) {
      this.inFlight++;
      this.ctx.spawn(() => this.drain());
    }
  }

  private async drain(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      try {
        await this.write(next);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        // An event tells of the work, it is not the work: its loss is logged and changes nothing.
        this.ctx.log.debug("event not written", { reason: next.reason, error: error.message });
      }
      this.afterwards(next);
    }
    this.inFlight--;
  }

  /** What was counted meanwhile is written after a pause; else the event rests. */
  private afterwards(item: Waiting): void {
    const { slot } = item;
    if (!slot.dirty) {
      slot.busy = false;
      return;
    }
    this.ctx.clock.after(this.options.countPauseMs, () => this.enqueue(item));
  }

  private async write(item: Waiting): Promise<void> {
    const { slot } = item;
    const namespace = item.involved.namespace ?? "default";
    const client = this.client.because(item.why);
    const { name, count, message } = slot;
    slot.dirty = false;
    if (name === undefined) return this.create(item, namespace);
    try {
      const lastTimestamp = formatTime(this.ctx.clock.nowMs());
      await client.patch(events, name, namespace, { count, lastTimestamp, message });
    } catch (error) {
      // It has outlived its time: it is made anew.
      if (!hasReason(error, "NotFound")) throw error;
      await this.create(item, namespace);
    }
  }

  private async create({ involved, type, reason, slot, firstTime, why }: Waiting, namespace: string): Promise<void> {
    const name = `${involved.name ?? "object"}.${this.ctx.ids.suffix(16)}`;
    const { host } = this.options;
    const { count, message } = slot;
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: involved,
      type,
      reason,
      message,
      count,
      firstTimestamp: firstTime,
      lastTimestamp: formatTime(this.ctx.clock.nowMs()),
      source: host === undefined ? { component: this.component } : { component: this.component, host },
      reportingComponent: this.component,
      reportingInstance: this.ctx.name,
    };
    await this.client.because(why).create(events, event);
    slot.name = name;
  }
}

export function referenceTo(object: KubernetesObject, fieldPath?: string): ObjectReference {
  const { metadata } = object;
  return {
    ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
    ...(object.kind === undefined ? {} : { kind: object.kind }),
    ...(metadata?.name === undefined ? {} : { name: metadata.name }),
    ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(metadata?.uid === undefined ? {} : { uid: metadata.uid }),
    ...(metadata?.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
