/**
 * What waits to be handled by one actor, and what becomes of it when too much does. Pure bookkeeping: the cell says what
 * arrives, which handlers start and end, and sends the answers.
 *
 * Two places to wait in: the queue, in order of arrival, while the actor can't take anything up; then, for a method with
 * a limit on its handlers, the method's own line.
 */
import type { MailboxDefinition, MailboxPolicy } from "../protocols/protocol.ts";
import { Fifo } from "./fifo.ts";
import type { CALL, CAST, Envelope, OPEN } from "./frame.ts";

export type Request = Envelope & { readonly 0: typeof CALL | typeof CAST | typeof OPEN };
export type Handler = (request: unknown, message: unknown) => unknown;

/** A caller that gets the answer to another message than its own, which was replaced by that. */
export interface Joined<L> {
  readonly link: L;
  readonly id: number;
  /** The link's life that the call came in. */
  readonly session: number;
}

/** A message that waits. */
export interface Waiting<L> {
  readonly lane: Lane<L>;
  link: L;
  /** The link's life that the message came in. */
  session: number;
  envelope: Request;
  deadlineMs: number;
  /** No longer to be handled: canceled, dropped, or its sender is dead. */
  gone: boolean;
  readonly joined: Joined<L>[];
  readonly key: string | undefined;
}

/** One method: its handler, its limits and its line. */
export class Lane<L> {
  readonly name: string;
  readonly handler: Handler;
  readonly bufferMax: number;
  readonly system: boolean;
  readonly concurrencyMax: number;
  readonly policy: MailboxPolicy | undefined;
  /** Handled at once whenever the actor takes messages up: the usual case. */
  readonly plain: boolean;
  running = 0;
  waiting = 0;
  handled = 0;
  failed = 0;
  readonly line: Fifo<Waiting<L>> = new Fifo<Waiting<L>>();
  readonly byKey: Map<string, Waiting<L>> = new Map<string, Waiting<L>>();
  /** Those that wait, oldest first; kept only where the oldest may be dropped. */
  readonly order: Fifo<Waiting<L>> = new Fifo<Waiting<L>>();

  constructor(name: string, handler: Handler, definition: MailboxDefinition, bufferMax: number) {
    this.name = name;
    this.handler = handler;
    this.bufferMax = bufferMax;
    this.system = definition.priority === "system";
    this.concurrencyMax = definition.concurrencyMax ?? Infinity;
    this.policy = definition.mailbox;
    this.plain = this.concurrencyMax === Infinity;
  }
}

/** What became of a message that can't be handled at once. */
export type Admission<L> =
  | { readonly verdict: "refused"; readonly reason: string }
  | { readonly verdict: "waits"; readonly entry: Waiting<L>; readonly dropped: Waiting<L> | undefined }
  | {
      readonly verdict: "replaced";
      readonly entry: Waiting<L>;
      readonly previous: { readonly link: L; readonly session: number; readonly envelope: Request };
    };

export class Mailbox<L> {
  private readonly queue = new Fifo<Waiting<L>>();
  private count = 0;

  /** Messages that wait. */
  get waiting(): number {
    return this.count;
  }

  /** Whether something waits for the actor, so that what arrives now waits behind it. */
  get queued(): boolean {
    return this.queue.size > 0;
  }

  /** `inLine`: only the method's limit is in the way. */
  admit(
    lane: Lane<L>,
    link: L,
    session: number,
    envelope: Request,
    request: unknown,
    deadlineMs: number,
    inLine: boolean,
  ): Admission<L> {
    const { policy } = lane;
    const key = policy?.whenFull === "coalesce" ? policy.key(request) : undefined;
    const same = key === undefined ? undefined : lane.byKey.get(key);
    if (same !== undefined) {
      const previous = { link: same.link, session: same.session, envelope: same.envelope };
      same.link = link;
      same.session = session;
      same.envelope = envelope;
      same.deadlineMs = Math.max(same.deadlineMs, deadlineMs);
      return { verdict: "replaced", entry: same, previous };
    }
    const full = policy !== undefined && policy.whenFull !== "block" && lane.waiting >= policy.max;
    if (full && policy.whenFull !== "drop-oldest") {
      return { verdict: "refused", reason: `${policy.max} of ${lane.name} wait already` };
    }
    const dropped = full ? this.oldest(lane) : undefined;
    if (dropped !== undefined) this.leave(dropped);
    const entry: Waiting<L> = { lane, link, session, envelope, deadlineMs, gone: false, joined: [], key };
    lane.waiting++;
    this.count++;
    if (key !== undefined) lane.byKey.set(key, entry);
    if (policy?.whenFull === "drop-oldest") lane.order.push(entry);
    (inLine ? lane.line : this.queue).push(entry);
    return { verdict: "waits", entry, dropped };
  }

  /** The next message to take up; those in line for their method are left there. */
  next(): Waiting<L> | undefined {
    for (;;) {
      const entry = this.queue.shift();
      if (entry === undefined || !entry.gone) {
        if (entry === undefined || entry.lane.running < entry.lane.concurrencyMax) return entry;
        entry.lane.line.push(entry);
      }
    }
  }

  nextInLine(lane: Lane<L>): Waiting<L> | undefined {
    if (lane.running >= lane.concurrencyMax) return undefined;
    for (;;) {
      const entry = lane.line.shift();
      if (entry === undefined || !entry.gone) return entry;
    }
  }

  /** It waits no more: it is taken up, canceled or dropped. */
  leave(entry: Waiting<L>): void {
    if (entry.gone) return;
    entry.gone = true;
    entry.lane.waiting--;
    this.count--;
    if (entry.key !== undefined) entry.lane.byKey.delete(entry.key);
  }

  clear(): void {
    this.queue.take();
    this.count = 0;
  }

  private oldest(lane: Lane<L>): Waiting<L> | undefined {
    for (;;) {
      const entry = lane.order.shift();
      if (entry === undefined || !entry.gone) return entry;
    }
  }
}
