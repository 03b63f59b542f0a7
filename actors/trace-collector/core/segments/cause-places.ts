/**
 * Which records name a cause, by the number of that: a hash table with chains, in two arrays of numbers. Nothing is made of a record
 * for it, not even a text, so that a million are in it within some 20 ms. Who asks compares the actor.
 */
import type { Piece } from "./piece.ts";
import { causeSequenceOf } from "./piece.ts";

const END = -1;
const MULTIPLIER = 0x9e_37_79_b1;

export class CausePlaces {
  private readonly pieces: readonly Piece[];
  /** Of each piece, how many records lie before it. */
  private readonly before: readonly number[];
  private readonly heads: Int32Array;
  /** By record: the next of its chain. */
  private readonly next: Int32Array;
  private readonly shift: number;

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    let count = 0;
    this.before = pieces.map(({ at }) => (count += at.length) - at.length);
    const bits = Math.max(1, Math.ceil(Math.log2(count + 1)));
    this.shift = 32 - bits;
    this.heads = new Int32Array(2 ** bits).fill(END);
    this.next = new Int32Array(count);
    // From the last on, so that a chain has the first in front.
    for (let of = pieces.length - 1; of >= 0; of--) this.add(pieces[of]!, this.before[of]!);
  }

  /** The records whose cause has that number, whoever's it is, as they lie. */
  *of(sequence: number): Iterable<readonly [piece: Piece, index: number]> {
    let of = 0;
    for (let record = this.heads[this.slotOf(sequence)]!; record !== END; record = this.next[record]!) {
      while (of + 1 < this.before.length && this.before[of + 1]! <= record) of++;
      const piece = this.pieces[of]!;
      const index = record - this.before[of]!;
      if (causeSequenceOf(piece, piece.at[index]!) === sequence) yield [piece, index];
    }
  }

  private add(piece: Piece, before: number): void {
    const { heads, next } = this;
    for (let index = piece.at.length - 1; index >= 0; index--) {
      const sequence = causeSequenceOf(piece, piece.at[index]!);
      if (sequence === 0) continue;
      const slot = this.slotOf(sequence);
      next[before + index] = heads[slot]!;
      heads[slot] = before + index;
    }
  }

  private slotOf(sequence: number): number {
    return Math.imul(sequence, MULTIPLIER) >>> this.shift;
  }
}
