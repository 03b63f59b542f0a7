/**
 * Events about objects, written beside the work: the caller never waits, never fails because of them, and when the API
 * server can't keep up the oldest that wait are dropped.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Event, ObjectReference } from "../../protocols/kubernetes/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { formatTime } from "../../runtime/clock.ts";
import type { Client } from "./client.ts";
import type { EventSlot, EventWrite } from "./core/event-aggregation.ts";
import { EventAggregation } from "./core/event-aggregation.ts";
import { events } from "./resources.ts";

export type EventType = "Normal" | "Warning";

export interface EventRecorderOptions {
  /** Events that may wait to be written; client-go: 1,000. */
  readonly waitingMax: number;
  /** Events being written at a time: they must not crowd out the work that they tell of. */
  readonly inFlightMax: number;
  /** The node of a kubelet's events. */
  readonly host?: string;
}

export const EVENT_RECORDER_DEFAULTS: EventRecorderOptions = { waitingMax: 1_000, inFlightMax: 8 };

interface Waiting {
  readonly involved: ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  readonly write: EventWrite;
  readonly time: string;
}

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
    const write = this.aggregation.take(key, message, this.ctx.clock.monotonicMs());
    this.waiting.push({ involved: reference, type, reason, write, time: formatTime(this.ctx.clock.nowMs()) });
    if (this.waiting.length > this.options.waitingMax) {
      this.waiting.shift();
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
    }
    this.inFlight--;
  }

  private async write(item: Waiting): Promise<void> {
    const { slot } = item.write;
    const namespace = item.involved.namespace ?? "default";
    // A count that overtakes the creation of its event makes the event itself.
    if (item.write.do === "count" && slot.name !== undefined) {
      try {
        const patch = { count: item.write.count, lastTimestamp: item.time, message: item.write.message };
        await this.client.patch(events, slot.name, namespace, patch);
        return;
      } catch (error) {
        if (!hasReason(error, "NotFound")) throw error;
      }
    }
    await this.create(item, slot, namespace);
  }

  private async create(item: Waiting, slot: EventSlot, namespace: string): Promise<void> {
    const name = `${item.involved.name ?? "object"}.${this.ctx.ids.suffix(16)}`;
    slot.name = name;
    const { host } = this.options;
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: item.involved,
      type: item.type,
      reason: item.reason,
      message: item.write.message,
      count: item.write.do === "count" ? item.write.count : 1,
      firstTimestamp: item.time,
      lastTimestamp: item.time,
      source: host === undefined ? { component: this.component } : { component: this.component, host },
      reportingComponent: this.component,
      reportingInstance: this.ctx.name,
    };
    await this.client.create(events, event);
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
