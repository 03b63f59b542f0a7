/**
 * One segment in hand: its bytes as they are, and where each event lies in them. A million messages are indexed in some 30 ms,
 * so nothing of it is kept on the disk; events are made one by one, of those that are asked for.
 */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { LAMPORT_WORD, SEQUENCE_WORD, decodeEvent } from "../../../../protocols/trace-words.ts";
import { MESSAGES } from "../events.ts";
import { CausePlaces } from "./cause-places.ts";
import type { Segment, SegmentHeader } from "./format.ts";
import type { Cursor } from "./merge.ts";
import type { Piece } from "./piece.ts";
import { causeOf, kindOf, pieceOf, readNames, subjectOf } from "./piece.ts";

/** Where an event is: piece, and record in it. */
type Place = readonly [piece: Piece, index: number];

const NONE: readonly TraceEvent[] = [];

export class SegmentIndex {
  readonly header: SegmentHeader;
  readonly segment: Segment;
  /** Events that are found here. */
  readonly count: number;
  private readonly pieces: readonly Piece[];
  private readonly byActor = new Map<string, Piece[]>();
  private subjectPlaces: ReadonlyMap<string, Place[]> | undefined;
  private kindPlaces: ReadonlyMap<string, Place[]> | undefined;
  private causePlaces: CausePlaces | undefined;

  /** @param seen last sequence of each actor in earlier segments of the class and run; who wrote them may have ended before it noted that */
  constructor(segment: Segment, seen: ReadonlyMap<string, number> = new Map()) {
    this.header = segment.header;
    this.segment = segment;
    const names = new Map<string, Map<number, string>>();
    const last = new Map(seen);
    const pieces: Piece[] = [];
    for (const records of segment.records) {
      const ofActor = names.get(records.actor) ?? new Map<number, string>();
      names.set(records.actor, ofActor);
      readNames(records, ofActor);
      const piece = pieceOf(records, ofActor, last.get(records.actor) ?? -Infinity);
      if (piece === undefined) continue;
      last.set(records.actor, piece.lastSequence);
      pieces.push(piece);
      const known = this.byActor.get(records.actor);
      if (known === undefined) this.byActor.set(records.actor, [piece]);
      else known.push(piece);
    }
    this.pieces = pieces;
    this.count = pieces.reduce((sum, { at }) => sum + at.length, 0);
  }

  get actors(): readonly string[] {
    return [...this.byActor.keys()];
  }

  lastSequenceOf(actor: string): number {
    return this.byActor.get(actor)?.at(-1)?.lastSequence ?? 0;
  }

  /** First and last sequence of the actor's runs without a hole that the pieces tell of. */
  spansOf(actor: string): readonly (readonly [first: number, count: number, last: number])[] {
    return (this.byActor.get(actor) ?? []).map(({ firstSequence, at, lastSequence }) => [
      firstSequence,
      at.length,
      lastSequence,
    ]);
  }

  named(actor: string, sequence: number): TraceEvent | undefined {
    const pieces = this.byActor.get(actor) ?? [];
    const piece = pieces[firstWhere(pieces.length, (index) => pieces[index]!.lastSequence >= sequence)];
    if (piece === undefined) return undefined;
    const sequenceOf = (index: number): number => piece.memory.words[piece.at[index]! + SEQUENCE_WORD]!;
    const index = firstWhere(piece.at.length, (of) => sequenceOf(of) >= sequence);
    return index < piece.at.length && sequenceOf(index) === sequence ? this.decode([piece, index]) : undefined;
  }

  /** Events that are no messages. */
  about(subject: string): readonly TraceEvent[] {
    return this.decodeAll(this.subjects().get(subject));
  }

  subjects(): ReadonlyMap<string, readonly Place[]> {
    return (this.subjectPlaces ??= this.header.class === "messages" ? new Map() : this.grouped(subjectOf));
  }

  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[] {
    if (this.isWithout(kinds)) return NONE;
    const found: TraceEvent[] = [];
    for (const piece of this.byActor.get(actor) ?? []) {
      for (let index = 0; index < piece.at.length; index++) {
        if (kinds === undefined || kinds.has(kindOf(piece, piece.at[index]!))) found.push(this.decode([piece, index]));
      }
    }
    return found;
  }

  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[] {
    if (this.isWithout(kinds)) return NONE;
    this.kindPlaces ??= this.grouped(kindOf);
    return [...kinds].flatMap((kind) => this.decodeAll(this.kindPlaces?.get(kind)));
  }

  causedBy(name: string): readonly TraceEvent[] {
    this.causePlaces ??= new CausePlaces(this.pieces);
    const found: TraceEvent[] = [];
    for (const place of this.causePlaces.of(Number(name.slice(name.lastIndexOf("#") + 1)))) {
      const [piece, index] = place;
      if (causeOf(piece, piece.at[index]!) === name) found.push(this.decode(place));
    }
    return found;
  }

  /** One for each actor, in front of its first event. */
  cursors(): readonly Cursor[] {
    return [...this.byActor].map(([actor, pieces]) => new PieceCursor(actor, pieces, (place) => this.decode(place)));
  }

  private isWithout(kinds: ReadonlySet<string> | undefined): boolean {
    if (kinds === undefined) return false;
    const isMessages = this.header.class === "messages";
    return ![...kinds].some((kind) => MESSAGES.has(kind) === isMessages);
  }

  private grouped(by: (piece: Piece, at: number) => string): ReadonlyMap<string, Place[]> {
    const groups = new Map<string, Place[]>();
    for (const piece of this.pieces) {
      for (let index = 0; index < piece.at.length; index++) {
        const key = by(piece, piece.at[index]!);
        if (key === "") continue;
        const known = groups.get(key);
        if (known === undefined) groups.set(key, [[piece, index]]);
        else known.push([piece, index]);
      }
    }
    return groups;
  }

  private decodeAll(places: readonly Place[] = []): readonly TraceEvent[] {
    return places.map((place) => this.decode(place));
  }

  private decode([{ memory, at, actor, nameAt }, index]: Place): TraceEvent {
    return decodeEvent(memory, at[index]!, actor, nameAt);
  }
}

class PieceCursor implements Cursor {
  readonly actor: string;
  private readonly pieces: readonly Piece[];
  private readonly decode: (place: Place) => TraceEvent;
  private piece = 0;
  private index = 0;
  sequence = 0;
  lamport = 0;

  constructor(actor: string, pieces: readonly Piece[], decode: (place: Place) => TraceEvent) {
    this.actor = actor;
    this.pieces = pieces;
    this.decode = decode;
    this.look();
  }

  event(): TraceEvent {
    return this.decode([this.pieces[this.piece]!, this.index]);
  }

  next(): boolean {
    this.index++;
    if (this.index === this.pieces[this.piece]!.at.length) {
      this.piece++;
      this.index = 0;
      if (this.piece === this.pieces.length) return false;
    }
    this.look();
    return true;
  }

  private look(): void {
    const { memory, at } = this.pieces[this.piece]!;
    this.sequence = memory.words[at[this.index]! + SEQUENCE_WORD]!;
    this.lamport = memory.bytes.readDoubleLE((at[this.index]! + LAMPORT_WORD) << 2);
  }
}

/** The first of `count` for which it holds, as it does for all that follow; `count` when for none. */
function firstWhere(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
