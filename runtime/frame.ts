/**
 * The wire between two actors: everything that one turn sends to one peer leaves as one frame.
 *
 * A frame is a msgpackr array `[envelope, envelope, …, lamport]`. Each end of a link owns a codec of its own that lives
 * as long as the link: record shapes are sent once and then named by number, which is only sound because a link is
 * ordered, loses nothing, and is made anew with each incarnation. Never share a codec between links.
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { ErrorData } from "../protocols/errors.ts";

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
  | readonly [kind: typeof TAKEN, method: number, count: number];

export interface Frame {
  readonly lamport: number;
  readonly envelopes: readonly Envelope[];
}

/** More record shapes than the protocols of one link have; beyond it shapes are sent again, never confused. */
const RECORD_SHAPES_MAX = 256;

export class FrameCodec {
  // msgpackr's types miss `sequential` on this version's options.
  private readonly packr = new Packr({
    useRecords: true,
    sequential: true,
    maxOwnStructures: RECORD_SHAPES_MAX,
  } as ConstructorParameters<typeof Packr>[0]);
  private readonly unpackr = new Unpackr({
    useRecords: true,
    sequential: true,
    maxOwnStructures: RECORD_SHAPES_MAX,
  } as ConstructorParameters<typeof Unpackr>[0]);

  /** Takes `envelopes` over. The bytes have a buffer of exactly their size, so that posting them ships nothing else. */
  encode(lamport: number, envelopes: Envelope[]): Uint8Array<ArrayBuffer> {
    const frame: (Envelope | number)[] = envelopes;
    frame.push(lamport);
    // What pack() returns is a view on a pool that the next call overwrites.
    return new Uint8Array(this.packr.pack(frame));
  }

  /** Byte fields of what is decoded are views on `bytes`: copy what is kept for long. */
  decode(bytes: Uint8Array): Frame {
    const frame = this.unpackr.unpack(bytes) as (Envelope | number)[];
    const lamport = frame.pop() as number;
    return { lamport, envelopes: frame as Envelope[] };
  }
}
