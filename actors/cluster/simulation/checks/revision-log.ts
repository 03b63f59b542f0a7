/**
 * The whole sequence of etcd's revisions, put together from a watch of everything at each member. Each member must tell
 * every revision once, whole and in order, and all members the same: that is what Raft and the watch promise together.
 * The first member that tells a revision makes it known; whoever looks into the log later takes it for the truth.
 *
 * @see https://etcd.io/docs/v3.6/learning/api_guarantees/ (watch APIs: ordered, unique, reliable, atomic)
 */
import type { WatchEvent } from "../../../../protocols/etcd.ts";
import { broken } from "./broken.ts";

export interface KnownRevision {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  /** Virtual time at which a member told it first. */
  readonly atMs: number;
}

interface Told {
  readonly known: KnownRevision;
  readonly by: string;
}

interface Stream {
  next: number;
  header: number;
}

export class RevisionLog {
  private readonly told = new Map<number, Told>();
  private readonly streams = new Map<string, Stream>();
  /** Revisions of each key, ascending. */
  private readonly keys = new Map<string, number[]>();
  private newest = 1;

  /** The newest revision that any member has told. */
  get revision(): number {
    return this.newest;
  }

  /** The next revision that the member owes. */
  next(member: string): number {
    return this.stream(member).next;
  }

  /** The member has forgotten what is older than `revision`: a watch may start no earlier. */
  compacted(member: string, revision: number): void {
    const stream = this.stream(member);
    stream.next = Math.max(stream.next, revision);
  }

  /** A stream begins anew; its member may be behind what an earlier incarnation has told. */
  opened(member: string): void {
    this.stream(member).header = 0;
  }

  /**
   * Takes one response of a member's watch, and returns what nobody had told before.
   * Errors: PROMISE_BROKEN for a gap, a repetition, a step back or another history than some other member's.
   */
  take(member: string, header: number, events: readonly WatchEvent[], nowMs: number): readonly KnownRevision[] {
    const stream = this.stream(member);
    if (header < stream.header)
      throw broken(`the watch at ${member} went back from revision ${stream.header} to ${header}`);
    stream.header = header;
    const fresh: KnownRevision[] = [];
    for (let from = 0; from < events.length;) {
      const revision = events[from]!.kv.modRevision;
      let to = from + 1;
      while (to < events.length && events[to]!.kv.modRevision === revision) to++;
      if (revision < stream.next) throw broken(`the watch at ${member} told revision ${revision} again or in parts`);
      if (revision > stream.next) {
        throw broken(
          `the watch at ${member} told revision ${revision}, and left out ${stream.next} to ${revision - 1}`,
        );
      }
      stream.next = revision + 1;
      const known = this.tell(member, { revision, events: events.slice(from, to), atMs: nowMs });
      if (known !== undefined) fresh.push(known);
      from = to;
    }
    if (header + 1 < stream.next) throw broken(`the watch at ${member} told events ahead of its revision ${header}`);
    return fresh;
  }

  /** What happened at a revision; undefined when no member has told it. */
  at(revision: number): KnownRevision | undefined {
    return this.told.get(revision)?.known;
  }

  /** The event of a key at a revision. */
  eventAt(key: string, revision: number): WatchEvent | undefined {
    return this.at(revision)?.events.find(({ kv }) => kv.key === key);
  }

  /** The first change of a key after a revision. */
  changeAfter(key: string, revision: number): number | undefined {
    return (this.keys.get(key) ?? []).find((change) => change > revision);
  }

  /** The last change of a key before a revision. */
  changeBefore(key: string, revision: number): number | undefined {
    return (this.keys.get(key) ?? []).findLast((change) => change < revision);
  }

  /** Revisions after `after` and up to `upTo` that changed a key with this prefix. */
  changesBelow(prefix: string, after: number, upTo: number): readonly number[] {
    const changes: number[] = [];
    for (let revision = after + 1; revision <= upTo; revision++) {
      if (this.at(revision)?.events.some(({ kv }) => kv.key.startsWith(prefix)) === true) changes.push(revision);
    }
    return changes;
  }

  /** Whether every revision in a range has been told. */
  isWhole(after: number, upTo: number): boolean {
    for (let revision = Math.max(2, after + 1); revision <= upTo; revision++)
      if (!this.told.has(revision)) return false;
    return true;
  }

  private tell(member: string, known: KnownRevision): KnownRevision | undefined {
    const { revision, events } = known;
    const before = this.told.get(revision);
    if (before !== undefined) {
      if (areSame(before.known.events, events)) return undefined;
      const theirs = textOf(before.known.events);
      throw broken(`revision ${revision} is ${textOf(events)} at ${member}, but ${theirs} at ${before.by}`);
    }
    this.told.set(revision, { known, by: member });
    this.newest = Math.max(this.newest, revision);
    for (const { kv } of known.events) {
      const changes = this.keys.get(kv.key);
      if (changes === undefined) this.keys.set(kv.key, [revision]);
      else changes.push(revision);
    }
    return known;
  }

  private stream(member: string): Stream {
    let stream = this.streams.get(member);
    if (stream === undefined) {
      stream = { next: 2, header: 0 };
      this.streams.set(member, stream);
    }
    return stream;
  }
}

/** Without a text of either: three members tell of each change. */
function areSame(before: readonly WatchEvent[], after: readonly WatchEvent[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ type, kv: one }, index) => {
      const { type: otherType, kv: other } = after[index]!;
      if (type !== otherType || one.key !== other.key) return false;
      if (type === "delete") return true;
      const isAlike =
        one.version === other.version && one.createRevision === other.createRevision && one.lease === other.lease;
      return isAlike && Buffer.compare(one.value, other.value) === 0;
    })
  );
}

function textOf(events: readonly WatchEvent[]): string {
  return events
    .map(({ type, kv }) => {
      if (type === "delete") return `delete ${kv.key}`;
      const { key, version, createRevision, lease, value } = kv;
      return `put ${key} version ${version} of ${createRevision} lease ${lease} value ${hashOf(value)}`;
    })
    .join(", ");
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length}:${(hash >>> 0).toString(16)}`;
}
