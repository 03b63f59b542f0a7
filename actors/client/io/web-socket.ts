/** A WebSocket on a connection that has been upgraded, of either side. */
import type { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { closeFrame, OPCODES, webSocketFrame, WebSocketReader } from "../core/streaming/websocket.ts";
import type { Carrier, Taker } from "./carrier.ts";
import { taking } from "./carrier.ts";

/** Source: RFC 6455, section 1.3. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MASK_BYTES = 4;
const CLOSED = 1_000;
const PROTOCOL_ERROR = 1_002;

/** `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key`. */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${KEY_SUFFIX}`).digest("base64");
}

/** A part of a message, as it comes. */
export type PartTaker = (bytes: Uint8Array, isFirst: boolean, isLast: boolean) => void | Promise<void>;

export class WebSocketConnection {
  private readonly carrier: Carrier;
  readonly isServer: boolean;
  private isClosing = false;

  constructor(carrier: Carrier, isServer: boolean) {
    this.carrier = carrier;
    this.isServer = isServer;
  }

  /** One message. */
  send(parts: readonly Uint8Array[], isText = false): void | Promise<void> {
    if (this.isClosing) return undefined;
    return this.carrier.write(webSocketFrame(isText ? OPCODES.text : OPCODES.binary, parts, this.mask()));
  }

  /** Once. */
  onParts(take: PartTaker): void {
    const reader = new WebSocketReader(this.isServer);
    const receive: Taker = async (bytes) => {
      for (const event of reader.receive(bytes)) {
        if (event.kind === "close") this.close(CLOSED, "");
        else if (event.kind === "ping") {
          await this.carrier.write(webSocketFrame(OPCODES.pong, [event.bytes], this.mask()));
        } else await take(event.bytes, event.isFirst, event.isLast);
      }
    };
    this.carrier.onBytes(receive, ({ message }) => this.close(PROTOCOL_ERROR, message));
  }

  onClose(listener: () => void): void {
    this.carrier.onClose(listener);
  }

  close(code: number = CLOSED, reason = ""): void {
    if (this.isClosing) return;
    this.isClosing = true;
    void this.carrier.write(closeFrame(code, reason, this.mask()));
    this.carrier.end();
  }

  destroy(): void {
    this.carrier.destroy();
  }

  private mask(): Buffer | undefined {
    return this.isServer ? undefined : randomBytes(MASK_BYTES);
  }
}

/** Bytes in the messages of a WebSocket, whose bounds mean nothing. */
export function tunnel(socket: WebSocketConnection): Carrier {
  return {
    write: (bytes) => socket.send([bytes]),
    onBytes: (take, refuse) => socket.onParts((bytes) => taking(take, bytes, refuse)),
    onClose: (listener) => socket.onClose(listener),
    end: () => socket.close(),
    destroy: () => socket.destroy(),
  };
}
