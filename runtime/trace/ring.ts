/**
 * The flight recorder's memory: a bounded ring of records in shared memory, one per actor, kept over the actor's
 * restarts. One writer (the actor's thread), any number of readers that never disturb it.
 *
 * Layout, in 32-bit words: `head, tail, lastSequence, namesEnd`, then the names, then the ring. A record is `length, form,
 * sequence, lamport, timeMs (a double in two words)`, and then
 * - of a message: `kind, method, peer, cause`: three names, and the sequence of the peer's event that caused it;
 * - of any other event: kind, subject, peer, cause, detail, each as `u16 bytes, UTF-8`.
 * A name is written once (`u16 bytes, UTF-8`) and then known by its place, so that a message costs some ten stores.
 *
 * A record never wraps: a length of 0 says "go on at the start". `head` is where the next record goes, `tail` the oldest
 * whole record; it moves ahead of the writer in steps. A reader copies the ring and then reads `tail` again: what lies
 * before the new tail may have been overwritten meanwhile and is left out.
 */
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
const RECORD_WORDS = 6;
const MESSAGE_WORDS = 10;
/** No string of a record is longer; what is cut was for a person's eye. */
const STRING_BYTES_MAX = 1_000;
const ASCII_LOOP_MAX = 64;
const TEXT_BYTES_MAX = 5 * (2 + STRING_BYTES_MAX) + 3;
/** Share of the ring that the tail is ahead of the writer by, so that it is moved and published rarely. */
const STEP_SHARE = 1 / 16;

export function makeRing(bytes: number = RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer((RING_AT << 2) + bytes);
}

export class RingWriter implements TraceSink {
  private readonly words: Int32Array;
  private readonly bytes: Buffer;
  private readonly scratch = Buffer.allocUnsafe(TEXT_BYTES_MAX);
  private readonly double = new Float64Array(1);
  private readonly doubleWords = new Int32Array(this.double.buffer);
  private readonly names = new Map<string, number>();
  private readonly size: number;
  private head: number;
  private tail: number;
  /** Records may be written up to here before the tail has to move. */
  private limit: number;

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring);
    this.bytes = Buffer.from(ring);
    this.size = this.words.length;
    this.head = Math.max(RING_AT, this.words[HEAD]!);
    this.tail = Math.max(RING_AT, this.words[TAIL]!);
    this.limit = this.tail > this.head ? this.tail - 1 : this.size;
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
    this.publish(at + words, event.sequence);
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
    this.publish(at + MESSAGE_WORDS, sequence);
  }

  /** Where the record goes; what all records have is written. */
  private begin(length: number, form: number, sequence: number, lamport: number, timeMs: number): number {
    if (this.head + length > this.limit) this.makeRoom(length);
    const { head, words } = this;
    this.double[0] = timeMs;
    words[head] = length;
    words[head + 1] = form;
    words[head + 2] = sequence;
    words[head + 3] = lamport;
    words[head + 4] = this.doubleWords[0]!;
    words[head + 5] = this.doubleWords[1]!;
    return head;
  }

  private publish(head: number, sequence: number): void {
    this.head = head;
    this.words[LAST_SEQUENCE] = sequence;
    Atomics.store(this.words, HEAD, head);
  }

  /** Moves the tail on, so that no reader takes what is overwritten next. */
  private makeRoom(length: number): void {
    const full = this.head;
    const wraps = this.head + length > this.size;
    if (wraps) {
      while (this.tail > full) this.tail = this.next(this.tail);
      this.head = RING_AT;
    }
    const { head } = this;
    const wanted = head + Math.max(length, Math.floor((this.size - RING_AT) * STEP_SHARE));
    // The tail is the head where the ring has just begun anew, and has come around when it is behind it.
    for (let ahead = wraps || this.tail > head; ahead && this.tail <= wanted;) {
      const next = this.next(this.tail);
      ahead = next > this.tail;
      this.tail = next;
    }
    this.limit = this.tail > head ? this.tail - 1 : this.size;
    Atomics.store(this.words, TAIL, this.tail);
    if (wraps && full < this.size) this.words[full] = 0;
  }

  private next(position: number): number {
    const length = position < this.size ? this.words[position]! : 0;
    return length === 0 || position + length >= this.size ? RING_AT : position + length;
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

/** The events of a ring that are newer than `afterSequence`, oldest first. */
export function readRing(ring: SharedArrayBuffer, actor: string, afterSequence = 0): readonly TraceEvent[] {
  const shared = new Int32Array(ring);
  if (Atomics.load(shared, LAST_SEQUENCE) <= afterSequence) return [];
  const head = Atomics.load(shared, HEAD);
  const reader = new RingReader(shared.slice(), actor);
  return reader.read(Math.max(RING_AT, Atomics.load(shared, TAIL)), head, afterSequence);
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
    const events: TraceEvent[] = [];
    let position = tail;
    for (let wrapped = position < head; position !== head;) {
      const length = position < words.length ? words[position]! : 0;
      if (length === 0) {
        if (wrapped) break;
        wrapped = true;
        position = RING_AT;
        continue;
      }
      if (length < RECORD_WORDS || position + length > words.length) break;
      if (words[position + 2]! > afterSequence) events.push(this.decode(position));
      position += length;
    }
    return events;
  }

  private decode(position: number): TraceEvent {
    const { words } = this;
    const at = position + RECORD_WORDS;
    const event = {
      actor: this.actor,
      sequence: words[position + 2]!,
      lamport: words[position + 3]!,
      timeMs: this.bytes.readDoubleLE((position + 4) << 2),
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
