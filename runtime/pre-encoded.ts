/**
 * Values that are encoded once and sent to many: `new PreEncoder()` per producer, `encode(value)` once per value, and the
 * result's `inMessage` wherever the value may stand in a message. The receiver gets plain data, a copy of its own.
 *
 * In a frame such values lie before the envelopes, which name them by number: neither end packs or reads one within the
 * other, and nobody has to look for the places where they belong.
 *
 * The record shapes of an encoder are one table that only grows. Each link that carries its values sends what the other
 * end has not seen of the table along with the first value that needs it.
 */
import { Packr, addExtension } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { KeptBytes } from "../protocols/kept-bytes.ts";
import { bytesOf, keepBytes } from "../protocols/kept-bytes.ts";
import { packed } from "./packed.ts";

/** Shapes of all kinds of objects of one producer; beyond it shapes are spelled out in each value. */
const SHAPES_MAX = 1_024;
/** A record's number has one byte up to here, two from here on. */
const SHORT_NUMBERS = 32;
const EXTENSION = 0x49;
/** `u32 encoder, u32 shapes known before, u32 bytes of news, u32 bytes of the value`, then the news and the value. */
const HEADER_BYTES = 16;

type Shape = readonly string[];
let encoders = 0;

export class PreEncoder {
  /** @internal Unique among those whose values cross one link in one direction: the sender's. */
  readonly id: number = ++encoders;
  private readonly shapes: Shape[] = [];
  private readonly packr = new Packr({
    useRecords: true,
    structures: [],
    maxSharedStructures: SHAPES_MAX,
    saveStructures: (shapes: readonly string[][]): boolean => {
      const count = Math.min(shapes.length, SHAPES_MAX);
      for (let index = this.shapes.length; index < count; index++) this.shapes.push([...shapes[index]!]);
      return true;
    },
  } as ConstructorParameters<typeof Packr>[0]);
  /** What was asked for last: links that carry the same values lack the same shapes. */
  private news = { from: 0, to: 0, bytes: new Uint8Array(0) };
  private ownTable: ShapeTable | undefined;

  private get table(): ShapeTable {
    return (this.ownTable ??= new ShapeTable());
  }

  encode<T>(value: T): PreEncoded<T> {
    const kept = packed(this.packr, value, keepBytes);
    return new PreEncoded<T>(this, kept, this.shapes.length);
  }

  /** @internal What a reader of `value` gets, where encoder and reader are one program. */
  decode(value: PreEncoded): unknown {
    const { table } = this;
    if (value.shapesMin > table.known) table.learn(table.known, this.newsOf(table.known, value.shapesMin));
    return table.unpackr.unpack(bytesOf(value.kept));
  }

  /** @internal The shapes from number `from` up to `to`, as a reader takes them. */
  newsOf(from: number, to: number): Uint8Array {
    if (this.news.from !== from || this.news.to !== to) {
      this.news = { from, to, bytes: new TextEncoder().encode(JSON.stringify(this.shapes.slice(from, to))) };
    }
    return this.news.bytes;
  }
}

export class PreEncoded<T = unknown> {
  /** @internal */
  readonly encoder: PreEncoder;
  /** @internal Kept by whoever encodes once for many, in thousands. */
  readonly kept: KeptBytes;
  /** @internal Shapes that its reader must know. */
  readonly shapesMin: number;
  private read: unknown;

  constructor(encoder: PreEncoder, kept: KeptBytes, shapesMin: number) {
    this.encoder = encoder;
    this.kept = kept;
    this.shapesMin = shapesMin;
  }

  /** @internal What the bytes say, made once; nobody changes it. */
  get decoded(): unknown {
    return (this.read ??= this.encoder.decode(this));
  }

  /**
   * To stand where a message has a `T`, and for nothing else: it is these bytes, typed as what the receiver will see. The
   * sender finds no field of the value in it.
   */
  get inMessage(): T {
    return this as unknown as T;
  }
}

/** How a codec writes and reads the pre-encoded values of its link. */
export class PreEncodedLink {
  private readonly sent = new Map<number, number>();
  private readonly tables = new Map<number, ShapeTable>();
  private written: Written[] = [];
  private values: readonly unknown[] = NONE;
  /** What the values take in the frame whose envelopes are being packed. */
  writtenBytes = 0;

  /** Called while the envelopes are packed. Returns what stands for the value among them. */
  write(value: PreEncoded): number {
    const { encoder, shapesMin } = value;
    const known = this.sent.get(encoder.id) ?? 0;
    const news = shapesMin > known ? encoder.newsOf(known, shapesMin) : NOTHING;
    if (shapesMin > known) this.sent.set(encoder.id, shapesMin);
    this.writtenBytes += HEADER_BYTES + news.length + value.kept.length;
    return this.written.push({ value, known, news }) - 1;
  }

  /** Puts the values of the envelopes that have just been packed into `target`, where they take `writtenBytes`. */
  copyWritten(target: Uint8Array, view: DataView, start: number): void {
    if (this.writtenBytes === 0) return;
    const text = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
    let at = start;
    for (const { value, known, news } of this.written) {
      view.setUint32(at, value.encoder.id);
      view.setUint32(at + 4, known);
      view.setUint32(at + 8, news.length);
      view.setUint32(at + 12, value.kept.length);
      at += HEADER_BYTES;
      if (news.length > 0) target.set(news, at);
      at += news.length;
      at += text.write(value.kept, at, "latin1");
    }
    this.written = [];
    this.writtenBytes = 0;
  }

  /** The envelopes can't be packed: none of their values is sent, nor any news of shapes. */
  undoWritten(): void {
    for (const { value, known } of this.written.reverse()) this.sent.set(value.encoder.id, known);
    this.written = [];
    this.writtenBytes = 0;
  }

  /** Called while the envelopes are read. */
  read(place: number): unknown {
    if (place >= this.values.length) throw new Error(`no value ${place} came with the frame`);
    return this.values[place];
  }

  /** Reads the values of a frame, before its envelopes. */
  readValues(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.values = NONE;
    if (start === end) return;
    const values: unknown[] = [];
    for (let at = start; at < end;) {
      const id = view.getUint32(at);
      const from = view.getUint32(at + 4);
      const newsEnd = at + HEADER_BYTES + view.getUint32(at + 8);
      const valueEnd = newsEnd + view.getUint32(at + 12);
      let table = this.tables.get(id);
      if (table === undefined) this.tables.set(id, (table = new ShapeTable()));
      if (newsEnd > at + HEADER_BYTES) table.learn(from, bytes.subarray(at + HEADER_BYTES, newsEnd));
      values.push(table.unpackr.unpack(bytes.subarray(newsEnd, valueEnd)));
      at = valueEnd;
    }
    this.values = values;
  }

  /** The envelopes have been read, or can't be. */
  forgetValues(): void {
    this.values = NONE;
  }
}

interface Written {
  readonly value: PreEncoded;
  readonly known: number;
  readonly news: Uint8Array;
}

const NONE: readonly unknown[] = [];
const NOTHING = new Uint8Array(0);

/** A shape as msgpackr keeps it. */
type Structure = string[] & { isShared?: boolean; highByte?: number };

/** The shapes of one encoder, at the other end of a link. */
class ShapeTable {
  private readonly structures: Structure[] & { sharedLength?: number } = [];
  readonly unpackr: Unpackr = new Unpackr({
    useRecords: true,
    structures: this.structures,
    maxSharedStructures: SHAPES_MAX,
  } as unknown as ConstructorParameters<typeof Unpackr>[0]);

  get known(): number {
    return this.structures.sharedLength ?? 0;
  }

  /**
   * The table grows in place: what msgpackr has compiled for the shapes that were there stays. It marks shapes so itself
   * when it loads a table (`_mergeStructures`), but not when it is given one.
   */
  learn(from: number, news: Uint8Array): void {
    const { structures } = this;
    const { known } = this;
    if (known !== from) throw new Error(`${known} shapes are known, not the ${from} that are built upon`);
    // Behind the table may be what a value has spelled out.
    structures.length = known;
    for (const shape of JSON.parse(new TextDecoder().decode(news)) as string[][]) {
      const structure: Structure = shape;
      structure.isShared = true;
      if (structures.length >= SHORT_NUMBERS) structure.highByte = (structures.length - SHORT_NUMBERS) >> 5;
      structures.push(structure);
    }
    structures.sharedLength = structures.length;
  }
}

/** Extensions are the same for all of msgpackr; which link is at work is known while it is. */
let atWork: PreEncodedLink | undefined;

export function during<T>(link: PreEncodedLink, work: () => T): T {
  atWork = link;
  try {
    return work();
  } finally {
    atWork = undefined;
  }
}

function linkAtWork(): PreEncodedLink {
  if (atWork === undefined) throw new Error("a pre-encoded value is only for messages between actors");
  return atWork;
}

addExtension({
  Class: PreEncoded,
  type: EXTENSION,
  write: (value: PreEncoded) => linkAtWork().write(value),
  read: (place: number) => linkAtWork().read(place),
});
