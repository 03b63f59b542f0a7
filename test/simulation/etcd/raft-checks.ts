/** What Raft promises, looked at from the inside of all members at every step (thesis figure 3.2, and what it takes for granted). */
import type { Raft } from "../../../actors/etcd/core/raft/raft.ts";
import type { Entry, HardState, Message, Persist, Snapshot } from "../../../actors/etcd/core/raft/types.ts";

export interface DiskState {
  hardState: HardState;
  snapshot: Snapshot;
  entries: Entry[];
}

export class RaftChecks {
  private readonly quorum: number;
  private readonly leaders: Map<number, number> = new Map();
  /** By term and index: what the entry is, and the term of the one before. */
  private readonly entries: Map<string, string> = new Map();
  private readonly committed: Map<number, number> = new Map();
  private readonly applied: Map<number, string> = new Map();
  /** By term and index: who had it on a disk that counts, at any time. */
  private readonly vouched: Map<string, Set<number>> = new Map();
  /** By member: the newest term in which it has acknowledged entries, and up to which. */
  private readonly promised: Map<number, { readonly term: number; readonly index: number }> = new Map();
  private readonly seenCommit: Map<Raft, number> = new Map();
  /** What a leader had committed when it was last looked at, and in which term. */
  private readonly ledCommit: Map<Raft, { readonly term: number; readonly committed: number }> = new Map();
  private lastCommitted = 0;

  constructor(size: number) {
    this.quorum = Math.floor(size / 2) + 1;
  }

  get elections(): number {
    return this.leaders.size;
  }

  /** Called whenever a member has done something. */
  look(id: number, raft: Raft, disk: DiskState): void {
    this.lookAtCommit(raft);
    if (raft.role !== "leader") return;
    if (disk.hardState.recovering) throw new Error(`${id} leads without a vote`);
    const known = this.leaders.get(raft.term);
    if (known === id) return;
    // Election safety.
    if (known !== undefined) throw new Error(`two leaders in term ${raft.term}: ${known} and ${id}`);
    this.leaders.set(raft.term, id);
    // Leader completeness; with log matching it is enough to look at the last one.
    const term = this.committed.get(this.lastCommitted);
    if (this.lastCommitted >= raft.log.first && raft.log.term(this.lastCommitted) !== term) {
      throw new Error(`leader ${id} of term ${raft.term} lacks the committed entry ${this.lastCommitted}`);
    }
  }

  private lookAtCommit(raft: Raft): void {
    const { committed } = raft.log;
    for (let index = this.seenCommit.get(raft) ?? 0; index <= committed; index++) {
      const term = raft.log.term(index);
      if (index === 0 || term === undefined) continue;
      const known = this.committed.get(index);
      if (known !== undefined && known !== term) {
        throw new Error(`entry ${index} is committed with term ${known} and with term ${term}`);
      }
      this.committed.set(index, term);
    }
    this.lookAtCount(raft);
    if (raft.role === "leader" && committed > this.lastCommitted) {
      const count = this.vouched.get(`${raft.log.term(committed)}/${committed}`)?.size ?? 0;
      if (count < this.quorum) throw new Error(`entry ${committed} is committed, but ${count} disks had it`);
    }
    this.lastCommitted = Math.max(this.lastCommitted, committed);
    this.seenCommit.set(raft, committed);
  }

  /** Only an entry of its own term does a leader commit by counting (thesis 3.6.2). */
  private lookAtCount(raft: Raft): void {
    if (raft.role !== "leader") return;
    const { term, log } = raft;
    const before = this.ledCommit.get(raft);
    this.ledCommit.set(raft, { term, committed: log.committed });
    if (before?.term !== term || before.committed === log.committed || log.term(log.committed) === term) return;
    throw new Error(
      `leader of term ${term} commits entry ${log.committed} of term ${log.term(log.committed)} by counting`,
    );
  }

  /** Log matching: term and index tell what an entry is, and, by the one before it, all of the log up to there. */
  persist(raft: Raft, persist: Persist): void {
    for (const { term, index, data } of persist.entries) {
      const before = raft.log.term(index - 1);
      if (before === undefined) continue;
      this.agree(this.entries, `${term}/${index}`, `${before}:${new TextDecoder().decode(data)}`);
    }
  }

  /** State machine safety: one entry for one index, for ever. */
  apply({ index, term, data }: Entry): void {
    this.agree(this.applied, index, `${term}:${new TextDecoder().decode(data)}`);
  }

  private agree<Key extends string | number>(known: Map<Key, string>, key: Key, content: string): void {
    const other = known.get(key) ?? content;
    if (other !== content) throw new Error(`entry ${key} is "${other}" in one log and "${content}" in another`);
    known.set(key, content);
  }

  /** With its disk goes what it has acknowledged. */
  lost(id: number): void {
    this.promised.delete(id);
  }

  written(id: number, persist: Persist, disk: DiskState, wasRecovering: boolean): void {
    const promised = this.promised.get(id) ?? { term: 0, index: 0 };
    const last = disk.snapshot.index + disk.entries.length;
    // A later leader may take the place of what it acknowledged; the same never does.
    if (disk.hardState.term === promised.term && last < promised.index) {
      throw new Error(
        `${id} has acknowledged ${promised.index} in term ${promised.term}, and its disk ends at ${last}`,
      );
    }
    if (disk.hardState.recovering) return;
    for (const { term, index } of wasRecovering ? disk.entries : persist.entries) {
      const key = `${term}/${index}`;
      const who = this.vouched.get(key);
      if (who === undefined) this.vouched.set(key, new Set([id]));
      else who.add(id);
    }
  }

  /** No promise leaves before what it promises is on disk. */
  sent(raft: Raft, message: Message, { hardState, snapshot, entries }: DiskState): void {
    const { term, from } = message;
    const fail = (): never => {
      throw new Error(`${from} promises what is not on its disk: ${JSON.stringify(message)}`);
    };
    if (message.type === "vote" && !message.preVote) {
      if (hardState.term < term || (hardState.term === term && hardState.vote !== from)) fail();
    } else if (message.type === "voteResponse" && message.granted) {
      if (hardState.recovering) fail();
      if (message.preVote) return;
      if (hardState.term < term || (hardState.term === term && hardState.vote !== message.to)) fail();
    } else if (message.type === "appendResponse" && term === raft.term) {
      if (hardState.term < term || (hardState.recovering && !message.recovering)) fail();
      if (message.index > snapshot.index + entries.length) fail();
      const onDisk = entries[message.index - snapshot.index - 1]?.term;
      if (onDisk !== undefined && onDisk !== (raft.log.term(message.index) ?? onDisk)) fail();
      const before = this.promised.get(from);
      if (before?.term !== term || before.index < message.index)
        this.promised.set(from, { term, index: message.index });
    }
  }
}
