/**
 * One connection of SPDY/3.1, as Kubernetes speaks it: the client opens streams, each with headers that say what it is for; data goes both
 * ways. Neither side of Kubernetes keeps SPDY's own flow control: who reads slowly holds up the connection. What a data frame
 * carries is handed on as it comes.
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */
import { Incoming, joined, NOTHING, ProtocolFault } from "./bytes.ts";
import type { InflateRaw, SpdyHeaders } from "./spdy-headers.ts";
import { HeaderReader, HeaderWriter } from "./spdy-headers.ts";

export type SpdyEvent =
  /** `isLast`: nothing follows on it. To be answered with `reply` or `reset`. */
  | { readonly kind: "stream"; readonly id: number; readonly headers: SpdyHeaders; readonly isLast: boolean }
  | { readonly kind: "data"; readonly id: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly kind: "reset"; readonly id: number }
  /** To be sent back as it is. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "goAway" };

const VERSION = 3;
const HEAD_BYTES = 8;
const FLAG_FIN = 1;
const KINDS = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 };
/** Control frames are small: a header block is the longest. */
const CONTROL_BYTES_MAX = 65_536;
/** Bytes before the header block of each kind that has one. */
const SYN_STREAM_BYTES = 10;
const SYN_REPLY_BYTES = 4;
/** Source: SPDY/3.1, section 2.6.3. */
export const RESET = { protocolError: 1, refusedStream: 3, cancel: 5 } as const;
const DATA_BYTES_MAX = 0xff_ffff;

/** Of a data frame, what is still to come. */
interface Data {
  readonly id: number;
  readonly isLast: boolean;
  rest: number;
}

export class SpdyConnection {
  private readonly incoming = new Incoming();
  private readonly reader: HeaderReader;
  private readonly writer = new HeaderWriter();
  private data: Data | undefined;
  private lastId = 0;

  constructor(inflate: InflateRaw) {
    this.reader = new HeaderReader(inflate);
  }

  /** @throws ProtocolFault */
  receive(bytes: Uint8Array): readonly SpdyEvent[] {
    this.incoming.push(bytes);
    const events: SpdyEvent[] = [];
    for (;;) {
      const before = this.incoming.length;
      const event = this.data === undefined ? this.readFrame() : this.readData(this.data);
      if (event !== undefined) events.push(event);
      else if (this.incoming.length === before) return events;
    }
  }

  private readFrame(): SpdyEvent | undefined {
    const { incoming } = this;
    if (incoming.length < HEAD_BYTES) return undefined;
    const first = incoming.number(0, 4);
    const flags = incoming.byte(4);
    const length = incoming.number(5, 3);
    if (first < 0x8000_0000) {
      incoming.take(HEAD_BYTES);
      const data = { id: first, isLast: (flags & FLAG_FIN) !== 0, rest: length };
      if (length === 0) return { kind: "data", id: data.id, bytes: NOTHING, isLast: data.isLast };
      this.data = data;
      return undefined;
    }
    const version = Math.floor(first / 0x1_0000) & 0x7fff;
    if (version !== VERSION) throw new ProtocolFault(`SPDY of version ${version}, not ${VERSION}`);
    if (length > CONTROL_BYTES_MAX) throw new ProtocolFault(`a control frame of ${length} bytes`);
    if (incoming.length < HEAD_BYTES + length) return undefined;
    incoming.take(HEAD_BYTES);
    return this.control(first & 0xffff, flags, incoming.take(length).slice());
  }

  private readData(data: Data): SpdyEvent | undefined {
    if (this.incoming.length === 0) return undefined;
    const bytes = this.incoming.take(data.rest).slice();
    data.rest -= bytes.length;
    if (data.rest === 0) this.data = undefined;
    return { kind: "data", id: data.id, bytes, isLast: data.isLast && data.rest === 0 };
  }

  /** Undefined: nobody need know of it. */
  private control(kind: number, flags: number, payload: Uint8Array): SpdyEvent | undefined {
    const id = number32(payload, 0) & 0x7fff_ffff;
    const isLast = (flags & FLAG_FIN) !== 0;
    switch (kind) {
      case KINDS.synStream: {
        const headers = this.reader.read(payload.subarray(SYN_STREAM_BYTES));
        if (id % 2 === 0 || id <= this.lastId) throw new ProtocolFault(`stream ${id} after ${this.lastId}`);
        this.lastId = id;
        return { kind: "stream", id, headers, isLast };
      }
      case KINDS.synReply:
      case KINDS.headers:
        // The next block can't be read without this one.
        this.reader.read(payload.subarray(SYN_REPLY_BYTES));
        return isLast ? { kind: "data", id, bytes: NOTHING, isLast } : undefined;
      case KINDS.rstStream:
        return { kind: "reset", id };
      case KINDS.ping:
        // Those that we would have sent have even numbers.
        return id % 2 === 1 ? { kind: "send", bytes: control(KINDS.ping, 0, [payload]) } : undefined;
      case KINDS.goAway:
        return { kind: "goAway" };
      default:
        return undefined;
    }
  }

  reply(id: number): Uint8Array {
    return control(KINDS.synReply, 0, [bytes32(id), this.writer.write({})]);
  }

  /** Opens a stream, of a client. @param id odd, and above that of all before */
  open(id: number, headers: SpdyHeaders): Uint8Array {
    return control(KINDS.synStream, 0, [bytes32(id), bytes32(0), Uint8Array.of(0, 0), this.writer.write(headers)]);
  }

  frame(id: number, bytes: Uint8Array, isLast: boolean): Uint8Array {
    if (bytes.length > DATA_BYTES_MAX) throw new Error(`a data frame of ${bytes.length} bytes`);
    return joined([bytes32(id), bytes32((isLast ? FLAG_FIN * 0x100_0000 : 0) + bytes.length), bytes]);
  }

  reset(id: number, status: number): Uint8Array {
    return control(KINDS.rstStream, 0, [bytes32(id), bytes32(status)]);
  }

  goAway(): Uint8Array {
    return control(KINDS.goAway, 0, [bytes32(this.lastId), bytes32(0)]);
  }
}

function control(kind: number, flags: number, parts: readonly Uint8Array[]): Uint8Array {
  const payload = joined(parts);
  return joined([
    bytes32(0x8000_0000 + VERSION * 0x1_0000 + kind),
    bytes32(flags * 0x100_0000 + payload.length),
    payload,
  ]);
}

function bytes32(value: number): Uint8Array {
  return Uint8Array.of(Math.floor(value / 0x100_0000), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

function number32(bytes: Uint8Array, at: number): number {
  if (bytes.length < at + 4) throw new ProtocolFault("a control frame that is too short");
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
