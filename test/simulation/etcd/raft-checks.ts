/** What Raft promises, looked at from the inside of all members at every step (thesis figure 3.2, and what it takes for granted). */
import type { Raft } from "../../../actors/etcd/core/raft/raft.ts";
import type { Tracker } from "../../../actors/etcd/core/raft/tracker.ts";
import type { Entry, HardState, Message, Persist, Snapshot } from "../../../actors/etcd/core/raft/types.ts";

export interface DiskState {
  hardState: HardState;
  snapshot: Snapshot;
  entries: Entry[];
}

export class RaftChecks {
  /** By leader: the voters when it was last looked at, since what it has committed was counted among them. */
  private readonly voters: Map<Raft, readonly number[]> = new Map();
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

  get elections(): number {
    return this.leaders.size;
  }

  /** Called whenever a member has done something. */
  look(id: number, raft: Raft, diskOf: (id: number) => DiskState | undefined): void {
    this.lookAtCommit(raft);
    if (raft.role !== "leader") return;
    this.lookAtMatches(id, raft, diskOf);
    this.lookAtChanges(id, raft);
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

  /** What a member has acknowledged to the leader of its term is on its disk, and the leader's. */
  private lookAtMatches(id: number, raft: Raft, diskOf: (id: number) => DiskState | undefined): void {
    for (const [member, { match }] of (raft as unknown as { readonly tracker: Tracker }).tracker.progress) {
      const disk = diskOf(member);
      if (match === 0 || member === id || disk === undefined || disk.hardState.term !== raft.term) continue;
      const { snapshot, entries } = disk;
      const isThere = match <= snapshot.index + entries.length;
      const term = entries[match - snapshot.index - 1]?.term;
      const same = term === undefined || (raft.log.term(match) ?? term) === term;
      if (!isThere || !same) throw new Error(`${member} has not on its disk what ${id} counts on, up to ${match}`);
    }
  }

  /** One change at a time: of what is not known to be committed, one may be one. */
  private lookAtChanges(id: number, { log }: Raft): void {
    const open = log.slice(Math.max(log.first, log.committed + 1), Infinity).filter(({ type }) => type === "change");
    if (open.length > 1) throw new Error(`${id} has the changes ${open.map(({ index }) => index).join()} under way`);
  }

  private lookAtCommit(raft: Raft): void {
    const { committed } = raft.log;
    if (committed < (this.seenCommit.get(raft) ?? 0)) throw new Error(`what is committed goes back to ${committed}`);
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
      const who = this.vouched.get(`${raft.log.term(committed)}/${committed}`) ?? new Set();
      const now = votersOf(raft);
      const isMajority = (voters: readonly number[]): boolean =>
        2 * voters.filter((voter) => who.has(voter)).length > voters.length;
      if (!isMajority(now) && !isMajority(this.voters.get(raft) ?? now))
        throw new Error(`entry ${committed} is committed, but only the disks of ${[...who].join()} had it`);
    }
    this.voters.set(raft, votersOf(raft));
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

  written(id: number, persist: Persist, disk: DiskState): void {
    const promised = this.promised.get(id) ?? { term: 0, index: 0 };
    const last = disk.snapshot.index + disk.entries.length;
    // A later leader may take the place of what it acknowledged; the same never does.
    if (disk.hardState.term === promised.term && last < promised.index) {
      throw new Error(
        `${id} has acknowledged ${promised.index} in term ${promised.term}, and its disk ends at ${last}`,
      );
    }
    for (const { term, index } of persist.entries) {
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
      if (message.preVote) return;
      if (hardState.term < term || (hardState.term === term && hardState.vote !== message.to)) fail();
    } else if (message.type === "appendResponse" && term === raft.term) {
      if (hardState.term < term) fail();
      if (message.index > snapshot.index + entries.length) fail();
      const onDisk = entries[message.index - snapshot.index - 1]?.term;
      if (onDisk !== undefined && onDisk !== (raft.log.term(message.index) ?? onDisk)) fail();
      const before = this.promised.get(from);
      if (before?.term !== term || before.index < message.index)
        this.promised.set(from, { term, index: message.index });
    }
  }
}

/** Told here once more: what is looked at must not be judged by itself. */
function votersOf({ members }: Raft): readonly number[] {
  return members.members.flatMap(({ id, learner }) => (learner ? [] : [id]));
}
