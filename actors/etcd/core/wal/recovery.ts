/** Puts together what a member knew from its segments and its newest snapshot, or refuses. */
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { Entry, HardState } from "../raft/types.ts";
import type { Identity, SegmentRead, SnapshotMark } from "./segment.ts";
import { corrupt, readSegment, segmentName, segmentSequence, WHAT_TO_DO } from "./segment.ts";

export interface SegmentFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface RecoveredLog {
  /** Undefined where there is no log. */
  readonly identity: Identity | undefined;
  /** See `SegmentRead`. */
  readonly isForgetful: boolean;
  readonly hardState: HardState;
  /** Those behind the snapshot. */
  readonly entries: readonly Entry[];
  /** Segments in order, with the largest index in each; 0 where there is none. */
  readonly segments: readonly { readonly name: string; readonly sequence: number; readonly lastIndex: number }[];
  readonly chain: number;
  /** The last segment's torn tail is to be cut off at this size before anything else is written. */
  readonly cut: { readonly name: string; readonly sizeBytes: number } | undefined;
  /**
   * The last whole frame. It may never have been synced, or the sync may have failed and the system forgotten: it is to be
   * written again and synced before anything relies on it.
   */
  readonly lastFrame: { readonly name: string; readonly position: number; readonly bytes: Uint8Array } | undefined;
}

/** Whose log it is to be, and the group's members as its options tell them. */
export interface Expected {
  readonly name: string;
  readonly names: readonly string[];
}

/**
 * `files` in the order of their names; `snapshot` is the newest one on this disk, index 0 without any.
 * Errors: ETCD_CORRUPT.
 */
export function recoverLog(files: readonly SegmentFile[], snapshot: SnapshotMark, expected: Expected): RecoveredLog {
  if (files.length === 0 && snapshot.index > 0) throw missing("there is a snapshot, but no log");
  const replay = new Replay();
  const segments: { name: string; sequence: number; lastIndex: number }[] = [];
  let cut: RecoveredLog["cut"];
  let lastFrame: RecoveredLog["lastFrame"];
  let before: SegmentRead | undefined;
  files.forEach(({ name, bytes }, at) => {
    const read = readSegment(name, bytes, expected.names);
    checkPlace(name, read, before, expected);
    const last = at === files.length - 1;
    if (read.torn && !last) throw corrupt(name, read.endBytes, "a frame is torn although another segment follows");
    if (read.torn) cut = { name, sizeBytes: read.endBytes };
    lastFrame = { name, position: read.lastFrameAt, bytes: bytes.subarray(read.lastFrameAt, read.endBytes) };
    const lastIndex = replay.run(name, read);
    segments.push({ name, sequence: read.head.sequence, lastIndex });
    before = read;
  });
  if (replay.mark.index > snapshot.index) {
    throw missing(`the snapshot of index ${replay.mark.index} is missing`);
  }
  // A leader's snapshot is written before the log says so: what the log has of another history ends with it.
  if (replay.mark.index < snapshot.index) replay.goOnFrom(snapshot);
  const entries = replay.entries.filter((entry) => entry.index > snapshot.index);
  const first = entries[0];
  if (first !== undefined && first.index !== snapshot.index + 1) {
    throw missing(`entries from ${snapshot.index + 1} up to ${first.index} are missing`);
  }
  const last = snapshot.index + entries.length;
  // A crash may have come between a leader's snapshot and the log's word of its term; no vote of that term got out.
  const behind = replay.hardState.term < snapshot.term;
  const hardState = behind ? { ...replay.hardState, term: snapshot.term, vote: 0 } : replay.hardState;
  if (hardState.commit > last) {
    throw missing(`committed up to ${hardState.commit}, but the log ends at ${last}`);
  }
  const identity = before?.head.identity;
  const isForgetful = before?.isForgetful === true;
  return { identity, isForgetful, hardState, entries, segments, chain: before?.chain ?? 0, cut, lastFrame };
}

function missing(what: string): Error {
  return etcdError("ETCD_CORRUPT", undefined, `${what}. ${WHAT_TO_DO}`);
}

function checkPlace(name: string, read: SegmentRead, before: SegmentRead | undefined, expected: Expected): void {
  const { head } = read;
  const { clusterId, memberId, name: owner } = head.identity;
  const first = before?.head.identity ?? head.identity;
  if (owner !== expected.name || clusterId !== first.clusterId || memberId !== first.memberId) {
    const whose = `${name} belongs to ${owner === "" ? "another member" : owner}, member ${memberId} of cluster ${clusterId}`;
    throw etcdError("ETCD_CORRUPT", undefined, `${whose}, not to ${expected.name}`);
  }
  if (segmentSequence(name) !== head.sequence) throw corrupt(name, 0, "it has another's name");
  if (before === undefined) return;
  if (head.sequence !== before.head.sequence + 1) {
    throw missing(`${segmentName(before.head.sequence + 1)} is missing`);
  }
  if (head.previousChain !== before.chain) throw corrupt(name, 0, "it does not go on from the segment before");
}

class Replay {
  entries: Entry[] = [];
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  mark: SnapshotMark = { index: 0, term: 0 };

  /** The largest index of an entry in the segment. */
  run(name: string, read: SegmentRead): number {
    let lastIndex = 0;
    for (const record of read.records) {
      switch (record.type) {
        case "hardState":
          this.hardState = record.hardState;
          break;
        case "entry":
          this.append(name, record.entry);
          lastIndex = Math.max(lastIndex, record.entry.index);
          break;
        case "snapshot":
          this.goOnFrom(record.mark);
          break;
      }
    }
    return lastIndex;
  }

  /** An entry with an index that is already there takes its place, and cuts off those behind it. */
  private append(name: string, entry: Entry): void {
    const first = this.entries[0]?.index ?? entry.index;
    const last = first + this.entries.length - 1;
    if (entry.index > last + 1) throw corrupt(name, 0, `entry ${entry.index} follows ${last}`);
    this.entries.length = Math.max(0, entry.index - first);
    this.entries.push(entry);
  }

  /** A snapshot takes the place of everything up to it. */
  goOnFrom(mark: SnapshotMark): void {
    this.mark = mark;
    const first = this.entries[0];
    if (first === undefined) return;
    if (mark.index < first.index) {
      // Terms never go down in one history.
      if (first.term < mark.term) this.entries = [];
      return;
    }
    // Where the log has the very entry that the snapshot ends with, what follows it stays good.
    if (this.entries[mark.index - first.index]?.term !== mark.term) this.entries = [];
  }
}
