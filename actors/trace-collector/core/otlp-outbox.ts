/**
 * What of a running trace is to be sent to an OpenTelemetry collector, and when. Pure: time and answers come in, batches go out.
 * Events wait a moment, so that what they cause right away is known; then all that happened goes, and of messages those that
 * something came of. It has a bound: while nobody takes anything the oldest goes, and is counted.
 * @see OTLP specification, "OTLP/HTTP response" and "Retryable response codes"
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { MESSAGES } from "./events.ts";

export interface OutboxLimits {
  /** How long an event waits for what it causes. */
  readonly settleMs: number;
  /** Messages that are remembered in case that something comes of them. */
  readonly messagesMax: number;
  /** Events that wait. */
  readonly readyMax: number;
  readonly batchMax: number;
  /** The first pause after a failure, doubled with each, up to the longest. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
}

/** A second is soon enough for who looks; a busy cluster makes 20,000 such events, and 100,000 messages, in some seconds. */
export const OUTBOX_LIMITS: OutboxLimits = {
  settleMs: 1_000,
  messagesMax: 100_000,
  readyMax: 20_000,
  batchMax: 1_000,
  pauseMs: 1_000,
  pauseMsMax: 30_000,
};

export type OtlpAnswer =
  | { readonly outcome: "taken"; readonly rejected: number }
  /** It takes nothing now. `afterMs`: when it wants to be asked again, if it said so. */
  | { readonly outcome: "busy"; readonly why: string; readonly afterMs?: number }
  /** It will never take that. */
  | { readonly outcome: "refused"; readonly why: string };

export class OtlpOutbox {
  /** What was not sent for want of room, or was refused. */
  dropped = 0;
  private readonly limits: OutboxLimits;
  /** Of which nothing has come yet, the oldest first. */
  private readonly messages = new Map<string, TraceEvent>();
  private waiting: { readonly event: TraceEvent; readonly sinceMs: number }[] = [];
  private ready: TraceEvent[] = [];
  private underWay = 0;
  private failures = 0;
  private pauseUntilMs = -Infinity;

  constructor(limits: OutboxLimits = OUTBOX_LIMITS) {
    this.limits = limits;
  }

  get size(): number {
    return this.ready.length;
  }

  /** @param events in causal order */
  take(events: readonly TraceEvent[], nowMs: number): void {
    for (const event of events) {
      if (MESSAGES.has(event.kind)) this.messages.set(nameOf(event), event);
      // Causes before effects: the trace that a span belongs to is its cause's.
      else
        for (const each of [...this.messagesBefore(event), event]) this.waiting.push({ event: each, sinceMs: nowMs });
    }
    for (const name of this.messages.keys()) {
      if (this.messages.size <= this.limits.messagesMax) break;
      this.messages.delete(name);
    }
    this.settle(nowMs);
  }

  /** Nothing is waited for any more. */
  settleAll(): void {
    this.settle(Infinity);
  }

  /** What to send now; undefined: nothing, or not yet. It stays until it is answered for. */
  next(nowMs: number): readonly TraceEvent[] | undefined {
    this.settle(nowMs);
    if (this.underWay > 0 || this.ready.length === 0 || nowMs < this.pauseUntilMs) return undefined;
    this.underWay = Math.min(this.ready.length, this.limits.batchMax);
    return this.ready.slice(0, this.underWay);
  }

  /** @param chance in [0, 1): spreads the pauses of many senders */
  answered(answer: OtlpAnswer, nowMs: number, chance: number): void {
    const count = this.underWay;
    this.underWay = 0;
    switch (answer.outcome) {
      case "taken":
      case "refused":
        this.ready.splice(0, count);
        this.dropped += answer.outcome === "taken" ? answer.rejected : count;
        this.failures = 0;
        break;
      case "busy": {
        const { pauseMs, pauseMsMax } = this.limits;
        const pause = Math.min(pauseMs * 2 ** this.failures++, pauseMsMax);
        this.pauseUntilMs = nowMs + (answer.afterMs ?? pause * (0.5 + chance / 2));
        break;
      }
    }
    this.bound();
  }

  /** Of what it came of, the messages that are remembered; they need not be any more. */
  private messagesBefore(event: TraceEvent): readonly TraceEvent[] {
    const chain: TraceEvent[] = [];
    for (let name = event.cause, at = this.messages.get(name); at !== undefined; at = this.messages.get(name)) {
      this.messages.delete(name);
      chain.unshift(at);
      name = at.cause;
    }
    return chain;
  }

  private settle(nowMs: number): void {
    const { settleMs, readyMax } = this.limits;
    let settled = 0;
    for (const { event, sinceMs } of this.waiting) {
      if (nowMs - sinceMs < settleMs && this.waiting.length - settled <= readyMax) break;
      this.ready.push(event);
      settled++;
    }
    this.waiting = this.waiting.slice(settled);
    this.bound();
  }

  /** What is under way is not taken from beneath. */
  private bound(): void {
    const over = this.ready.length - this.limits.readyMax;
    if (over <= 0 || this.underWay > 0) return;
    this.ready.splice(0, over);
    this.dropped += over;
  }
}
