/** WebSocket's framing, against RFC 6455. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolFault } from "../../../../../../actors/client/core/streaming/bytes.ts";
import type { WebSocketEvent } from "../../../../../../actors/client/core/streaming/websocket.ts";
import {
  closeFrame,
  OPCODES,
  webSocketFrame,
  WebSocketReader,
} from "../../../../../../actors/client/core/streaming/websocket.ts";

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function inPieces(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) break;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  if (at < bytes.length) pieces.push(bytes.slice(at));
  return pieces;
}

/** The messages that the parts make. */
function messagesOf(events: readonly WebSocketEvent[]): Uint8Array[] {
  const messages: number[][] = [];
  for (const event of events) {
    if (event.kind !== "data") continue;
    if (event.isFirst) messages.push([]);
    messages.at(-1)?.push(...event.bytes);
  }
  return messages.map((message) => Uint8Array.from(message));
}

describe("what a client sends", () => {
  it("is read as RFC 6455, section 5.7, writes it", () => {
    const hello = Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
    expect(webSocketFrame(OPCODES.text, [bytesOf("Hello")], MASK)).toEqual(hello);
    const events = new WebSocketReader(true).receive(hello);
    expect(events).toEqual([{ kind: "data", bytes: bytesOf("Hello"), isFirst: true, isLast: true }]);
  });

  it("comes out as it went in, whatever pieces it came in", () => {
    const message = fc.uint8Array({ maxLength: 2_000, size: "max" });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.array(fc.nat(1_500), { maxLength: 40 }),
        (messages, sizes) => {
          const frames = messages.map((each) => webSocketFrame(OPCODES.binary, [each], MASK));
          const whole = Uint8Array.from(frames.flatMap((frame) => [...frame]));
          const reader = new WebSocketReader(true);
          const events = inPieces(whole, sizes).flatMap((piece) => [...reader.receive(piece)]);
          expect(messagesOf(events)).toEqual(messages);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([125, 126, 65_535, 65_536])("may be a message of %d bytes", (length) => {
    const message = new Uint8Array(length).fill(7);
    expect(messagesOf(new WebSocketReader(true).receive(webSocketFrame(OPCODES.binary, [message], MASK)))).toEqual([
      message,
    ]);
  });

  it("is handed on before its message has ended, however long that says it will be", () => {
    const head = Uint8Array.of(0x82, 0xff, 0, 0, 0x10, 0, 0, 0, 0, 0, ...MASK);
    const reader = new WebSocketReader(true);
    expect(reader.receive(head)).toEqual([]);
    const [event] = reader.receive(bytesOf("abc").map((byte, i) => byte ^ (MASK[i] ?? 0)));
    expect(event).toEqual({ kind: "data", bytes: bytesOf("abc"), isFirst: true, isLast: false });
  });

  it("may have a ping between the frames of one message", () => {
    const parts = [
      Uint8Array.of(0x02, 0x81, ...MASK, 0x31 ^ 0x37),
      webSocketFrame(OPCODES.ping, [bytesOf("p")], MASK),
      Uint8Array.of(0x80, 0x81, ...MASK, 0x32 ^ 0x37),
    ];
    const reader = new WebSocketReader(true);
    expect(parts.flatMap((part) => [...reader.receive(part)])).toEqual([
      { kind: "data", bytes: bytesOf("1"), isFirst: true, isLast: false },
      { kind: "ping", bytes: bytesOf("p") },
      { kind: "data", bytes: bytesOf("2"), isFirst: false, isLast: true },
    ]);
  });

  it("is over with its close", () => {
    const reader = new WebSocketReader(true);
    const close = closeFrame(1_001, "away", MASK);
    expect(reader.receive(close)).toEqual([{ kind: "close", code: 1_001 }]);
    expect(reader.receive(webSocketFrame(OPCODES.text, [bytesOf("x")], MASK))).toEqual([]);
  });

  it.each([
    ["without a mask", [0x81, 0x01, 0x61]],
    ["with reserved bits", [0xc1, 0x80, 0, 0, 0, 0]],
    ["of an unknown kind", [0x83, 0x80, 0, 0, 0, 0]],
    ["that goes on with nothing", [0x80, 0x80, 0, 0, 0, 0]],
    ["that begins a message inside of another one", [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0]],
    ["of control, in pieces", [0x09, 0x80, 0, 0, 0, 0]],
    ["of control, with over 125 bytes", [0x89, 0xfe, 0, 126, 0, 0, 0, 0]],
    ["of over 2^53 bytes", [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
  ])("is refused in a frame %s", (_what, bytes) => {
    expect(() => new WebSocketReader(true).receive(Uint8Array.from(bytes))).toThrow(ProtocolFault);
  });
});

it("a server's frames have no mask, and clients refuse those that have", () => {
  const frame = webSocketFrame(OPCODES.binary, [bytesOf("ab"), bytesOf("c")]);
  expect([...frame]).toEqual([0x82, 3, 0x61, 0x62, 0x63]);
  expect(messagesOf(new WebSocketReader(false).receive(frame))).toEqual([bytesOf("abc")]);
  expect(() => new WebSocketReader(false).receive(webSocketFrame(OPCODES.text, [], MASK))).toThrow(ProtocolFault);
});
