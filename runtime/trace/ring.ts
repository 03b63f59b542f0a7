/**
 * The flight recorder's memory: a bounded ring of records in shared memory, one per actor, kept over the actor's
 * restarts. One writer (the actor's thread), any number of readers that never disturb it.
 *
 * Layout, in 32-bit words: `head, tail, lastSequence, namesEnd`, then the names, then the ring. A record is `length, form,
 * sequence, lamport, timeMs` (the last two are doubles of two words each), and then
 * - of a message: `kind, method, peer, cause`: three names, and the sequence of the peer's event that caused it;
 * - of any other event: kind, subject, peer, cause, detail, each as `u16 bytes, UTF-8`.
 * A name is written once (`u16 bytes, UTF-8`) and then known by its place, so that a message costs some ten stores.
 *
 * `head` is where the next record goes, `tail` the oldest whole record; it moves ahead of the writer in steps. Both count
 * words since the first record, so that a reader sees when it was overtaken, and are found in the ring by their low bits.
 * A record never wraps: a length of 0 says "go on at the start". A reader notes `head`, copies the ring, and then reads
 * `tail`: what lies before it may have been overwritten meanwhile and is left out.
 */
import type { Mark } from "../actor.ts";
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
const HEADER_WORDS = 4;
const RING_AT = HEADER_WORDS + NAMES_BYTES / 4;

const MESSAGE = 1;
const EVENT = 2;
const LAMPORT_WORD = 3;
const TIME_WORD = 5;
const RECORD_WORDS = 7;
const MESSAGE_WORDS = 11;
/** No string of a record is longer; what is cut was for a person's eye. */
const STRING_BYTES_MAX = 1_000;
const ASCII_LOOP_MAX = 64;
const TEXT_BYTES_MAX = 5 * (2 + STRING_BYTES_MAX) + 3;
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
    words[at + 2] = sequence;
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

/** How often a reader that the writer has overtaken tries again. */
const READS_MAX = 4;

/** The events of a ring that are newer than `afterSequence`, oldest first. */
export function readRing(ring: SharedArrayBuffer, actor: string, afterSequence = 0): readonly TraceEvent[] {
  const words = new Int32Array(ring);
  for (let reads = 0; reads < READS_MAX && Atomics.load(words, LAST_SEQUENCE) > afterSequence; reads++) {
    const head = Atomics.load(words, HEAD);
    const copy = words.slice();
    const tail = Atomics.load(words, TAIL);
    if (((head - tail) | 0) > 0) return new RingReader(copy, actor).read(tail, head, afterSequence);
  }
  return [];
}

/** The newest event of a ring whose writer has ended, if it is of that kind, with its place. */
export function lastEventOf(ring: SharedArrayBuffer, actor: string, kind: string): Mark | undefined {
  const last = readRing(ring, actor, new Int32Array(ring)[LAST_SEQUENCE]! - 1).at(-1);
  return last?.kind === kind ? { cause: `${actor}#${last.sequence}`, lamport: last.lamport } : undefined;
}

class RingReader {
  private readonly words: Int32Array;
  private readonly bytes: Buffer;
  private readonly actor: string;
  private readonly names = new Map<number, string>();

  /** `words`: a copy of the whole ring. */
  constructor(words: Int32Array, actor: string) {
    this.words = words;
    this.bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    this.actor = actor;
  }

  read(tail: number, head: number, afterSequence: number): readonly TraceEvent[] {
    const { words } = this;
    const size = words.length - RING_AT;
    const events: TraceEvent[] = [];
    for (let position = tail; ((head - position) | 0) > 0;) {
      const place = position & (size - 1);
      if (words[RING_AT + place] !== 0 && words[RING_AT + place + 2]! > afterSequence) {
        events.push(this.decode(RING_AT + place));
      }
      position += stepAt(words, place, size);
    }
    return events;
  }

  private decode(position: number): TraceEvent {
    const { words } = this;
    const at = position + RECORD_WORDS;
    const event = {
      actor: this.actor,
      sequence: words[position + 2]!,
      lamport: this.bytes.readDoubleLE((position + LAMPORT_WORD) << 2),
      timeMs: this.bytes.readDoubleLE((position + TIME_WORD) << 2),
    };
    if (words[position + 1] === MESSAGE) {
      const peer = this.name(words[at + 2]!);
      const cause = words[at + 3]!;
      return {
        ...event,
        kind: this.name(words[at]!),
        subject: this.name(words[at + 1]!),
        peer,
        cause: cause === 0 ? "" : `${peer}#${cause}`,
        detail: "",
      };
    }
    let next = at << 2;
    const text = (): string => {
      const from = next + 2;
      next = from + this.bytes.readUInt16LE(next);
      return this.bytes.toString("utf8", from, next);
    };
    return { ...event, kind: text(), subject: text(), peer: text(), cause: text(), detail: text() };
  }

  private name(at: number): string {
    let name = this.names.get(at);
    if (name === undefined) {
      const from = at + 2;
      name = this.bytes.toString("utf8", from, from + this.bytes.readUInt16LE(at));
      this.names.set(at, name);
    }
    return name;
  }
}
