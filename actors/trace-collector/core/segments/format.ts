/**
 * A record's files. Each is a segment of one class: a header, then batches. All numbers are 32-bit words, and everything
 * begins at a multiple of four bytes.
 *
 * - header: `"INKTRACE", version, class, run, number, 0, checksum of all before`
 * - batch: `magic, type, payload bytes, checksum of type, length and payload`, then the payload
 *   - records: `actor bytes, place of the first name, name bytes, record words`, then the actor, names that earlier batches of the
 *     actor in the segment have not, and records as they lay in the actor's ring (`protocols/trace-words.ts`)
 *   - gap: `actor bytes, after, lost`, then the actor
 *   - changes: `part, bytes, packed bytes, count, first revision, last revision` (the last two are doubles), then changes of objects as
 *     `changes.ts` has them, packed; then `packed bytes` of their heads, and those: an index, which older files have not
 *
 * A run is a life of the program: sequences begin anew in each. A batch whose writer was killed is cut off at the end; one that
 * is damaged is left out, and the next one is found by its magic and its checksum.
 */
import { InkubeError } from "../../../../protocols/errors.ts";

/** Raised when an older inkube could not read what this one writes. */
export const TRACE_FORMAT = 1;
/** A file's name ends so. */
export const SEGMENT_ENDING = ".inktrace";

/**
 * Messages are many, and tell how one thing came to the other; events are few, and tell what happened; objects are what was written.
 * Each has its own room, so that a flood of messages drives out no event.
 */
export type SegmentClass = "messages" | "events" | "objects";
export const SEGMENT_CLASSES: readonly SegmentClass[] = ["messages", "events", "objects"];
/** Of these recorders tell. */
export const RECORDED_CLASSES = ["messages", "events"] as const;
export type RecordedClass = (typeof RECORDED_CLASSES)[number];

export interface SegmentHeader {
  readonly class: SegmentClass;
  /** 1, 2, 3 … in a directory. */
  readonly run: number;
  /** 1, 2, 3 … in its class. */
  readonly number: number;
}

/** Of bytes, 32 bits; it is kept as a signed number. CRC-32, which the caller has from the machine. */
export type Checksum = (bytes: Uint8Array) => number;

const MAGIC = Buffer.from("INKTRACE", "latin1");
const HEADER_WORDS = 8;
export const HEADER_BYTES: number = HEADER_WORDS * 4;
const CHECKED_BYTES = HEADER_BYTES - 4;

const BATCH_MAGIC = 0x42_6b_6e_49;
const BATCH_WORDS = 4;
export const RECORDS = 1;
export const GAP = 2;
export const CHANGES = 3;

export function fileName({ class: of, number }: SegmentHeader): string {
  return `${of}-${String(number).padStart(6, "0")}${SEGMENT_ENDING}`;
}

/** What a file is by its name; undefined for one that is none of a record's. */
export function partsOfName(name: string): Pick<SegmentHeader, "class" | "number"> | undefined {
  const [, of = "", number = ""] = /^([a-z]+)-(\d{6,})\.inktrace$/.exec(name) ?? [];
  const found = SEGMENT_CLASSES.find((known) => known === of);
  return found === undefined ? undefined : { class: found, number: Number(number) };
}

export function encodeHeader(header: SegmentHeader, checksum: Checksum): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeInt32LE(TRACE_FORMAT, 8);
  bytes.writeInt32LE(SEGMENT_CLASSES.indexOf(header.class) + 1, 12);
  bytes.writeInt32LE(header.run, 16);
  bytes.writeInt32LE(header.number, 20);
  bytes.writeInt32LE(checksum(bytes.subarray(0, CHECKED_BYTES)) | 0, CHECKED_BYTES);
  return bytes;
}

/** @param name of the file, for errors. Errors: TRACE_NEWER, TRACE_DAMAGED. */
export function decodeHeader(bytes: Uint8Array, name: string, checksum: Checksum): SegmentHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = (what: string): InkubeError => new InkubeError("TRACE_DAMAGED", `${name} ${what}`);
  if (bytes.length < HEADER_BYTES || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damaged("is no file of a trace: it does not begin as one");
  }
  const version = buffer.readInt32LE(8);
  if (version > TRACE_FORMAT) {
    throw new InkubeError(
      "TRACE_NEWER",
      `${name} was written by a newer inkube (trace format ${version}, this one knows ${TRACE_FORMAT}); use that version`,
    );
  }
  const isWhole = buffer.readInt32LE(CHECKED_BYTES) === (checksum(buffer.subarray(0, CHECKED_BYTES)) | 0);
  const of = SEGMENT_CLASSES[buffer.readInt32LE(12) - 1];
  if (!isWhole || of === undefined) throw damaged("is damaged at its beginning");
  return { class: of, run: buffer.readInt32LE(16), number: buffer.readInt32LE(20) };
}

/** @param pieces of the payload; each is filled up to whole words. */
export function encodeBatch(type: number, pieces: readonly Uint8Array[], checksum: Checksum): Uint8Array {
  const payloadBytes = pieces.reduce((sum, { length }) => sum + padded(length), 0);
  const bytes = Buffer.alloc(BATCH_WORDS * 4 + payloadBytes);
  bytes.writeInt32LE(BATCH_MAGIC, 0);
  bytes.writeInt32LE(type, 4);
  bytes.writeInt32LE(payloadBytes, 8);
  let at = BATCH_WORDS * 4;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += padded(piece.length);
  }
  bytes.writeInt32LE(checksumOf(bytes, payloadBytes, checksum), 12);
  return bytes;
}

function checksumOf(batch: Buffer, payloadBytes: number, checksum: Checksum): number {
  const head = checksum(batch.subarray(4, 12));
  const payload = checksum(batch.subarray(BATCH_WORDS * 4, BATCH_WORDS * 4 + payloadBytes));
  return (Math.imul(head, 31) + payload) | 0;
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** The records of one actor, one after the other. */
export interface Records {
  readonly actor: string;
  /** Place of the first of `names`, as records name it. */
  readonly namesAt: number;
  readonly names: Uint8Array;
  readonly words: Int32Array;
}

export interface Gap {
  readonly actor: string;
  readonly after: number;
  readonly lost: number;
}

export function encodeRecords({ actor, namesAt, names, words }: Records, checksum: Checksum): Uint8Array {
  const name = Buffer.from(actor);
  const head = Int32Array.of(name.length, namesAt, names.length, words.length);
  return encodeBatch(RECORDS, [bytesOf(head), name, names, bytesOf(words)], checksum);
}

export function encodeGap({ actor, after, lost }: Gap, checksum: Checksum): Uint8Array {
  const name = Buffer.from(actor);
  return encodeBatch(GAP, [bytesOf(Int32Array.of(name.length, after, lost)), name], checksum);
}

/**
 * What a batch of changes is: `change`, what was written, revision by revision; `base`, some of all that stood at a revision, whenever
 * it was written; `base-end`, with nothing in it: all that stood at `lastRevision` has been told.
 */
export type ChangePart = "change" | "base" | "base-end";
const PARTS: readonly ChangePart[] = ["change", "base", "base-end"];

export interface ChangeBatch {
  readonly part: ChangePart;
  readonly firstRevision: number;
  readonly lastRevision: number;
  /** Of what is packed. */
  readonly bytes: number;
  /** Of the changes; at the end of a base of all that belong to it, so that one whose beginning has gone is known. */
  readonly count: number;
  readonly packed: Uint8Array;
  /** The heads of the changes, packed, so that who looks for one object unpacks no other; undefined where they must be read from `packed`. */
  readonly heads: Uint8Array | undefined;
}

const CHANGES_WORDS = 8;

export function encodeChangeBatch(
  { part, firstRevision, lastRevision, bytes, count, packed, heads }: ChangeBatch,
  checksum: Checksum,
): Uint8Array {
  const head = Buffer.alloc(CHANGES_WORDS * 4);
  head.writeInt32LE(PARTS.indexOf(part), 0);
  head.writeInt32LE(bytes, 4);
  head.writeInt32LE(packed.length, 8);
  head.writeInt32LE(count, 12);
  head.writeDoubleLE(firstRevision, 16);
  head.writeDoubleLE(lastRevision, 24);
  const index = heads === undefined ? [] : [bytesOf(Int32Array.of(heads.length)), heads];
  return encodeBatch(CHANGES, [head, packed, ...index], checksum);
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Bytes of a file that say nothing any more. */
export interface Damage {
  readonly file: string;
  readonly atByte: number;
  readonly bytes: number;
}

export interface Segment {
  readonly header: SegmentHeader;
  readonly records: readonly Records[];
  readonly gaps: readonly Gap[];
  readonly changes: readonly ChangeBatch[];
  readonly damages: readonly Damage[];
  /** At the end, of a batch that was not written whole. */
  readonly tornBytes: number;
}

/** A whole segment; what is in it goes on lying in `file`. Errors: TRACE_NEWER, TRACE_DAMAGED. */
export function decodeSegment(file: Uint8Array, name: string, checksum: Checksum): Segment {
  const header = decodeHeader(file, name, checksum);
  // What is read may begin anywhere in a larger piece of memory, and words can't.
  const aligned = file.byteOffset % 4 === 0 ? file : Uint8Array.from(file);
  const bytes = Buffer.from(aligned.buffer, aligned.byteOffset, aligned.byteLength);
  const records: Records[] = [];
  const gaps: Gap[] = [];
  const changes: ChangeBatch[] = [];
  const damages: Damage[] = [];
  let at = HEADER_BYTES;
  let lostFrom = -1;
  let tornFrom = -1;
  while (at + BATCH_WORDS * 4 <= bytes.length) {
    const end = endOfBatch(bytes, at, checksum);
    if (end < 0) {
      if (lostFrom < 0) lostFrom = at;
      if (tornFrom < 0 && isCutOff(bytes, at)) tornFrom = at;
      at += 4;
      continue;
    }
    if (lostFrom >= 0) damages.push({ file: name, atByte: lostFrom, bytes: at - lostFrom });
    lostFrom = -1;
    tornFrom = -1;
    const payload = bytes.subarray(at + BATCH_WORDS * 4, end);
    const type = bytes.readInt32LE(at + 4);
    if (type === RECORDS) records.push(decodeRecords(payload));
    else if (type === GAP) gaps.push(decodeGap(payload));
    else if (type === CHANGES) changes.push(decodeChangeBatch(payload));
    at = end;
  }
  const rest = lostFrom < 0 ? at : lostFrom;
  const torn = lostFrom < 0 || tornFrom === lostFrom;
  if (!torn) damages.push({ file: name, atByte: rest, bytes: bytes.length - rest });
  return { header, records, gaps, changes, damages, tornBytes: torn ? bytes.length - rest : 0 };
}

/** Of a whole and undamaged batch at `at`; -1 where there is none. */
function endOfBatch(bytes: Buffer, at: number, checksum: Checksum): number {
  if (bytes.readInt32LE(at) !== BATCH_MAGIC) return -1;
  const payloadBytes = bytes.readInt32LE(at + 8);
  const end = at + BATCH_WORDS * 4 + payloadBytes;
  if (payloadBytes < 0 || payloadBytes % 4 !== 0 || end > bytes.length) return -1;
  const batch = bytes.subarray(at, end);
  return checksumOf(batch, payloadBytes, checksum) === batch.readInt32LE(12) ? end : -1;
}

/** Whether a batch begins there that would end behind the file. */
function isCutOff(bytes: Buffer, at: number): boolean {
  return (
    bytes.readInt32LE(at) === BATCH_MAGIC && at + BATCH_WORDS * 4 + (bytes.readInt32LE(at + 8) >>> 0) > bytes.length
  );
}

function decodeRecords(payload: Buffer): Records {
  const actorBytes = payload.readInt32LE(0);
  const namesBytes = payload.readInt32LE(8);
  const namesFrom = 16 + padded(actorBytes);
  const wordsFrom = payload.byteOffset + namesFrom + padded(namesBytes);
  return {
    actor: payload.toString("utf8", 16, 16 + actorBytes),
    namesAt: payload.readInt32LE(4),
    names: payload.subarray(namesFrom, namesFrom + namesBytes),
    words: new Int32Array(payload.buffer, wordsFrom, payload.readInt32LE(12)),
  };
}

function decodeGap(payload: Buffer): Gap {
  const actor = payload.toString("utf8", 12, 12 + payload.readInt32LE(0));
  return { actor, after: payload.readInt32LE(4), lost: payload.readInt32LE(8) };
}

function decodeChangeBatch(payload: Buffer): ChangeBatch {
  const from = CHANGES_WORDS * 4;
  const packed = payload.subarray(from, from + payload.readInt32LE(8));
  const index = from + padded(packed.length);
  const hasHeads = index < payload.length;
  return {
    part: PARTS[payload.readInt32LE(0)] ?? "base",
    firstRevision: payload.readDoubleLE(16),
    lastRevision: payload.readDoubleLE(24),
    bytes: payload.readInt32LE(4),
    count: payload.readInt32LE(12),
    packed,
    heads: hasHeads ? payload.subarray(index + 4, index + 4 + payload.readInt32LE(index)) : undefined,
  };
}
