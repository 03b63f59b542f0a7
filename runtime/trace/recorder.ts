/** Records what happens to one actor, and keeps its Lamport clock and what is being handled now. */
import type { Cause, Fields, Mark, Why } from "../actor.ts";
import type { Clock } from "../clock.ts";
import type { WireCause } from "../frame.ts";
import type { TraceEvent } from "./event.ts";

export type MessageKind = "call" | "cast" | "stream";

/** Where events go: a ring in shared memory on threads, a list in the simulation. */
export interface TraceSink {
  /** Of the newest record, also of an earlier incarnation's; 0 before the first. */
  readonly lastSequence: number;
  readonly lastLamport: number;
  write(event: TraceEvent): void;
  /**
   * As `write`, for a message whose cause is known by number: event `cause` of `peer`, 0 for none. Of these there are a
   * million a second, so nothing is made of them before somebody reads.
   */
  writeMessage(
    sequence: number,
    lamport: number,
    timeMs: number,
    kind: MessageKind,
    method: string,
    peer: string,
    cause: number,
  ): void;
}

/** An event of the recorder's own actor by its number, 0 for none; or any other. */
export type Doing = number | Why;

export class Recorder {
  /**
   * A Lamport clock that keeps up with the wall clock: microseconds since the Unix epoch, or one more than what was
   * recorded here or heard of before, if that is later. So an effect never stands before its cause, however wrong the
   * wall clocks are, and what has nothing to do with one another stands by its time.
   * @see Kulkarni et al., "Logical Physical Clocks", 2014, section 3.2
   */
  lamport: number;
  /** The event of the actor's start; empty before it. */
  started: Cause = "";
  private sequence: number;
  /** What is being done now is done because of that: an event of this actor by its number, 0 for none, or another's. */
  private current: Doing = 0;
  /** Messages that are handled in one go bear one time: asking for it costs more than a record. */
  private turnMs = 0;
  private readonly actor: string;
  private readonly clock: Clock;
  private readonly sink: TraceSink;

  constructor(actor: string, clock: Clock, sink: TraceSink) {
    this.actor = actor;
    this.clock = clock;
    this.sink = sink;
    this.sequence = sink.lastSequence;
    this.lamport = sink.lastLamport;
  }

  /** What is being done now, as messages that it sends name it. */
  get wireCause(): WireCause {
    return typeof this.current === "number" ? this.current : this.onWire(this.current);
  }

  /** Own events go by their number: most do. */
  onWire(why: Why): WireCause {
    const cause = typeof why === "function" ? why() : why;
    const own = `${this.actor}#`;
    if (cause.startsWith(own)) return Number(cause.slice(own.length));
    return cause === "" ? 0 : cause;
  }

  cause(): Cause {
    const why = this.why();
    return typeof why === "function" ? why() : why;
  }

  why(): Why {
    if (typeof this.current !== "number") return this.current;
    return this.current === 0 ? "" : this.name(this.current);
  }

  later(kind: string, subject: string, fields?: Fields, cause: Why = this.why()): Why {
    let recorded: Cause | undefined;
    return () => (recorded ??= this.name(this.event(kind, subject, fields, cause)));
  }

  because<T>(why: Doing, work: () => T): T {
    const outer = this.enter(why);
    try {
      return work();
    } finally {
      this.enter(outer);
    }
  }

  /** The newest event of this actor, or a later place: what is recorded after it was taken over stands behind both. */
  mark(cause: Cause): Mark {
    return { cause, lamport: this.lamport };
  }

  /** The actor begins, because of `origin`; what it does at once is done because of that. */
  start<T>(name: string, incarnation: string, origin: Mark, begin: () => T): T {
    const sequence = this.after(origin, "start", name, "", formatFields({ incarnation }));
    this.started = this.name(sequence);
    return this.because(sequence, begin);
  }

  /** Records what an event that came by no frame has caused. */
  after(mark: Mark | undefined, kind: string, subject: string, peer: string, detail: string): number {
    if (mark !== undefined) this.observe(mark.lamport);
    return this.record(kind, subject, peer, mark?.cause ?? "", detail);
  }

  /** `actor#sequence` of an event of this actor. */
  name(sequence: number): Cause {
    return `${this.actor}#${sequence}`;
  }

  event(kind: string, subject: string, fields?: Fields, why: Why = this.why()): number {
    const cause = typeof why === "function" ? why() : why;
    return this.record(kind, subject, "", cause, fields === undefined ? "" : formatFields(fields));
  }

  record(kind: string, subject: string, peer: string, cause: Cause, detail: string): number {
    const sequence = ++this.sequence;
    this.turn();
    const lamport = ++this.lamport;
    const timeMs = this.turnMs;
    this.sink.write({ actor: this.actor, sequence, lamport, timeMs, kind, subject, peer, cause, detail });
    return sequence;
  }

  /** Messages are taken up now: those that are recorded until the next `turn` bear this time. */
  turn(): void {
    this.turnMs = this.clock.nowMs();
    this.observe(this.turnMs * 1_000);
  }

  /** A message of `peer` is taken up. */
  message(kind: MessageKind, method: string, peer: string, cause: WireCause): number {
    if (typeof cause === "string") return this.record(kind, method, peer, cause, "");
    const sequence = ++this.sequence;
    this.sink.writeMessage(sequence, ++this.lamport, this.turnMs, kind, method, peer, cause);
    return sequence;
  }

  /** Takes over the clock of a frame that arrived. */
  observe(lamport: number): void {
    if (lamport > this.lamport) this.lamport = lamport;
  }

  /** What follows is done because of `doing`, until the result is entered again. */
  enter(doing: Doing): Doing {
    const previous = this.current;
    this.current = doing;
    return previous;
  }
}

export function formatFields(fields: Fields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) text += `${text === "" ? "" : " "}${name}=${String(value)}`;
  return text;
}
