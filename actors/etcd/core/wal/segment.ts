/**
 * A log file ("segment"): magic, format version and their CRC, a first frame that says whose log it is and how it goes
 * on from the segment before, then frames of records. Segments are numbered without gaps.
 */
import type { ByteReader } from "../bytes.ts";
import { ByteReader as Reader, ByteWriter, BytesError } from "../bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { Membership } from "../raft/membership.ts";
import { foundingMembership, readMembership, writeMembership } from "../raft/membership.ts";
import type { Entry, HardState } from "../raft/types.ts";
import { crc32c } from "./crc32c.ts";
import { beginFrame, endFrame, readFrame } from "./frame.ts";

const MAGIC: readonly number[] = [0x69, 0x6b, 0x2d, 0x77, 0x61, 0x6c, 0x0d, 0x0a]; // "ik-wal\r\n"
/** Raised when an older inkube could not read what a newer one writes. */
export const WAL_FORMAT_VERSION = 2;
/** Before there were changes of the membership: the group's options alone told who belongs to it. */
const WITHOUT_MEMBERSHIP = 1;
const PREAMBLE_BYTES = 16;

const SEGMENT = 1;
const HARD_STATE = 2;
const ENTRY = 3;
const SNAPSHOT = 4;
const CHANGE = 5;

/** Whose log it is: a disk must not end up under another member. */
export interface Identity {
  readonly clusterId: string;
  readonly memberId: number;
  /** The member's actor. */
  readonly name: string;
  /** The group before the first entry; of no one, where a leader's snapshot comes before all entries. */
  readonly founding: Membership;
}

/** Names the snapshot that the entries behind it go on from. */
export interface SnapshotMark {
  readonly index: number;
  readonly term: number;
}

export interface SegmentHead {
  readonly identity: Identity;
  readonly sequence: number;
  /** Chain at the end of the segment before. */
  readonly previousChain: number;
}

export type Record =
  | { readonly type: "hardState"; readonly hardState: HardState }
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "snapshot"; readonly mark: SnapshotMark };

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(16, "0")}.wal`;
}

/** Undefined for a file that is no segment. */
export function segmentSequence(name: string): number | undefined {
  return /^\d{16}\.wal$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** The beginning of a new segment, and its chain. */
export function encodeSegment(
  head: SegmentHead,
  hardState: HardState,
  mark: SnapshotMark,
): { readonly bytes: Uint8Array; readonly chain: number } {
  const writer = new ByteWriter();
  for (const byte of MAGIC) writer.u8(byte);
  writer.u32(WAL_FORMAT_VERSION);
  writer.u32(crc32c(writer.view()));
  const start = beginFrame(writer);
  writer.u8(SEGMENT);
  writer.text(head.identity.clusterId);
  writer.varint(head.identity.memberId);
  writer.text(head.identity.name);
  writeMembership(writer, head.identity.founding);
  writer.varint(head.sequence);
  writer.varint(head.previousChain);
  writeMark(writer, mark);
  writeHardState(writer, hardState);
  const chain = endFrame(writer, start, 0);
  return { bytes: writer.take(), chain };
}

/** Appends one frame to `writer` and returns its chain. */
export function encodeRecords(
  writer: ByteWriter,
  previousChain: number,
  hardState: HardState,
  entries: readonly Entry[],
  mark?: SnapshotMark,
): number {
  const start = beginFrame(writer);
  if (mark !== undefined) writeMark(writer, mark);
  writeHardState(writer, hardState);
  for (const entry of entries) {
    writer.u8(entry.type === "change" ? CHANGE : ENTRY);
    writer.varint(entry.term);
    writer.varint(entry.index);
    writer.blob(entry.data);
  }
  return endFrame(writer, start, previousChain);
}

function writeMark(writer: ByteWriter, mark: SnapshotMark): void {
  writer.u8(SNAPSHOT);
  writer.varint(mark.index);
  writer.varint(mark.term);
}

function writeHardState(writer: ByteWriter, hardState: HardState): void {
  writer.u8(HARD_STATE);
  writer.varint(hardState.term);
  writer.varint(hardState.vote);
  writer.varint(hardState.commit);
}

export interface SegmentRead {
  readonly head: SegmentHead;
  /** Written before there were changes of the membership, by a member whose disk had been lost and that had no vote yet. */
  readonly isForgetful: boolean;
  readonly records: readonly Record[];
  readonly chain: number;
  /** Where what can be read ends; less than the file's size when its last frame is torn. */
  readonly endBytes: number;
  readonly torn: boolean;
  /** Where the last whole frame begins. */
  readonly lastFrameAt: number;
}

/**
 * `names` of the group's members, for what was written before the log told them.
 * Errors: ETCD_CORRUPT, also for a format version that is newer than this one.
 */
export function readSegment(name: string, bytes: Uint8Array, names: readonly string[]): SegmentRead {
  const version = checkPreamble(name, bytes);
  const first = readFrame(bytes, PREAMBLE_BYTES, 0);
  if (first.type !== "frame" || first.payload.u8() !== SEGMENT) throw corrupt(name, PREAMBLE_BYTES, "its head");
  const head: SegmentHead = {
    identity: readIdentity(first.payload, version, names),
    sequence: first.payload.varint(),
    previousChain: first.payload.varint(),
  };
  const records: Record[] = [];
  const told: Told = { version, isForgetful: false };
  let { end, chain } = first;
  let lastFrameAt = PREAMBLE_BYTES;
  readRecords(name, end, first.payload, records, told);
  for (;;) {
    const frame = readFrame(bytes, end, chain);
    switch (frame.type) {
      case "frame":
        readRecords(name, end, frame.payload, records, told);
        lastFrameAt = end;
        end = frame.end;
        chain = frame.chain;
        continue;
      case "end":
      case "torn":
        return {
          head,
          isForgetful: told.isForgetful,
          records,
          chain,
          endBytes: end,
          torn: frame.type === "torn",
          lastFrameAt,
        };
      case "damaged":
        throw corrupt(name, end, frame.what);
    }
  }
}

interface Told {
  readonly version: number;
  isForgetful: boolean;
}

function readIdentity(payload: ByteReader, version: number, names: readonly string[]): Identity {
  const [clusterId, memberId] = [payload.text(), payload.varint()];
  if (version > WITHOUT_MEMBERSHIP)
    return { clusterId, memberId, name: payload.text(), founding: readMembership(payload) };
  const founding = foundingMembership(names);
  return { clusterId, memberId, name: founding.members.find(({ id }) => id === memberId)?.name ?? "", founding };
}

/** The format version. */
function checkPreamble(name: string, bytes: Uint8Array): number {
  if (bytes.length < PREAMBLE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw corrupt(name, 0, "its beginning; it is no log of inkube's");
  }
  const reader = new Reader(bytes, MAGIC.length);
  const version = reader.u32();
  if (crc32c(bytes, 0, 0, MAGIC.length + 4) !== reader.u32()) throw corrupt(name, 0, "its beginning");
  if (version > WAL_FORMAT_VERSION) {
    throw etcdError(
      "ETCD_CORRUPT",
      { file: name, version },
      `${name} was written by a newer version of inkube (format ${version}, this one reads ${WAL_FORMAT_VERSION}); use that version, or another data directory`,
    );
  }
  return version;
}

function readRecords(name: string, at: number, payload: ByteReader, records: Record[], told: Told): void {
  try {
    while (!payload.done) records.push(readRecord(payload, told));
  } catch (error) {
    if (error instanceof BytesError) throw corrupt(name, at, `a record (${error.message})`);
    throw error;
  }
}

function readRecord(payload: ByteReader, told: Told): Record {
  const kind = payload.u8();
  switch (kind) {
    case HARD_STATE: {
      const [term, vote, commit] = [payload.varint(), payload.varint(), payload.varint()];
      if (told.version === WITHOUT_MEMBERSHIP) told.isForgetful = payload.bool();
      return { type: "hardState", hardState: { term, vote, commit } };
    }
    case ENTRY:
    case CHANGE: {
      const [term, index] = [payload.varint(), payload.varint()];
      const type = kind === CHANGE ? "change" : "command";
      return { type: "entry", entry: { term, index, type, data: payload.blob() } };
    }
    case SNAPSHOT: {
      const [index, term] = [payload.varint(), payload.varint()];
      return { type: "snapshot", mark: { index, term } };
    }
  }
  throw new BytesError(`unknown kind ${kind}`);
}

/** One that began anew under its old id could vote twice in one term. */
export const WHAT_TO_DO =
  "As soon as the others agree on it, a new member takes this one's place and gets everything from them; what is damaged is kept beside it. Without a majority of the others, put back what was there when the cluster stopped";

export function corrupt(name: string, at: number, what: string): Error {
  return etcdError(
    "ETCD_CORRUPT",
    { file: name, offsetBytes: at },
    `${name} is damaged at byte ${at}: ${what}. ${WHAT_TO_DO}`,
  );
}
