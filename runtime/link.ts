/** What a cell keeps of one peer, for as long as the link to it lasts. */
import type { InkubeError } from "../protocols/errors.ts";
import type { Methods, Protocol } from "../protocols/protocol.ts";
import type { Consumer, DownDetails, DownReason } from "./actor.ts";
import type { Breaker } from "./breaker.ts";
import type { Envelope } from "./frame.ts";
import type { Gate } from "./gate.ts";
import { IdTable } from "./id-table.ts";
import type { Waiting } from "./mailbox.ts";
import type { IncomingMessage } from "./messages.ts";

export interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
  readonly method: string;
  /** Ends the listening for its caller's giving up. */
  readonly unlisten: (() => void) | undefined;
  readonly gate: Gate | undefined;
  /** False while it waits for room at its gate. */
  sent: boolean;
}

export interface PendingStream {
  readonly consumer: Consumer<unknown>;
  readonly window: number;
  readonly method: string;
  /** Items handled since credit was last given. */
  handled: number;
}

export class Link {
  readonly peer: string;
  up = false;
  /** Why it is down, once that is known. */
  downReason: DownReason | undefined;
  downDetails: DownDetails | undefined;
  /** Those who wait for it to be up, once. */
  readonly onUp: Set<() => void> = new Set<() => void>();
  nextId = 1;
  outbox: Envelope[] = [];
  flushAsked = false;
  readonly calls: IdTable<PendingCall> = new IdTable<PendingCall>();
  readonly streams: Map<number, PendingStream> = new Map();
  readonly incoming: IdTable<IncomingMessage> = new IdTable<IncomingMessage>();
  /** Calls and streams of the peer that wait in the mailbox. */
  readonly waiting: Map<number, Waiting<Link>> = new Map();
  /** Sender's side of methods that hold their senders back. */
  readonly gates: Map<number, Gate> = new Map();
  /** Methods of the peer that are left alone while they fail; they outlive its restarts. */
  readonly breakers: Map<number, Breaker> = new Map();
  /** Counts its lives: an answer belongs to the one in which it was asked for. */
  session = 0;
  /** What this end takes the peer to serve, once it has said so in this session; and that it was wrong. */
  spoken: Protocol<Methods> | undefined;
  refused: InkubeError | undefined;
  /** What the peer takes this end to serve; and that it was wrong, so that nothing of it is carried out. */
  heard = 0;
  foreign = false;
  /** Those that wait for the answer to a call that the peer itself makes. */
  readonly caller: readonly string[];

  constructor(peer: string) {
    this.peer = peer;
    this.caller = [peer];
  }

  /** A new session: both ends begin anew. */
  begin(): void {
    this.up = true;
    this.downReason = undefined;
    this.downDetails = undefined;
    this.nextId = 1;
    this.session++;
    this.spoken = undefined;
    this.refused = undefined;
    this.heard = 0;
    this.foreign = false;
  }
}
