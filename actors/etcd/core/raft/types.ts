/**
 * What goes into and comes out of Raft. Terms and indices are safe integers; 0 is "none". Members are small positive
 * integers that are never given to another member again.
 * Source: D. Ongaro, "Consensus: Bridging Theory and Practice" (2014), here "thesis"; names as in etcd-io/raft.
 */

import type { Changed, Membership } from "./membership.ts";

export interface Entry {
  readonly term: number;
  readonly index: number;
  /** `data` is a change of the membership, or the state machine's. */
  readonly type: "command" | "change";
  /** Empty for the entry by which a leader begins its term. */
  readonly data: Uint8Array;
}

/** What a member must remember to keep its word. */
export interface HardState {
  readonly term: number;
  /** Whom it voted for in `term`; 0 for no one. */
  readonly vote: number;
  /** A hint only: what is known to be committed, so that a restart need not ask for it. */
  readonly commit: number;
}

export interface SnapshotMeta {
  /** The last entry that the snapshot stands for, and its term. */
  readonly index: number;
  readonly term: number;
  readonly membership: Membership;
}

export interface Snapshot extends SnapshotMeta {
  readonly data: Uint8Array;
}

interface Envelope {
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

export type Message =
  /** RequestVote (thesis 3.4); with `preVote` a question that changes no one's term (thesis 9.6). */
  | (Envelope & {
      readonly type: "vote";
      readonly preVote: boolean;
      readonly lastIndex: number;
      readonly lastTerm: number;
      /** Set when the leader itself asked for the election (thesis 3.10): a live leader is no reason to refuse. */
      readonly transfer: boolean;
    })
  | (Envelope & { readonly type: "voteResponse"; readonly preVote: boolean; readonly granted: boolean })
  /** AppendEntries (thesis 3.5). */
  | (Envelope & {
      readonly type: "append";
      readonly previousIndex: number;
      readonly previousTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
    })
  /** Everything up to `index` is on the sender's disk. */
  | (Envelope & { readonly type: "appendResponse"; readonly index: number })
  /** The sender has no entry like `rejected`; the largest place where the logs may agree is `hintIndex`. */
  | (Envelope & {
      readonly type: "appendReject";
      readonly rejected: number;
      readonly hintIndex: number;
      readonly hintTerm: number;
    })
  /** `round` counts the leader's rounds of ReadIndex (thesis 6.4). */
  | (Envelope & { readonly type: "heartbeat"; readonly commit: number; readonly round: number })
  | (Envelope & { readonly type: "heartbeatResponse"; readonly round: number })
  /** Tells a follower what is committed; needs no answer. */
  | (Envelope & { readonly type: "commit"; readonly commit: number })
  | (Envelope & { readonly type: "snapshot"; readonly snapshot: Snapshot })
  /** A follower asks for the index that its reads must wait for; `context` is its own number for them. */
  | (Envelope & { readonly type: "readIndex"; readonly context: number })
  | (Envelope & { readonly type: "readIndexResponse"; readonly context: number; readonly index: number })
  /** The sender knows that the receiver was removed; whatever the terms are. */
  | (Envelope & { readonly type: "removed" })
  /** Leadership transfer: start an election now. */
  | (Envelope & { readonly type: "timeoutNow" });

/** `T` without its envelope, member of the union by member. */
export type Body<T> = T extends Message ? Omit<T, keyof Envelope> : never;

/** What the shell writes and syncs, in this order, as one batch. */
export interface Persist {
  readonly snapshot: Snapshot | undefined;
  /** An entry whose index is already in the log replaces it and all that follow. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

export interface AppliedChange {
  readonly index: number;
  readonly term: number;
  readonly changed: Changed;
}

/** A read that asked with `context` may be answered from a state that has applied `index`. */
export interface ReadState {
  readonly context: number;
  readonly index: number;
}

/**
 * What the shell does next. The order is part of the type's contract:
 *
 * 1. `messages` may be sent at once, before `persist` is durable. Messages that promise what is in `persist` (votes and
 *    acknowledgements) are not among them: they come out of a later `ready()`, after `persisted()`. A leader's own
 *    entries go to its followers in parallel with its own sync; it counts itself only at `persisted()` (thesis 10.2.1).
 * 2. `committed` is applied, in order, at once.
 * 3. `persist`, if any, is written and synced; then `persisted()` is called, and `ready()` again. No other `persist`
 *    comes out before. A failed sync ends the member: what is on disk then is unknown.
 *    If it has a snapshot, the state machine is restored from it before that next `ready()`.
 *
 * A change of the membership counts when it is handed out with `committed`; what came of it is in `changes`. Then `ready()`
 * is called again.
 */
export interface Ready {
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly changes: readonly AppliedChange[];
  readonly readStates: readonly ReadState[];
  /** Members so far behind that the log no longer has what they need: answer each with `sendSnapshot`. */
  readonly snapshotsFor: readonly number[];
  readonly persist: Persist | undefined;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** How much of what is applied is kept. */
export interface TrimLimits {
  readonly catchUpEntries: number;
  readonly catchUpBytes: number;
  /** All that the log holds at most for a member that is there, and behind. */
  readonly snapshotBytes: number;
}

export interface RaftOptions {
  readonly id: number;
  /** Ticks without a word from a leader after which a follower stands for election; a random one to two times that. */
  readonly electionTicks: number;
  /** Ticks between two heartbeats of a leader. */
  readonly heartbeatTicks: number;
  /** Data of entries in one message, unless a single entry is larger. */
  readonly messageBytesMax: number;
  /** Appends under way to one member. */
  readonly inflightMax: number;
  /** For the spread of election timeouts; differs between members. */
  readonly seed: number;
}

/** What a member finds on its disk. */
export interface Recovered {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  readonly entries: readonly Entry[];
}
