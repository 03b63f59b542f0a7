/**
 * WebSocket's framing (RFC 6455, section 5). What a message carries is handed on as it comes: of no message, however long, is more
 * kept than its head.
 */
import { Incoming, joined, NOTHING, ProtocolFault } from "./bytes.ts";

export const OPCODES = { more: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

export type WebSocketEvent =
  /** A part of a message; `isFirst` of its first, `isLast` of its last. */
  | { readonly kind: "data"; readonly bytes: Uint8Array; readonly isFirst: boolean; readonly isLast: boolean }
  | { readonly kind: "ping"; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly code: number };

/** Of a close that says nothing. Source: RFC 6455, section 7.1.5. */
const NO_STATUS = 1_005;
/** Of a control frame. Source: RFC 6455, section 5.5. */
const CONTROL_BYTES_MAX = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: Uint8Array | undefined;
  readonly length: number;
  /** Of `length`, what has been read. */
  read: number;
  readonly startsMessage: boolean;
}

export class WebSocketReader {
  private readonly incoming = new Incoming();
  private readonly isServer: boolean;
  private frame: Frame | undefined;
  private isInMessage = false;
  private isClosed = false;

  /** @param isServer what clients send is masked, and what servers send is not */
  constructor(isServer: boolean) {
    this.isServer = isServer;
  }

  /** After a close nothing more is told. @throws ProtocolFault */
  receive(bytes: Uint8Array): readonly WebSocketEvent[] {
    this.incoming.push(bytes);
    const events: WebSocketEvent[] = [];
    while (!this.isClosed) {
      this.frame ??= this.readHead();
      const event = this.frame === undefined ? undefined : this.readPayload(this.frame);
      if (event === undefined) break;
      if (event.kind === "close") this.isClosed = true;
      if (event !== PONG) events.push(event);
    }
    return events;
  }

  private readHead(): Frame | undefined {
    const { incoming } = this;
    if (incoming.length < 2) return undefined;
    const first = incoming.byte(0);
    const second = incoming.byte(1);
    const short = second & 0x7f;
    const extended = short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0;
    const isMasked = (second & 0x80) !== 0;
    const headLength = 2 + extended + (isMasked ? MASK_BYTES : 0);
    if (incoming.length < headLength) return undefined;
    const length = extended === 0 ? short : incoming.number(2, extended);
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw new ProtocolFault("reserved bits are set");
    if (isMasked !== this.isServer) throw new ProtocolFault(isMasked ? "a masked frame" : "a frame without a mask");
    if (!Number.isSafeInteger(length)) throw new ProtocolFault("a frame of over 2^53 bytes");
    this.check(opcode, isFinal, length);
    const head = incoming.take(headLength);
    const mask = isMasked ? head.slice(headLength - MASK_BYTES) : undefined;
    const startsMessage = opcode === OPCODES.text || opcode === OPCODES.binary;
    return { opcode, isFinal, mask, length, read: 0, startsMessage };
  }

  private check(opcode: number, isFinal: boolean, length: number): void {
    switch (opcode) {
      case OPCODES.more:
        if (!this.isInMessage) throw new ProtocolFault("a continuation of no message");
        return;
      case OPCODES.text:
      case OPCODES.binary:
        if (this.isInMessage) throw new ProtocolFault("a message inside of another one");
        return;
      case OPCODES.close:
      case OPCODES.ping:
      case OPCODES.pong:
        if (!isFinal || length > CONTROL_BYTES_MAX) throw new ProtocolFault("a control frame in pieces, or a long one");
        return;
      default:
        throw new ProtocolFault(`a frame of an unknown kind: ${opcode}`);
    }
  }

  private readPayload(frame: Frame): WebSocketEvent | undefined {
    const isControl = frame.opcode >= OPCODES.close;
    const rest = frame.length - frame.read;
    if (rest > 0 && (isControl ? this.incoming.length < rest : this.incoming.length === 0)) return undefined;
    const isFirst = frame.startsMessage && frame.read === 0;
    const bytes = unmasked(this.incoming.take(rest), frame);
    frame.read += bytes.length;
    const isOver = frame.read === frame.length;
    if (isOver) this.frame = undefined;
    if (isControl) return controlEvent(frame.opcode, bytes);
    this.isInMessage = !(isOver && frame.isFinal);
    return { kind: "data", bytes, isFirst, isLast: !this.isInMessage };
  }
}

/** Nobody asks for one; it is told of nobody. */
const PONG: WebSocketEvent = { kind: "ping", bytes: NOTHING };

function controlEvent(opcode: number, bytes: Uint8Array): WebSocketEvent {
  if (opcode === OPCODES.pong) return PONG;
  if (opcode === OPCODES.ping) return { kind: "ping", bytes };
  const [high, low] = bytes;
  return { kind: "close", code: high === undefined || low === undefined ? NO_STATUS : high * 256 + low };
}

function unmasked(bytes: Uint8Array, { mask, read }: Frame): Uint8Array {
  const plain = bytes.slice();
  if (mask === undefined) return plain;
  for (let i = 0; i < plain.length; i++) plain[i] = (plain[i] ?? 0) ^ (mask[(read + i) % MASK_BYTES] ?? 0);
  return plain;
}

/** A whole message, or a control frame. @param mask four bytes, of what a client sends */
export function webSocketFrame(opcode: number, parts: readonly Uint8Array[], mask?: Uint8Array): Uint8Array {
  const payload = joined(parts);
  const { length } = payload;
  const extended = length < LENGTH_16 ? 0 : length < 0x1_0000 ? 2 : 8;
  const head = new Uint8Array(2 + extended + (mask === undefined ? 0 : MASK_BYTES));
  head[0] = 0x80 | opcode;
  head[1] = (mask === undefined ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64);
  for (let i = 0, rest = length; i < extended; i++, rest = Math.floor(rest / 256)) head[1 + extended - i] = rest % 256;
  if (mask === undefined) return joined([head, payload]);
  head.set(mask, head.length - MASK_BYTES);
  return joined([head, payload.map((byte, i) => byte ^ (mask[i % MASK_BYTES] ?? 0))]);
}

export function closeFrame(code: number, reason = "", mask?: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, CONTROL_BYTES_MAX - 2);
  return webSocketFrame(OPCODES.close, [Uint8Array.of(code >> 8, code & 0xff), text], mask);
}
