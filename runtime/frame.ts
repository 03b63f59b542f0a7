/**
 * The wire between two actors: everything that one turn sends to one peer leaves as one frame.
 *
 * A frame is `u32 epoch, u32 sequence, u32 bytes`, so many bytes of values that were encoded before (`pre-encoded.ts`),
 * then a msgpackr array `[envelope, envelope, …, lamport]`. Each end of a link owns a codec of its own that lives as long
 * as the link: record shapes are sent once and then named by number, which is only sound while a link is ordered and
 * loses nothing. Tables that differ decode to wrong values without any error, so the header says which codec a frame comes
 * from and which of its frames it is; any other than the next is refused.
 *
 * Why records with a table of the session (`npm run bench -- codec`, Node 20, there and back): a 3 KB Pod costs 12 µs, as
 * a structured clone 24, as JSON 24, as MessagePack maps 20. A table that is seeded at build time and frozen costs 13; with
 * a user's own labels, which no build can know, it costs 25 and the session's table 22. What many receive is encoded once
 * (`pre-encoded.ts`). A lone small message stays a structured clone (`threads/port-links.ts`): the port makes one anyway.
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { ErrorData } from "../protocols/errors.ts";
import { packed } from "./packed.ts";
import { PreEncodedLink, during } from "./pre-encoded.ts";

export const CALL = 0;
export const CAST = 1;
export const OPEN = 2;
export const REPLY = 3;
export const FAIL = 4;
export const ITEM = 5;
export const CREDIT = 6;
export const END = 7;
export const CANCEL = 8;
export const TAKEN = 9;
export const SPEAK = 10;
export const REFUSE = 11;

/** Sequence number of the sender's trace event that caused the message, 0 for none; a string when it is another actor's. */
export type WireCause = number | string;

export type Envelope =
  | readonly [
      kind: typeof CALL,
      id: number,
      method: number,
      request: unknown,
      timeoutMs: number,
      cause: WireCause,
      /** Actors that wait for the sender's answer, the first caller first; absent when none does. */
      waiting?: readonly string[],
    ]
  | readonly [kind: typeof CAST, method: number, request: unknown, cause: WireCause]
  | readonly [kind: typeof OPEN, id: number, method: number, request: unknown, credits: number, cause: WireCause]
  | readonly [kind: typeof REPLY, id: number, value: unknown]
  | readonly [kind: typeof FAIL, id: number, error: ErrorData]
  | readonly [kind: typeof ITEM, id: number, item: unknown]
  | readonly [kind: typeof CREDIT, id: number, credits: number]
  | readonly [kind: typeof END, id: number, error: ErrorData | null]
  | readonly [kind: typeof CANCEL, id: number]
  /** Casts of a method whose senders are held back that have been handled. */
  | readonly [kind: typeof TAKEN, method: number, count: number]
  /** Before its first message over a link: the protocol that the sender takes the receiver to serve. */
  | readonly [kind: typeof SPEAK, fingerprint: number]
  /** The answer when it is another: what the receiver serves. Nothing that was sent before or is sent after is carried out. */
  | readonly [kind: typeof REFUSE, name: string, version: number, methods: readonly string[]];

export interface Frame {
  readonly lamport: number;
  readonly envelopes: readonly Envelope[];
}

/** More record shapes than the protocols of one link have; beyond it shapes are sent again, never confused. */
const RECORD_SHAPES_MAX = 256;

const HEADER_BYTES = 12;

/** A frame that can't be read with the shapes that this end knows. The link is of no use any more. */
export class FrameMismatch extends Error {
  override readonly name = "FrameMismatch";
}

export class FrameCodec {
  private packr = newPackr();
  private readonly unpackr = new Unpackr({
    useRecords: true,
    sequential: true,
    maxOwnStructures: RECORD_SHAPES_MAX,
  } as ConstructorParameters<typeof Unpackr>[0]);

  private readonly preEncoded = new PreEncodedLink();
  private readonly epoch: number;
  private sent = 0;
  private read = 0;
  /** Of the codec at the other end, as its first frame said. */
  private peerEpoch: number | undefined;

  /** `epoch`: tells this codec from others of the same two actors; 32 bits. */
  constructor(epoch = 1) {
    this.epoch = epoch >>> 0;
  }

  /**
   * Takes `envelopes` over. The bytes have a buffer of exactly their size, so that posting them ships nothing else.
   * Throws what the encoder or a getter throws for what is no plain data; the codec is then as if it had not been asked.
   */
  encode(lamport: number, envelopes: Envelope[]): Uint8Array<ArrayBuffer> {
    const frame: (Envelope | number)[] = envelopes;
    frame.push(lamport);
    try {
      return during(this.preEncoded, () => packed(this.packr, frame, (bytes) => this.frame(bytes)));
    } catch (error) {
      // The table may have shapes by now that the other end has never seen. A new one says each shape again before it
      // names it, in the place of what the other end has under that number.
      this.packr = newPackr();
      this.preEncoded.undoWritten();
      frame.pop();
      throw error;
    }
  }

  private frame(envelopes: Uint8Array): Uint8Array<ArrayBuffer> {
    const start = HEADER_BYTES + this.preEncoded.writtenBytes;
    const bytes = new Uint8Array(start + envelopes.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.epoch);
    view.setUint32(4, ++this.sent >>> 0);
    view.setUint32(8, start - HEADER_BYTES);
    this.preEncoded.copyWritten(bytes, view, HEADER_BYTES);
    bytes.set(envelopes, start);
    return bytes;
  }

  /** Byte fields of what is decoded are views on `bytes`: copy what is kept for long. Throws `FrameMismatch`. */
  decode(bytes: Uint8Array): Frame {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const epoch = view.getUint32(0);
    const sequence = view.getUint32(4);
    const next = (this.read + 1) >>> 0;
    this.peerEpoch ??= epoch;
    if (epoch !== this.peerEpoch) throw new FrameMismatch("a frame of another incarnation of the link");
    if (sequence !== next) throw new FrameMismatch(`frame ${sequence} came in the place of frame ${next}`);
    this.read++;
    let frame: (Envelope | number)[];
    try {
      const start = HEADER_BYTES + view.getUint32(8);
      this.preEncoded.readValues(bytes, view, HEADER_BYTES, start);
      frame = during(this.preEncoded, () => this.unpackr.unpack(bytes.subarray(start))) as typeof frame;
    } catch (error) {
      throw new FrameMismatch("a frame that can't be decoded", { cause: error });
    } finally {
      this.preEncoded.forgetValues();
    }
    const lamport = frame.pop() as number;
    return { lamport, envelopes: frame as Envelope[] };
  }
}

function newPackr(): Packr {
  // msgpackr's types miss `sequential` on this version's options.
  return new Packr({
    useRecords: true,
    sequential: true,
    maxOwnStructures: RECORD_SHAPES_MAX,
  } as ConstructorParameters<typeof Packr>[0]);
}
