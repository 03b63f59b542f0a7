/**
 * gRPC over HTTP/2 but for the connection itself: frames, status codes, messages and timeouts in headers. Source: grpc/grpc
 * `doc/PROTOCOL-HTTP2.md`.
 */
import type { Draft } from "./codec.ts";
import { encode } from "./codec.ts";
import type { Messages } from "./messages.ts";

export const GRPC = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type GrpcCode = (typeof GRPC)[keyof typeof GRPC];

/** How a call ended, where it did not end well. */
export class GrpcStatus extends Error {
  readonly code: GrpcCode;

  constructor(code: GrpcCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Before each message: whether it is compressed, and its length in four bytes, the highest first. */
export const FRAME_HEAD_BYTES = 5;

/** A message with its head, ready to be sent. */
export function frame<Name extends keyof Messages>(name: Name, message: Draft<Messages[Name]>): Uint8Array {
  const bytes = encode(name, message, FRAME_HEAD_BYTES);
  const length = bytes.length - FRAME_HEAD_BYTES;
  bytes[0] = 0;
  bytes[1] = length >>> 24;
  bytes[2] = (length >>> 16) & 0xff;
  bytes[3] = (length >>> 8) & 0xff;
  bytes[4] = length & 0xff;
  return bytes;
}

/** Puts messages together again out of the pieces that arrive. */
export class FrameReader {
  private readonly bytesMax: number;
  private pieces: Uint8Array[] = [];
  private buffered = 0;
  /** Length of the message whose head was read; -1 between two messages. */
  private expected = -1;

  /** `bytesMax`: of one message. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Whether a message has begun and not ended. */
  get isWithin(): boolean {
    return this.buffered > 0 || this.expected >= 0;
  }

  /**
   * Calls `take` with each message that is whole now; it may be a view on `piece`. Throws `GrpcStatus`: RESOURCE_EXHAUSTED for a
   * message that is too large, UNIMPLEMENTED for one that is compressed, INTERNAL for no head of a message.
   */
  push(piece: Uint8Array, take: (message: Uint8Array) => void): void {
    this.pieces.push(piece);
    this.buffered += piece.length;
    for (;;) {
      if (this.expected < 0) {
        if (this.buffered < FRAME_HEAD_BYTES) return;
        this.expected = this.checkHead(this.read(FRAME_HEAD_BYTES));
      }
      if (this.buffered < this.expected) return;
      const message = this.read(this.expected);
      this.expected = -1;
      take(message);
    }
  }

  private checkHead(head: Uint8Array): number {
    const [flag, a, b, c, d] = head as unknown as readonly [number, number, number, number, number];
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (flag === 1) {
      const text = "grpc: Decompressor is not installed for a compressed message";
      throw new GrpcStatus(GRPC.UNIMPLEMENTED, text);
    }
    if (flag !== 0) throw new GrpcStatus(GRPC.INTERNAL, `grpc: received unexpected payload format ${flag}`);
    if (length > this.bytesMax) {
      const text = `grpc: received message larger than max (${length} vs. ${this.bytesMax})`;
      throw new GrpcStatus(GRPC.RESOURCE_EXHAUSTED, text);
    }
    return length;
  }

  private read(length: number): Uint8Array {
    const first = this.pieces[0];
    this.buffered -= length;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.pieces.shift();
      else this.pieces[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const whole = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const piece = this.pieces[0] as Uint8Array;
      const part = piece.subarray(0, length - at);
      whole.set(part, at);
      at += part.length;
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
    }
    return whole;
  }
}

const UNIT_MS: { readonly [unit: string]: number } = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** What `grpc-timeout` says, in ms; undefined for what says nothing. */
export function timeoutMsOf(text: string): number | undefined {
  const parts = /^(\d{1,8})([HMSmun])$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * (UNIT_MS[parts[2] as string] as number);
}

/** As `grpc-timeout` says it: eight digits at most. */
export function timeoutText(timeoutMs: number): string {
  const ms = Math.max(0, Math.ceil(timeoutMs));
  return ms < 1e8 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1_000))}S`;
}

const ENCODED = /[^\x20-\x24\x26-\x7e]/u;

/** A status' message as a header holds it. */
export function encodeGrpcMessage(text: string): string {
  if (!ENCODED.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The text again; what is no right encoding stays as it is. */
export function decodeGrpcMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = Buffer.from(
    text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
  return bytes.toString("utf8");
}
