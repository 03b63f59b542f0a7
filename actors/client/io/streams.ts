/** The streams that Kubernetes' protocols carry on one connection, whichever of them it is. */
import { constants, inflateRawSync } from "node:zlib";
import { NOTHING } from "../core/streaming/bytes.ts";
import type { InflateRaw, SpdyHeaders } from "../core/streaming/spdy-headers.ts";
import { RESET, SpdyConnection } from "../core/streaming/spdy.ts";
import type { Carrier, Taker } from "./carrier.ts";
import type { WebSocketConnection } from "./web-socket.ts";

export interface Stream {
  /** As of a `Carrier`. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Nothing more is sent on it. */
  end(): void;
  /** What comes on it. A promise holds back the whole connection. What comes while nobody listens is dropped. */
  onData(take: Taker): void;
  /** Nothing more comes on it. */
  onEnd(listener: () => void): void;
}

/** What one side of a stream has to tell, and who listens. */
class Listening {
  private take: Taker = () => undefined;
  private ended: () => void = () => undefined;
  isOver = false;

  onData(take: Taker): void {
    this.take = take;
  }

  onEnd(listener: () => void): void {
    this.ended = listener;
    if (this.isOver) listener();
  }

  data(bytes: Uint8Array): void | Promise<void> {
    return this.isOver || bytes.length === 0 ? undefined : this.take(bytes);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.ended();
  }
}

/** Half-closes a channel, from the fifth version on. */
const CLOSE_CHANNEL = 255;
const DIGIT_0 = 48;
const BASE64_UNIT = 4;

/**
 * Channels of a WebSocket: the first byte of a message is the number of its channel. What names a channel that is not there is dropped.
 * Source: k8s.io/streaming `wsstream/conn.go`.
 */
export class WebSocketChannels {
  private readonly socket: WebSocketConnection;
  private readonly isServer: boolean;
  private readonly version: number;
  private readonly isBase64: boolean;
  private readonly channels: Listening[];
  /** Of the message that is being read; undefined while its first byte has not come. */
  private channel: number | undefined;
  /** What is left of a text of base64, below four characters. */
  private left = "";

  constructor(
    socket: WebSocketConnection,
    count: number,
    { version, isBase64 }: { version: number; isBase64: boolean },
  ) {
    this.socket = socket;
    this.isServer = socket.isServer;
    this.version = version;
    this.isBase64 = isBase64;
    this.channels = Array.from({ length: count }, () => new Listening());
  }

  start(): void {
    this.socket.onParts((bytes, isFirst, isLast) => {
      if (isFirst) this.channel = undefined;
      const taken = this.part(bytes);
      if (isLast) this.left = "";
      return taken;
    });
  }

  private part(bytes: Uint8Array): void | Promise<void> {
    let rest = bytes;
    const [first] = bytes;
    if (this.channel === undefined) {
      if (first === undefined) return undefined;
      this.channel = this.isBase64 ? first - DIGIT_0 : first;
      rest = bytes.subarray(1);
    }
    if (this.version >= 5 && this.channel === CLOSE_CHANNEL) {
      for (const number of rest) this.channels[number]?.end();
      return undefined;
    }
    return this.channels[this.channel]?.data(this.isBase64 ? this.decoded(rest) : rest);
  }

  private decoded(bytes: Uint8Array): Uint8Array {
    const text = this.left + Buffer.from(bytes).toString("latin1");
    const whole = text.length - (text.length % BASE64_UNIT);
    this.left = text.slice(whole);
    return Buffer.from(text.slice(0, whole), "base64");
  }

  stream(number: number): Stream {
    const listening = this.channels[number];
    if (listening === undefined) throw new Error(`no channel ${number}`);
    return {
      write: (bytes) => {
        if (!this.isBase64) return this.socket.send([Uint8Array.of(number), bytes]);
        return this.socket.send([Buffer.from(`${number}${Buffer.from(bytes).toString("base64")}`, "latin1")], true);
      },
      // A client says it, from the fifth version on; else only the end of the connection ends a channel.
      end: () => {
        if (!this.isServer && this.version >= 5) void this.socket.send([Uint8Array.of(CLOSE_CHANNEL, number)]);
      },
      onData: (take) => listening.onData(take),
      onEnd: (listener) => listening.onEnd(listener),
    };
  }
}

/** Streams of one connection at once: a client that leaves all open takes no more. */
const STREAMS_MAX = 1_024;
/** What is sent is cut into frames that leave others their turn. */
const FRAME_BYTES_MAX = 65_536;

const inflate: InflateRaw = (bytes, dictionary, bytesMax) =>
  inflateRawSync(bytes, {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: bytesMax,
    ...(dictionary.length === 0 ? {} : { dictionary }),
  });

/** Streams of SPDY: the client opens them. */
export class SpdyStreams {
  private readonly carrier: Carrier;
  private readonly connection = new SpdyConnection(inflate);
  private readonly open = new Map<number, Listening>();
  private nextId = 1;
  /** Of those that are open, on which nothing more is sent. */
  private readonly sent = new Set<number>();

  constructor(carrier: Carrier) {
    this.carrier = carrier;
  }

  /** Of the client. Replies are not waited for: a stream that is refused ends. */
  openStream(headers: SpdyHeaders): Stream {
    const id = this.nextId;
    this.nextId += 2;
    const listening = new Listening();
    this.open.set(id, listening);
    void this.carrier.write(this.connection.open(id, headers));
    return this.stream(id, listening);
  }

  /** `onStream` answers whether a stream that the other side has opened is taken. */
  start(onStream: (stream: Stream, headers: SpdyHeaders) => boolean): void {
    const receive: Taker = async (bytes) => {
      for (const event of this.connection.receive(bytes)) {
        switch (event.kind) {
          case "stream":
            await this.opened(event.id, event.headers, event.isLast, onStream);
            break;
          case "data":
            await this.open.get(event.id)?.data(event.bytes);
            if (event.isLast) this.over(event.id);
            break;
          case "reset":
            this.sent.add(event.id);
            this.over(event.id);
            break;
          case "send":
            await this.carrier.write(event.bytes);
            break;
          case "goAway":
            break;
        }
      }
    };
    this.carrier.onBytes(receive, () => this.close());
  }

  private async opened(
    id: number,
    headers: SpdyHeaders,
    isLast: boolean,
    onStream: (stream: Stream, headers: SpdyHeaders) => boolean,
  ): Promise<void> {
    const listening = new Listening();
    const isTaken = this.open.size < STREAMS_MAX && onStream(this.stream(id, listening), headers);
    if (!isTaken) return await this.carrier.write(this.connection.reset(id, RESET.refusedStream));
    this.open.set(id, listening);
    // A stream may be answered before it is replied to: in the frames' order the reply comes first.
    await this.carrier.write(this.connection.reply(id));
    if (isLast) this.over(id);
  }

  /** Nothing more comes on it. */
  private over(id: number): void {
    this.open.get(id)?.end();
    this.forget(id);
  }

  /** Of which both sides have had enough. */
  private forget(id: number): void {
    if (this.open.get(id)?.isOver === true && this.sent.has(id)) {
      this.open.delete(id);
      this.sent.delete(id);
    }
  }

  private stream(id: number, listening: Listening): Stream {
    return {
      write: (bytes) => {
        if (!this.isOpen(id)) return undefined;
        let waiting: void | Promise<void> = undefined;
        for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) {
          waiting = this.carrier.write(this.connection.frame(id, bytes.subarray(at, at + FRAME_BYTES_MAX), false));
        }
        return waiting;
      },
      end: () => {
        if (!this.isOpen(id)) return;
        this.sent.add(id);
        void this.carrier.write(this.connection.frame(id, NOTHING, true));
        this.forget(id);
      },
      onData: (take) => listening.onData(take),
      onEnd: (listener) => listening.onEnd(listener),
    };
  }

  /** Whether something may still be sent on it. */
  private isOpen(id: number): boolean {
    return this.open.has(id) && !this.sent.has(id);
  }

  close(): void {
    void this.carrier.write(this.connection.goAway());
    this.carrier.end();
  }
}
