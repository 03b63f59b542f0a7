/**
 * An event of the trace in 32-bit words, as it lies in a flight recorder's ring and in the files of a record: `length, form,
 * sequence, lamport, timeMs` (the last two are doubles of two words each), and then
 * - of a message: `kind, method, peer, cause`: three names, and the sequence of the peer's event that caused it;
 * - of any other event: kind, subject, peer, cause, detail, each as `u16 bytes, UTF-8`.
 * A name is written once, as `u16 bytes, UTF-8`, into an area of names, and then known by its place there. Bytes of a word
 * stand in the machine's order; every machine that Node.js runs on today has the lowest first, but one.
 */
import type { TraceEvent } from "./trace-collector.ts";

export const MESSAGE = 1;
export const EVENT = 2;

export const FORM_WORD = 1;
export const SEQUENCE_WORD = 2;
export const LAMPORT_WORD = 3;
export const TIME_WORD = 5;
/** Of what all events have. */
export const RECORD_WORDS = 7;
export const MESSAGE_WORDS = 11;
/** No string of an event is longer; what is cut was for a person's eye. */
export const STRING_BYTES_MAX = 1_000;
const EVENT_STRINGS = 5;
export const TEXT_BYTES_MAX: number = EVENT_STRINGS * (2 + STRING_BYTES_MAX) + 3;

/** Words and the same memory as bytes, from where the words begin. */
export interface WordMemory {
  readonly words: Int32Array;
  readonly bytes: Buffer;
}

export function memoryOf(words: Int32Array): WordMemory {
  return { words, bytes: Buffer.from(words.buffer, words.byteOffset, words.byteLength) };
}

/** The event whose record begins at word `at`. `nameAt`: the name of that place. */
export function decodeEvent(
  { words, bytes }: WordMemory,
  at: number,
  actor: string,
  nameAt: (place: number) => string,
): TraceEvent {
  const body = at + RECORD_WORDS;
  const sequence = words[at + SEQUENCE_WORD]!;
  const lamport = bytes.readDoubleLE((at + LAMPORT_WORD) << 2);
  const timeMs = bytes.readDoubleLE((at + TIME_WORD) << 2);
  if (words[at + FORM_WORD] === MESSAGE) {
    const kind = nameAt(words[body]!);
    const subject = nameAt(words[body + 1]!);
    const peer = nameAt(words[body + 2]!);
    const by = words[body + 3]!;
    const cause = by === 0 ? "" : `${peer}#${by}`;
    // One literal each: of what is spread, a million takes ten times as long.
    return { actor, sequence, lamport, timeMs, kind, subject, peer, cause, detail: "" };
  }
  let next = body << 2;
  const text = (): string => {
    const from = next + 2;
    next = from + bytes.readUInt16LE(next);
    return bytes.toString("utf8", from, next);
  };
  const kind = text();
  const subject = text();
  const peer = text();
  const cause = text();
  return { actor, sequence, lamport, timeMs, kind, subject, peer, cause, detail: text() };
}

/** `call`, `cast`, `stream`: the first two bytes of each, as a number. */
const CA = 0x6163;
const ST = 0x7473;

/** Whether the record at word `at` is of a message, also of one whose cause or names did not go into numbers. */
export function isMessage({ words, bytes }: WordMemory, at: number): boolean {
  if (words[at + FORM_WORD] === MESSAGE) return true;
  const text = (at + RECORD_WORDS) << 2;
  const length = bytes[text]! | (bytes[text + 1]! << 8);
  const begin = bytes[text + 2]! | (bytes[text + 3]! << 8);
  // No other kind of these begins and lengths is recorded; a test says so.
  return (length === 4 && begin === CA) || (length === 6 && begin === ST);
}
