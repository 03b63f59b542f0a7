/**
 * The log of one member, in memory from the last compaction on.
 * `offset <= applied <= committed <= last`, and `applied <= stable <= last`.
 * What is applied stays for followers that lag, by the megabyte and seldom asked for: in the form of `kept-bytes.ts`.
 */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { bytesOf, keepBytes } from "../../../../protocols/kept-bytes.ts";
import { invariant } from "../bytes.ts";
import type { Entry, SnapshotMeta } from "./types.ts";

interface AppliedEntry extends Omit<Entry, "data"> {
  readonly data: KeptBytes;
}
type Kept = Entry | AppliedEntry;

export class RaftLog {
  private entries: Kept[] = [];
  private bytes = 0;
  /** Index and term of the entry just before the first kept one. */
  private offset: number;
  private offsetTerm: number;
  committed: number;
  applied: number;
  /** On this member's disk up to here. */
  stable: number;
  /** What the persist under way will make stable; sinks when the log is cut meanwhile, so a late answer can't vouch for
   * entries that took the place of those it wrote (etcd-io/raft's "async storage writes ABA race"). */
  private persisting = 0;

  constructor(start: { readonly index: number; readonly term: number }, entries: readonly Entry[]) {
    this.offset = start.index;
    this.offsetTerm = start.term;
    this.committed = start.index;
    this.applied = start.index;
    this.stable = start.index;
    for (const entry of entries) this.push(entry);
    this.stable = this.last;
  }

  get first(): number {
    return this.offset + 1;
  }

  get last(): number {
    return this.offset + this.entries.length;
  }

  /** Kept entries, and the bytes of their data. */
  get size(): number {
    return this.entries.length;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  get lastTerm(): number {
    return this.entries.length === 0 ? this.offsetTerm : (this.entries[this.entries.length - 1] as Kept).term;
  }

  /** Undefined where the log is compacted or not yet written. */
  term(index: number): number | undefined {
    if (index === this.offset) return this.offsetTerm;
    return this.entries[index - this.offset - 1]?.term;
  }

  private push(entry: Entry): void {
    invariant(entry.index === this.last + 1, `entry ${entry.index} after ${this.last}`);
    invariant(entry.term >= this.lastTerm, `term ${entry.term} after ${this.lastTerm}`);
    this.entries.push(entry);
    this.bytes += entry.data.length;
  }

  /** A leader's own entry. */
  append(term: number, data: Uint8Array, type: Entry["type"] = "command"): number {
    const index = this.last + 1;
    this.push({ term, index, type, data });
    return index;
  }

  /**
   * A follower's append (thesis 3.5): the index of the last entry that the leader sent, or undefined when the log has
   * no entry like the previous one. Entries that it already has stay; the first that differs cuts the rest off.
   */
  merge(previousIndex: number, previousTerm: number, entries: readonly Entry[]): number | undefined {
    if (this.term(previousIndex) !== previousTerm) return undefined;
    let at = 0;
    while (at < entries.length && this.term((entries[at] as Entry).index) === (entries[at] as Entry).term) at++;
    if (at < entries.length) {
      const from = (entries[at] as Entry).index;
      invariant(from > this.committed, `entry ${from} conflicts with what is committed (${this.committed})`);
      this.cut(from);
      for (; at < entries.length; at++) this.push(entries[at] as Entry);
    }
    return previousIndex + entries.length;
  }

  private cut(from: number): void {
    if (from > this.last) return;
    this.bytes -= sizeOf(this.entries.splice(from - this.offset - 1));
    this.stable = Math.min(this.stable, from - 1);
    this.persisting = Math.min(this.persisting, from - 1);
  }

  commitTo(index: number): boolean {
    if (index <= this.committed) return false;
    invariant(index <= this.last, `commit ${index} beyond the last entry ${this.last}`);
    this.committed = index;
    return true;
  }

  /** Entries from `from` on, whose data together stay within `bytesMax`, but one at least. */
  slice(from: number, bytesMax: number): readonly Entry[] {
    const start = from - this.offset - 1;
    let bytes = 0;
    let end = start;
    while (end < this.entries.length) {
      bytes += (this.entries[end] as Kept).data.length;
      if (bytes > bytesMax && end > start) break;
      end++;
    }
    return this.entries.slice(start, end).map(toEntry);
  }

  /** Entries to write; from now on `persisted` speaks of them. */
  takeUnstable(): readonly Entry[] {
    this.persisting = this.last;
    return this.stable === this.last ? [] : this.entries.slice(this.stable - this.offset).map(toEntry);
  }

  get hasUnstable(): boolean {
    return this.stable < this.last;
  }

  persisted(): void {
    this.stable = Math.max(this.stable, this.persisting);
  }

  /** Committed entries that are on this member's own disk and were not handed out before. */
  takeCommitted(): readonly Entry[] {
    const to = Math.min(this.committed, this.stable);
    if (to <= this.applied) return [];
    const taken: Entry[] = [];
    for (let at = this.applied - this.offset; at < to - this.offset; at++) {
      const entry = toEntry(this.entries[at] as Kept);
      taken.push(entry);
      this.entries[at] = { ...entry, data: keepBytes(entry.data) };
    }
    this.applied = to;
    return taken;
  }

  /** Whether a change of the membership is committed, and not yet handed out. */
  get hasUnappliedChange(): boolean {
    for (let index = this.applied + 1; index <= this.committed; index++) {
      if (this.entries[index - this.offset - 1]?.type === "change") return true;
    }
    return false;
  }

  /** Whether a log that ends so has everything that this one has, as far as elections care (thesis 3.6.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last);
  }

  /** The largest index up to `index` whose term is at most `term`: where two logs can agree at best. */
  findConflict(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = Math.min(index, this.last); at > this.offset; at--) {
      const own = this.term(at) as number;
      if (own <= term) return { index: at, term: own };
    }
    return { index: this.offset, term: this.offsetTerm };
  }

  /** Forgets entries up to `index`, which are in a snapshot. */
  compact(index: number): void {
    if (index <= this.offset) return;
    invariant(index <= this.applied, `compaction at ${index} of what is not applied (${this.applied})`);
    const term = this.term(index) as number;
    this.bytes -= sizeOf(this.entries.splice(0, index - this.offset));
    this.offset = index;
    this.offsetTerm = term;
  }

  /**
   * Forgets what is applied but for `entries` and `bytes` of it, which catch up a follower that lags; one that lags more gets
   * a snapshot of the state. Does nothing before there is half as much again, so that it is worth its while. What a restart
   * needs is on disk, whatever is forgotten here. `neededFrom`, asked only then: what is behind it is kept, too. Source: etcd 3.6 `compactRaftLog`, which left snapshots behind as well.
   */
  trim(entriesMax: number, bytesMax: number, neededFrom: () => number = () => Infinity): void {
    if (this.entries.length <= 1.5 * entriesMax && this.bytes <= 1.5 * bytesMax) return;
    this.compact(Math.min(neededFrom(), this.catchUpFrom(this.applied, entriesMax, bytesMax)));
  }

  /** The largest index up to `index` behind which at least one of `entries` and `bytes` would be exceeded. */
  catchUpFrom(index: number, entriesMax: number, bytesMax: number): number {
    let at = index;
    let bytes = 0;
    while (at > this.offset && index - at < entriesMax) {
      bytes += (this.entries[at - this.offset - 1] as Kept).data.length;
      if (bytes > bytesMax) break;
      at--;
    }
    return at;
  }

  /** Starts over from a snapshot of another member. Nothing is stable before `persisted`. */
  restore(meta: SnapshotMeta): void {
    invariant(meta.index > this.committed, `snapshot ${meta.index} within what is committed (${this.committed})`);
    this.entries = [];
    this.bytes = 0;
    this.offset = meta.index;
    this.offsetTerm = meta.term;
    this.committed = meta.index;
    this.applied = meta.index;
    this.stable = meta.index;
    this.persisting = 0;
  }
}

function toEntry(entry: Kept): Entry {
  const { term, index, type, data } = entry;
  return typeof data === "string" ? { term, index, type, data: bytesOf(data) } : (entry as Entry);
}

function sizeOf(entries: readonly Kept[]): number {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}
