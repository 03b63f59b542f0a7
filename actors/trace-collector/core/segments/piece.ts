/** Records of one actor as they lie in a segment, and what each says: read where it lies, without an event made of it. */
import type { WordMemory } from "../../../../protocols/trace-words.ts";
import { FORM_WORD, MESSAGE, RECORD_WORDS, SEQUENCE_WORD, memoryOf } from "../../../../protocols/trace-words.ts";
import type { Records } from "./format.ts";

/** Records of one actor that lie one after the other. */
export interface Piece {
  readonly actor: string;
  readonly memory: WordMemory;
  /** Words at which its records begin. */
  readonly at: Uint32Array;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly nameAt: (place: number) => string;
}

const UNKNOWN_NAME = "?";

export function pieceOf(records: Records, names: ReadonlyMap<number, string>, after: number): Piece | undefined {
  const { words, actor } = records;
  const memory = memoryOf(words);
  const at = new Uint32Array(words.length / RECORD_WORDS);
  let count = 0;
  for (let word = 0; word < words.length; word += words[word]!) {
    if (words[word + SEQUENCE_WORD]! > after) at[count++] = word;
  }
  if (count === 0) return undefined;
  const nameAt = (place: number): string => names.get(place) ?? UNKNOWN_NAME;
  const sequenceOf = (index: number): number => words[at[index]! + SEQUENCE_WORD]!;
  return {
    actor,
    memory,
    at: at.slice(0, count),
    firstSequence: sequenceOf(0),
    lastSequence: sequenceOf(count - 1),
    nameAt,
  };
}

export function readNames({ names, namesAt }: Records, known: Map<number, string>): void {
  const bytes = Buffer.from(names.buffer, names.byteOffset, names.byteLength);
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    known.set(namesAt + at, bytes.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
}

export function kindOf({ memory, nameAt }: Piece, at: number): string {
  return memory.words[at + FORM_WORD] === MESSAGE
    ? nameAt(memory.words[at + RECORD_WORDS]!)
    : text(memory.bytes, (at + RECORD_WORDS) << 2);
}

export function subjectOf({ memory, nameAt }: Piece, at: number): string {
  if (memory.words[at + FORM_WORD] === MESSAGE) return nameAt(memory.words[at + RECORD_WORDS + 1]!);
  return text(memory.bytes, skip(memory.bytes, (at + RECORD_WORDS) << 2, 1));
}

export function causeOf({ memory, nameAt }: Piece, at: number): string {
  const { words, bytes } = memory;
  if (words[at + FORM_WORD] !== MESSAGE) return text(bytes, skip(bytes, (at + RECORD_WORDS) << 2, 3));
  const cause = words[at + RECORD_WORDS + 3]!;
  return cause === 0 ? "" : `${nameAt(words[at + RECORD_WORDS + 2]!)}#${cause}`;
}

/** The number in a cause's name, whoever it is of; 0 for none. */
export function causeSequenceOf({ memory: { words, bytes } }: Piece, at: number): number {
  if (words[at + FORM_WORD] === MESSAGE) return words[at + RECORD_WORDS + 3]!;
  const from = skip(bytes, (at + RECORD_WORDS) << 2, 3);
  const begin = from + 2;
  let digit = begin + (bytes[from]! | (bytes[from + 1]! << 8)) - 1;
  let sequence = 0;
  for (let power = 1; digit >= begin && isDigit(bytes[digit]!); power *= 10) {
    sequence += (bytes[digit--]! - ZERO) * power;
  }
  return digit >= begin && bytes[digit] === MARK && sequence <= SEQUENCE_MAX ? sequence : 0;
}

const MARK = 0x23;
const ZERO = 0x30;
/** A ring counts with one word. */
const SEQUENCE_MAX = 0x7f_ff_ff_ff;

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

function text(bytes: Buffer, at: number): string {
  const length = bytes[at]! | (bytes[at + 1]! << 8);
  return bytes.toString("utf8", at + 2, at + 2 + length);
}

function skip(bytes: Buffer, at: number, texts: number): number {
  let next = at;
  for (let index = 0; index < texts; index++) next += 2 + (bytes[next]! | (bytes[next + 1]! << 8));
  return next;
}
