/**
 * The flight recorder's memory: a bounded ring of records in shared memory, one per actor, kept over the actor's
 * restarts. One writer (the actor's thread), any number of readers that never disturb it.
 *
 * Layout, in 32-bit words: `head, tail, lastSequence, namesEnd, taken, takenSequence, bell`, one that is free, then the
 * names, then the ring of records (`protocols/trace-words.ts`); a name's place is its byte in this memory.
 *
 * `head` is where the next record goes, `tail` the oldest whole record; it moves ahead of the writer in steps. Both count
 * words since the first record, so that a reader sees when it was overtaken, and are found in the ring by their low bits.
 * A record never wraps: a length of 0 says "go on at the start". A reader notes `head`, copies the ring, and then reads
 * `tail`: what lies before it may have been overwritten meanwhile and is left out.
 *
 * Who keeps what is recorded (the trace collector) writes `taken`, up to where it has it, as `head` counts, and the sequence
 * of the last of it: these outlive it, so that its next incarnation goes on there. The writer wakes it (`Atomics.notify` on
 * `bell`) when half of the ring is not taken yet.
 */
import type { Mark } from "../actor.ts";
import {
  EVENT,
  LAMPORT_WORD,
  MESSAGE,
  MESSAGE_WORDS,
  RECORD_WORDS,
  SEQUENCE_WORD,
  STRING_BYTES_MAX,
  TEXT_BYTES_MAX,
  TIME_WORD,
  decodeEvent,
  memoryOf,
} from "../../protocols/trace-words.ts";
import type { TraceEvent } from "./event.ts";
import type { MessageKind, TraceSink } from "./recorder.ts";

/** Room for about 6,000 messages or 2,000 other events an actor: the last seconds under load, hours when idle. */
export const RING_BYTES: number = 256 * 1024;
/** Methods and peers of one actor; messages of those beyond it are written as other events are. */
const NAMES_BYTES = 8 * 1024;

const HEAD = 0;
const TAIL = 1;
const LAST_SEQUENCE = 2;
const NAMES_END = 3;
const TAKEN = 4;
const TAKEN_SEQUENCE = 5;
export const BELL_WORD = 6;
const HEADER_WORDS = 8;
const RING_AT = HEADER_WORDS + NAMES_BYTES / 4;

const ASCII_LOOP_MAX = 64;
/** Share of the ring that the tail is ahead of the writer by, so that it is moved and published rarely. */
const STEP_SHARE = 1 / 16;

/** `bytes`: a power of two. */
export function makeRing(bytes: number = RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer((RING_AT << 2) + bytes);
}

export class RingWriter implements TraceSink {
  private readonly words: Int32Array;
  private readonly bytes: Buffer;
  private readonly scratch = Buffer.allocUnsafe(TEXT_BYTES_MAX);
  private readonly doubles = new Float64Array(2);
  private readonly doubleWords = new Int32Array(this.doubles.buffer);
  private readonly names = new Map<string, number>();
  private readonly size: number;
  private head: number;
  private tail: number;
  /** Words that may be written before the tail has to move, or the ring's end is reached. */
  private room: number;
  /** Of the newest record of an earlier incarnation of the actor; 0 when there is none. */
  readonly lastLamport: number;

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring);
    this.bytes = Buffer.from(ring);
    this.size = this.words.length - RING_AT;
    this.head = this.words[HEAD]! >>> 0;
    this.tail = this.words[TAIL]! >>> 0;
    this.room = 0;
    this.lastLamport = this.newestLamport();
    const end = (HEADER_WORDS << 2) + this.words[NAMES_END]!;
    for (let at = HEADER_WORDS << 2; at < end;) {
      const length = this.bytes.readUInt16LE(at);
      this.names.set(this.bytes.toString("utf8", at + 2, at + 2 + length), at);
      at += 2 + length;
    }
  }

  /** Sequence of the newest record, also from an earlier incarnation of the actor. */
  get lastSequence(): number {
    return this.words[LAST_SEQUENCE]!;
  }

  private newestLamport(): number {
    const { words, size } = this;
    let newest = 0;
    for (let at = this.tail; ((this.head - at) | 0) > 0; at = (at + stepAt(words, at & (size - 1), size)) >>> 0) {
      const record = RING_AT + (at & (size - 1));
      if (words[record] !== 0) newest = this.bytes.readDoubleLE((record + LAMPORT_WORD) << 2);
    }
    return newest;
  }

  write(event: TraceEvent): void {
    const { scratch } = this;
    let length = this.encodeText(event.kind, 0);
    length = this.encodeText(event.subject, length);
    length = this.encodeText(event.peer, length);
    length = this.encodeText(event.cause, length);
    length = this.encodeText(event.detail, length);
    const words = RECORD_WORDS + ((length + 3) >> 2);
    const at = this.begin(words, EVENT, event.sequence, event.lamport, event.timeMs);
    scratch.copy(this.bytes, (at + RECORD_WORDS) << 2, 0, length);
    this.publish(words, event.sequence);
  }

  writeMessage(
    sequence: number,
    lamport: number,
    timeMs: number,
    kind: MessageKind,
    method: string,
    peer: string,
    cause: number,
  ): void {
    const kindAt = this.names.get(kind) ?? this.addName(kind);
    const methodAt = this.names.get(method) ?? this.addName(method);
    const peerAt = this.names.get(peer) ?? this.addName(peer);
    if (kindAt === 0 || methodAt === 0 || peerAt === 0) {
      const causeText = cause === 0 ? "" : `${peer}#${cause}`;
      this.write({ actor: "", sequence, lamport, timeMs, kind, subject: method, peer, cause: causeText, detail: "" });
      return;
    }
    const at = this.begin(MESSAGE_WORDS, MESSAGE, sequence, lamport, timeMs);
    const { words } = this;
    words[at + RECORD_WORDS] = kindAt;
    words[at + RECORD_WORDS + 1] = methodAt;
    words[at + RECORD_WORDS + 2] = peerAt;
    words[at + RECORD_WORDS + 3] = cause;
    this.publish(MESSAGE_WORDS, sequence);
  }

  /** Where the record goes; what all records have is written. */
  private begin(length: number, form: number, sequence: number, lamport: number, timeMs: number): number {
    if (length > this.room) this.makeRoom(length);
    const { words } = this;
    const at = RING_AT + (this.head & (this.size - 1));
    this.doubles[0] = lamport;
    this.doubles[1] = timeMs;
    words[at] = length;
    words[at + 1] = form;
    words[at + SEQUENCE_WORD] = sequence;
    words[at + LAMPORT_WORD] = this.doubleWords[0]!;
    words[at + LAMPORT_WORD + 1] = this.doubleWords[1]!;
    words[at + TIME_WORD] = this.doubleWords[2]!;
    words[at + TIME_WORD + 1] = this.doubleWords[3]!;
    return at;
  }

  private publish(length: number, sequence: number): void {
    this.room -= length;
    this.head = (this.head + length) >>> 0;
    this.words[LAST_SEQUENCE] = sequence;
    Atomics.store(this.words, HEAD, this.head);
  }

  /** Makes the next `length` words free in one piece. */
  private makeRoom(length: number): void {
    const { size, words } = this;
    const place = this.head & (size - 1);
    const skipped = place + length > size ? size - place : 0;
    const wanted = skipped + Math.max(length, size * STEP_SHARE);
    while (this.free() < wanted && this.tail !== this.head) {
      this.tail = (this.tail + stepAt(words, this.tail & (size - 1), size)) >>> 0;
    }
    // Published before anything of it is overwritten.
    Atomics.store(words, TAIL, this.tail);
    if (isHalfFull(words, this.head, size)) Atomics.notify(words, BELL_WORD);
    if (skipped > 0) {
      words[RING_AT + place] = 0;
      this.head = (this.head + skipped) >>> 0;
    }
    this.room = Math.min(this.free(), size - (this.head & (size - 1)));
  }

  private free(): number {
    return this.size - ((this.head - this.tail) >>> 0);
  }

  /** The place of a new name; 0 when there is no room for it. */
  private addName(name: string): number {
    const bytes = Buffer.from(name);
    const end = this.words[NAMES_END]!;
    if (end + 2 + bytes.length > NAMES_BYTES) return 0;
    const at = (HEADER_WORDS << 2) + end;
    this.bytes.writeUInt16LE(bytes.length, at);
    bytes.copy(this.bytes, at + 2);
    this.words[NAMES_END] = end + 2 + bytes.length;
    this.names.set(name, at);
    return at;
  }

  /** Short ASCII, which is nearly everything, is copied here: a call into the engine for each string costs more than the rest. */
  private encodeText(text: string, at: number): number {
    const record = this.scratch;
    const { length } = text;
    let index = 0;
    if (length <= ASCII_LOOP_MAX) {
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        record[at + 2 + index] = code;
      }
    }
    const written = index === length ? length : record.write(text, at + 2, STRING_BYTES_MAX, "utf8");
    record[at] = written & 0xff;
    record[at + 1] = written >> 8;
    return at + 2 + written;
  }
}

/** Words from a record, or the mark at the end of the ring, to the next. */
function stepAt(words: Int32Array, place: number, size: number): number {
  const length = words[RING_AT + place]!;
  return length === 0 ? size - place : length;
}

/** Whether half of the ring, or more, has not been taken. */
function isHalfFull(words: Int32Array, head: number, size: number): boolean {
  return (head - words[TAKEN]!) >>> 0 >= size >> 1;
}

/** How often a reader that the writer has overtaken tries again. */
const READS_MAX = 4;

/** Whole records, one after the other. */
export interface RingCopy {
  readonly words: Int32Array;
  /** Where they end, as `head` counts. */
  readonly end: number;
  /** The area of names, so far. */
  readonly names: Uint8Array;
}

/** Place of the first byte of the area of names. */
export const NAMES_AT: number = HEADER_WORDS << 2;

/** The records from `start` on, as `head` counts, or from the oldest that is still held; undefined when there is none. */
export function copyRing(ring: SharedArrayBuffer, start?: number): RingCopy | undefined {
  const words = new Int32Array(ring);
  const size = words.length - RING_AT;
  for (let reads = 0; reads < READS_MAX; reads++) {
    const end = Atomics.load(words, HEAD) >>> 0;
    const tail = Atomics.load(words, TAIL) >>> 0;
    const from = start === undefined ? tail : later(start, tail);
    if (((end - from) | 0) <= 0) return undefined;
    const copy = unrolled(words, from, end, size);
    const overtaken = later(from, Atomics.load(words, TAIL));
    if (((end - overtaken) | 0) <= 0) continue;
    const held = closedUp(copy, (overtaken - from) >>> 0, from & (size - 1), size);
    return { words: held, end, names: new Uint8Array(ring, NAMES_AT, words[NAMES_END]!).slice() };
  }
  return undefined;
}

function later(left: number, right: number): number {
  return (((right - left) | 0) > 0 ? right : left) >>> 0;
}

/** The words from one place to another, as if the ring were none. */
function unrolled(words: Int32Array, from: number, end: number, size: number): Int32Array {
  const place = from & (size - 1);
  const length = (end - from) >>> 0;
  const first = words.slice(RING_AT + place, RING_AT + Math.min(size, place + length));
  if (first.length === length) return first;
  const copy = new Int32Array(length);
  copy.set(first);
  copy.set(words.subarray(RING_AT, RING_AT + length - first.length), first.length);
  return copy;
}

/** `copy`, which was at `place`, from word `from` on, without the room that was left at the ring's end. */
function closedUp(copy: Int32Array, from: number, place: number, size: number): Int32Array {
  const turn = size - place;
  if (turn <= from || turn >= copy.length) return copy.subarray(from);
  for (let at = from; at < turn; at += copy[at]!) {
    if (copy[at] !== 0) continue;
    copy.copyWithin(at, turn);
    return copy.subarray(from, copy.length - (turn - at));
  }
  return copy.subarray(from);
}

/** Of the record of a ring, as a keeper that comes after another needs it. */
export function takenOf(ring: SharedArrayBuffer): { readonly position: number; readonly sequence: number } {
  const words = new Int32Array(ring);
  return { position: Atomics.load(words, TAKEN) >>> 0, sequence: Atomics.load(words, TAKEN_SEQUENCE) };
}

/** All before `position` is kept; `sequence` is the last of it. */
export function setTaken(ring: SharedArrayBuffer, position: number, sequence: number): void {
  const words = new Int32Array(ring);
  Atomics.store(words, TAKEN, position);
  Atomics.store(words, TAKEN_SEQUENCE, sequence);
}

/** Whether there is anything that is not taken, and whether that is half of the ring or more. Costs two loads. */
export function untakenOf(words: Int32Array): "nothing" | "some" | "half" {
  const head = Atomics.load(words, HEAD) >>> 0;
  if (head === Atomics.load(words, TAKEN) >>> 0) return "nothing";
  return isHalfFull(words, head, words.length - RING_AT) ? "half" : "some";
}

/** The events of a ring that are newer than `afterSequence`, oldest first. */
export function readRing(ring: SharedArrayBuffer, actor: string, afterSequence = 0): readonly TraceEvent[] {
  const words = new Int32Array(ring);
  if (Atomics.load(words, LAST_SEQUENCE) <= afterSequence) return [];
  const copy = copyRing(ring);
  return copy === undefined ? [] : eventsOf(copy, actor, afterSequence);
}

/** The events of records that were copied, from those after `afterSequence` on. */
export function eventsOf({ words, names }: RingCopy, actor: string, afterSequence = 0): readonly TraceEvent[] {
  const memory = memoryOf(words);
  const known = new Map<number, string>();
  const area = Buffer.from(names.buffer, names.byteOffset, names.byteLength);
  const nameAt = (place: number): string => {
    let name = known.get(place);
    if (name === undefined) {
      const at = place - NAMES_AT;
      name = area.toString("utf8", at + 2, at + 2 + area.readUInt16LE(at));
      known.set(place, name);
    }
    return name;
  };
  const events: TraceEvent[] = [];
  for (let at = 0; at < words.length; at += words[at]!) {
    if (words[at + SEQUENCE_WORD]! > afterSequence) events.push(decodeEvent(memory, at, actor, nameAt));
  }
  return events;
}

/** The newest event of a ring whose writer has ended, if it is of that kind, with its place. */
export function lastEventOf(ring: SharedArrayBuffer, actor: string, kind: string): Mark | undefined {
  const last = readRing(ring, actor, new Int32Array(ring)[LAST_SEQUENCE]! - 1).at(-1);
  return last?.kind === kind ? { cause: `${actor}#${last.sequence}`, lamport: last.lamport } : undefined;
}
