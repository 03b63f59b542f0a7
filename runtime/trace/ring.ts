/**
 * The flight recorder's memory: a bounded ring of records in shared memory, one per actor, kept over the actor's
 * restarts. One writer (the actor's thread), any number of readers that never disturb it.
 *
 * Layout: four 32-bit words `head, tail, lastSequence, records`, then the ring. A record is `u32 length, u32 sequence,
 * u32 lamport, f64 timeMs`, then five strings (kind, subject, peer, cause, detail) as `u16 length, bytes`. A record never
 * wraps: a length of 0 says "go on at the start". `head` is where the next record goes, `tail` the oldest whole record.
 * A reader copies the ring and then reads `tail` again: what lies before the new tail may have been overwritten meanwhile
 * and is left out.
 */
import type { TraceEvent } from "./event.ts";

/** Room for about 2,000 events an actor: the last seconds under load, hours when idle. */
export const RING_BYTES: number = 256 * 1024;

const HEADER_BYTES = 16;
const RECORD_HEADER_BYTES = 20;
/** No string of a record is longer; what is cut was for a person's eye. */
const STRING_BYTES_MAX = 1_000;
const ASCII_LOOP_MAX = 64;
const RECORD_BYTES_MAX = RECORD_HEADER_BYTES + 5 * (2 + STRING_BYTES_MAX);

const HEAD = 0;
const TAIL = 1;
const LAST_SEQUENCE = 2;
const WRITTEN = 3;

export function makeRing(bytes: number = RING_BYTES): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + bytes);
}

export class RingWriter {
  private readonly words: Int32Array;
  private readonly bytes: Buffer;
  private readonly scratch = Buffer.allocUnsafe(RECORD_BYTES_MAX);
  private readonly sizeBytes: number;

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring, 0, HEADER_BYTES / 4);
    this.bytes = Buffer.from(ring, HEADER_BYTES);
    this.sizeBytes = ring.byteLength - HEADER_BYTES;
  }

  /** Sequence of the newest record, also from an earlier incarnation of the actor. */
  get lastSequence(): number {
    return this.words[LAST_SEQUENCE] ?? 0;
  }

  write(event: TraceEvent): void {
    const length = this.encode(event);
    let head = this.words[HEAD] ?? 0;
    if (head + length > this.sizeBytes) {
      this.makeRoom(head, this.sizeBytes - head);
      if (head + 4 <= this.sizeBytes) this.bytes.writeUInt32LE(0, head);
      head = 0;
    }
    this.makeRoom(head, length);
    this.scratch.copy(this.bytes, head, 0, length);
    Atomics.store(this.words, LAST_SEQUENCE, event.sequence);
    Atomics.add(this.words, WRITTEN, 1);
    Atomics.store(this.words, HEAD, head + length);
  }

  private encode(event: TraceEvent): number {
    const record = this.scratch;
    record.writeUInt32LE(event.sequence, 4);
    record.writeUInt32LE(event.lamport, 8);
    record.writeDoubleLE(event.timeMs, 12);
    let at = RECORD_HEADER_BYTES;
    at = this.encodeText(event.kind, at);
    at = this.encodeText(event.subject, at);
    at = this.encodeText(event.peer, at);
    at = this.encodeText(event.cause, at);
    at = this.encodeText(event.detail, at);
    record.writeUInt32LE(at, 0);
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

  /** Moves the tail on until `[head, head + length)` holds no record that a reader may still take. */
  private makeRoom(head: number, length: number): void {
    let tail = this.words[TAIL] ?? 0;
    if ((this.words[WRITTEN] ?? 0) === 0) return;
    while (tail >= head && tail <= head + length) tail = this.next(tail);
    Atomics.store(this.words, TAIL, tail);
  }

  private next(position: number): number {
    const length = position + 4 <= this.sizeBytes ? this.bytes.readUInt32LE(position) : 0;
    return length === 0 ? 0 : position + length;
  }
}

/** The events of a ring that are newer than `afterSequence`, oldest first. */
export function readRing(ring: SharedArrayBuffer, actor: string, afterSequence = 0): readonly TraceEvent[] {
  const words = new Int32Array(ring, 0, HEADER_BYTES / 4);
  if (Atomics.load(words, LAST_SEQUENCE) <= afterSequence) return [];
  const head = Atomics.load(words, HEAD);
  const copy = Buffer.from(new Uint8Array(ring, HEADER_BYTES).slice());
  const tail = Atomics.load(words, TAIL);
  const events: TraceEvent[] = [];
  let position = tail;
  for (let wrapped = position < head; position !== head;) {
    const length = position + 4 <= copy.length ? copy.readUInt32LE(position) : 0;
    if (length === 0) {
      if (wrapped) break;
      wrapped = true;
      position = 0;
      continue;
    }
    if (length < RECORD_HEADER_BYTES || position + length > copy.length) break;
    const event = decode(copy, position, actor);
    if (event.sequence > afterSequence) events.push(event);
    position += length;
  }
  return events;
}

function decode(bytes: Buffer, position: number, actor: string): TraceEvent {
  let at = position + RECORD_HEADER_BYTES;
  const text = (): string => {
    const length = bytes.readUInt16LE(at);
    const value = bytes.toString("utf8", at + 2, at + 2 + length);
    at += 2 + length;
    return value;
  };
  return {
    actor,
    sequence: bytes.readUInt32LE(position + 4),
    lamport: bytes.readUInt32LE(position + 8),
    timeMs: bytes.readDoubleLE(position + 12),
    kind: text(),
    subject: text(),
    peer: text(),
    cause: text(),
    detail: text(),
  };
}
