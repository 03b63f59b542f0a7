/** Requests on their way through the quorum: writes by the number of their command, reads in rounds. */
import type { RangeRequest } from "../../protocols/etcd.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Command } from "./core/mvcc/command.ts";
import { CommandBatch } from "./core/mvcc/command.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";

interface PendingWrite {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The numbers of the commands in a batch, `first` and `last` included. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly last: number;
}

export class Writes {
  readonly origin: number;
  private readonly max: number;
  private readonly batch: CommandBatch;
  private readonly pending: Map<number, PendingWrite> = new Map();
  private lastSequence = 0;
  private sentThrough = 0;
  /** Commands that were given up. */
  failed = 0;

  constructor(origin: number, max: number) {
    this.origin = origin;
    this.max = max;
    this.batch = new CommandBatch(origin);
  }

  get waiting(): number {
    return this.batch.count;
  }

  get waitingBytes(): number {
    return this.batch.sizeBytes;
  }

  get size(): number {
    return this.pending.size;
  }

  /** The command's answer, once it is applied here. Errors: ETCD_TOO_MANY_REQUESTS, and what `fail…` is given. */
  submit<Reply>(command: Command): Promise<Reply> {
    if (this.pending.size >= this.max) throw etcdError("ETCD_TOO_MANY_REQUESTS");
    this.lastSequence = this.batch.add(command);
    const sequence = this.lastSequence;
    return new Promise<Reply>((resolve, reject) => {
      this.pending.set(sequence, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  take(): Sent {
    const first = this.sentThrough + 1;
    this.sentThrough = this.lastSequence;
    return { bytes: this.batch.take(), first, last: this.sentThrough };
  }

  awaits(sequence: number): boolean {
    return this.pending.has(sequence);
  }

  settle(sequence: number, result: unknown): void {
    const pending = this.pending.get(sequence);
    if (pending === undefined) return;
    this.pending.delete(sequence);
    if (result instanceof InkubeError) pending.reject(result);
    else pending.resolve(result);
  }

  fail(sent: Sent, error: Error): void {
    for (let sequence = sent.first; sequence <= sent.last; sequence++) this.giveUp(sequence, error);
  }

  failSent(error: Error): void {
    for (const sequence of [...this.pending.keys()]) if (sequence <= this.sentThrough) this.giveUp(sequence, error);
  }

  private giveUp(sequence: number, error: Error): void {
    if (this.pending.has(sequence)) this.failed++;
    this.settle(sequence, error);
  }

  failWaiting(error: Error): void {
    if (this.batch.count > 0) this.fail(this.take(), error);
  }
}

export type Read =
  | { readonly type: "range"; readonly request: RangeRequest; readonly resolve: Resolve; readonly reject: Reject }
  /** What the state tells, at least as new as the request. */
  | { readonly type: "view"; readonly view: () => unknown; readonly resolve: Resolve; readonly reject: Reject }
  | { readonly type: "revision"; readonly owner: string; readonly resolve: Resolve; readonly reject: Reject }
  | { readonly type: "keepAlive"; readonly id: string; readonly resolve: Resolve; readonly reject: Reject };
type Resolve = (value: never) => void;
type Reject = (error: Error) => void;

interface Round {
  readonly context: number;
  readonly reads: Read[];
  readonly askedAtMs: number;
}

/** One ReadIndex is under way at a time; reads that come meanwhile share the next. */
export class Reads {
  private readonly max: number;
  private waiting: Read[] = [];
  private underWay: Round | undefined;
  private confirmed: { readonly index: number; readonly reads: readonly Read[] }[] = [];
  private lastContext = 0;

  constructor(max: number) {
    this.max = max;
  }

  get isWaiting(): boolean {
    return this.waiting.length > 0 && this.underWay === undefined;
  }

  /** Errors: ETCD_TOO_MANY_REQUESTS. */
  add(read: Read): void {
    if (this.waiting.length >= this.max) throw etcdError("ETCD_TOO_MANY_REQUESTS");
    this.waiting.push(read);
  }

  /** Starts a round if `ask` can; contexts are never used twice, so a late answer to an old one is not mistaken. */
  start(nowMs: number, ask: (context: number) => boolean): void {
    const context = ++this.lastContext;
    if (!ask(context)) return;
    this.underWay = { context, reads: this.waiting, askedAtMs: nowMs };
    this.waiting = [];
  }

  confirm(context: number, index: number): void {
    if (this.underWay?.context !== context) return;
    this.confirmed.push({ index, reads: this.underWay.reads });
    this.underWay = undefined;
  }

  /** Reads that a state with `applied` may answer. */
  takeAnswerable(applied: number): readonly Read[] {
    if (this.confirmed.length === 0) return [];
    const answerable: Read[] = [];
    this.confirmed = this.confirmed.filter(({ index, reads }) => {
      if (index > applied) return true;
      for (const read of reads) answerable.push(read);
      return false;
    });
    return answerable;
  }

  /** All reads whose answer waits for the state to get so far. */
  takeConfirmed(): readonly Read[] {
    const confirmed = this.confirmed;
    this.confirmed = [];
    return confirmed.flatMap(({ reads }) => reads);
  }

  /** The round under way got no answer since `sinceMs` (or at all): its reads wait for another. */
  retry(sinceMs: number = Infinity): void {
    const round = this.underWay;
    if (round === undefined || round.askedAtMs > sinceMs) return;
    this.underWay = undefined;
    this.waiting = round.reads.concat(this.waiting);
  }

  failWaiting(error: Error): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const read of waiting) read.reject(error);
  }
}
