/** The flight recorder of a whole run: every event of every actor in the order it happened, and a digest of all of it. */
import type { TraceEvent } from "../trace/event.ts";
import { formatEvent } from "../trace/event.ts";
import type { MessageKind, TraceSink } from "../trace/recorder.ts";

/** Some hundred megabytes. The digest covers what is dropped as well. */
export const TRACE_EVENTS_MAX = 500_000;

export class TraceLog {
  /** Events that have been recorded, also those that were dropped since. */
  count = 0;
  private readonly eventsMax: number;
  private kept: TraceEvent[] = [];
  private readonly sinks = new Map<string, ActorSink>();
  private readonly listeners = new Set<(event: TraceEvent) => void>();
  private readonly hash = new Digest();

  constructor(eventsMax: number = TRACE_EVENTS_MAX) {
    this.eventsMax = eventsMax;
  }

  /** Where the recorder of an actor writes; the sequence goes on over its incarnations. */
  sink(actor: string): TraceSink {
    let sink = this.sinks.get(actor);
    if (sink === undefined) {
      sink = new ActorSink(actor, (event) => this.add(event));
      this.sinks.set(actor, sink);
    }
    return sink;
  }

  /** Returns how to stop listening. */
  onEvent(listener: (event: TraceEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The newest events, oldest first: all of them up to half of the limit. */
  get events(): readonly TraceEvent[] {
    return this.kept;
  }

  /** Two runs with the same digest have, but for a chance in 2^64, recorded the same. */
  get digest(): string {
    return this.hash.value();
  }

  /** One line an event. */
  text(): string {
    return this.kept.map((event) => `${formatEvent(event)}\n`).join("");
  }

  private add(event: TraceEvent): void {
    this.count++;
    this.hash.add(event);
    this.kept.push(event);
    if (this.kept.length > this.eventsMax) this.kept = this.kept.slice(this.eventsMax >> 1);
    for (const listener of this.listeners) listener(event);
  }
}

class ActorSink implements TraceSink {
  lastSequence = 0;
  lastLamport = 0;
  private readonly actor: string;
  private readonly add: (event: TraceEvent) => void;

  constructor(actor: string, add: (event: TraceEvent) => void) {
    this.actor = actor;
    this.add = add;
  }

  write(event: TraceEvent): void {
    this.lastSequence = event.sequence;
    this.lastLamport = event.lamport;
    this.add(event);
  }

  writeMessage(
    sequence: number,
    lamport: number,
    timeMs: number,
    kind: MessageKind,
    method: string,
    peer: string,
    cause: number,
  ): void {
    const causeText = cause === 0 ? "" : `${peer}#${cause}`;
    this.write({
      actor: this.actor,
      sequence,
      lamport,
      timeMs,
      kind,
      subject: method,
      peer,
      cause: causeText,
      detail: "",
    });
  }
}

/** Two multiplicative hashes of 32 bits over the fields: not against an adversary, but against a difference. */
class Digest {
  private low = 0x811c9dc5;
  private high = 0x9e3779b9;

  add(event: TraceEvent): void {
    this.text(event.actor);
    this.word(event.sequence);
    this.word(event.lamport);
    this.word(event.timeMs / 0x1_0000_0000);
    this.word(event.timeMs);
    this.text(event.kind);
    this.text(event.subject);
    this.text(event.peer);
    this.text(event.cause);
    this.text(event.detail);
  }

  value(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.high) + hex(this.low);
  }

  private text(text: string): void {
    let { low, high } = this;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b) + (high >>> 15);
    }
    this.low = low;
    this.high = high;
    this.word(text.length);
  }

  private word(word: number): void {
    this.low = Math.imul(this.low ^ word, 0x01000193);
    this.high = Math.imul(this.high ^ word, 0x85ebca6b) + (this.high >>> 15);
  }
}
