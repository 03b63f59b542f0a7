/**
 * What a member says, and when it may: what vouches for its log, its term or its vote only once that is on disk (thesis 3.8),
 * everything else at once.
 */
import { invariant } from "../bytes.ts";
import type { Message } from "./types.ts";

/** What of a member is on its disk for sure. */
export interface Durable {
  readonly term: number;
  readonly vote: number;
  /** Index of the last entry. */
  readonly last: number;
}

export class Outbox {
  private leaving: Message[] = [];
  /** Promises that wait for the next persist, and those that wait for the one under way. */
  private promises: Message[] = [];
  private promisesUnderWay: Message[] = [];

  /** Leaves with the next `take`. */
  send(message: Message): void {
    this.leaving.push(message);
  }

  /** For messages that vouch for what is not yet on disk. */
  promise(message: Message): void {
    const last = this.promises.at(-1);
    if (last !== undefined && standsFor(message, last)) this.promises.pop();
    this.promises.push(message);
  }

  /** All that was promised so far is in the persist that begins now. */
  persisting(): void {
    this.promisesUnderWay = this.promises;
    this.promises = [];
  }

  /** What the persist under way held back. */
  takePersisted(): readonly Message[] {
    const free = this.promisesUnderWay;
    this.promisesUnderWay = [];
    return free;
  }

  /** What was promised while there is nothing to persist. */
  takePromises(): readonly Message[] {
    const free = this.promises;
    this.promises = [];
    return free;
  }

  /** What leaves now; `now` is the member's term. */
  take(now: number, durable: Durable): readonly Message[] {
    const messages = this.leaving;
    this.leaving = [];
    for (const message of messages) checkPromise(message, now, durable);
    return messages;
  }
}

/** One acknowledgement stands for all before it. */
function standsFor(message: Message, earlier: Message): boolean {
  return (
    message.type === "appendResponse" &&
    earlier.type === "appendResponse" &&
    earlier.to === message.to &&
    earlier.term === message.term &&
    earlier.index <= message.index
  );
}

/** Nothing leaves that vouches for what is not on disk; better no member than one that has lied. */
function checkPromise(message: Message, now: number, { term, vote, last }: Durable): void {
  if (message.type === "vote" && !message.preVote) {
    const isOnDisk = term > message.term || (term === message.term && vote === message.from);
    invariant(isOnDisk, `asks for votes of term ${message.term}, with term ${term} and vote ${vote} on disk`);
  } else if (message.type === "voteResponse" && message.granted && !message.preVote) {
    const isOnDisk = term > message.term || (term === message.term && vote === message.to);
    invariant(isOnDisk, `votes for ${message.to} in term ${message.term}, with term ${term} and vote ${vote} on disk`);
  } else if (message.type === "appendResponse" && message.term === now) {
    invariant(message.index <= last, `acknowledges entry ${message.index}, with ${last} on disk`);
  }
}
