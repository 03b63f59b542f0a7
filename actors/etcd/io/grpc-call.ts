/** One call on its HTTP/2 stream. Source: grpc/grpc `doc/PROTOCOL-HTTP2.md`. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Draft } from "../../../protocols/etcd-wire/codec.ts";
import { decode, WireError } from "../../../protocols/etcd-wire/codec.ts";
import {
  encodeGrpcMessage,
  frame,
  FrameReader,
  GRPC,
  GrpcStatus,
  timeoutMsOf,
} from "../../../protocols/etcd-wire/grpc.ts";
import type { Messages, Methods } from "../../../protocols/etcd-wire/messages.ts";
import type { GrpcStream } from "../grpc/calls.ts";
import { statusOf } from "../grpc/calls.ts";

const CONTENT_TYPE = "application/grpc";
const HEAD = { ":status": 200, "content-type": CONTENT_TYPE };
/** Nobody who speaks gRPC looks at the date, which costs as much as all other headers. */
const WAIT_FOR_TRAILERS = { waitForTrailers: true, sendDate: false };
const GOOD = { "grpc-status": "0" };
/** Bytes that a client has not read, from which on it is waited for. */
const UNREAD_MAX = 1_048_576;

const ignore = (): void => undefined;

/** What the door knows of the connection. */
export interface Peer {
  readonly name: string;
  readonly commonName: string | undefined;
  /** Why nothing is done for it; empty where it is let in. */
  readonly refusal: string;
}

export class GrpcHttp2Call<Path extends keyof Methods> implements GrpcStream<Messages[Methods[Path][1]]> {
  readonly from: string;
  readonly commonName: string | undefined;
  readonly timeoutMs: number;
  readonly cause = "";
  private readonly stream: ServerHttp2Stream;
  private readonly headers: IncomingHttpHeaders;
  private readonly answerName: Methods[Path][1];
  private readonly crash: (error: unknown) => void;
  private abort: AbortController | undefined;
  private hasEnded = false;
  private isClosing = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    peer: Peer,
    answerName: Methods[Path][1],
    crash: (error: unknown) => void,
  ) {
    this.stream = stream;
    this.headers = headers;
    this.from = peer.name;
    this.commonName = peer.commonName;
    this.answerName = answerName;
    this.crash = crash;
    const timeout = headers["grpc-timeout"];
    this.timeoutMs = (typeof timeout === "string" ? timeoutMsOf(timeout) : undefined) ?? Infinity;
    stream.on("error", ignore);
  }

  /** Most calls are answered at once, and nobody looks at their signal. */
  get signal(): AbortSignal {
    if (this.abort !== undefined) return this.abort.signal;
    const { stream } = this;
    const abort = new AbortController();
    this.abort = abort;
    if (this.isClosing || stream.destroyed || stream.closed) abort.abort();
    else stream.once("close", () => abort.abort());
    return abort.signal;
  }

  get isFull(): boolean {
    return this.stream.writableLength >= UNREAD_MAX;
  }

  stash(): never {
    throw new Error("a call of gRPC can't be put aside");
  }

  metadata(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === "string" ? value : value?.[0];
  }

  /** Calls `take` with each message of the client, and `end` when there are no more. A message that is none ends the call. */
  receive(
    name: Methods[Path][0],
    bytesMax: number,
    take: (request: Messages[Methods[Path][0]]) => void,
    end: (isWithin: boolean) => void,
  ): void {
    const { stream } = this;
    const reader = new FrameReader(bytesMax);
    const onMessage = (message: Uint8Array): void => {
      if (!this.hasEnded) take(decode(name, message));
    };
    stream.on("data", (piece: Uint8Array) => {
      if (this.hasEnded) return;
      try {
        reader.push(piece, onMessage);
      } catch (error) {
        const isNone = error instanceof WireError;
        this.end(
          isNone
            ? new GrpcStatus(GRPC.INTERNAL, `grpc: error unmarshalling request: ${error.message}`)
            : (error as Error),
        );
      }
      // Whoever asks on without reading the answers waits.
      if (this.isFull) {
        stream.pause();
        stream.once("drain", () => stream.resume());
      }
    });
    stream.on("end", () => {
      if (!this.hasEnded) end(reader.isWithin);
    });
  }

  send(answer: Draft<Messages[Methods[Path][1]]>): void {
    if (!this.begin()) return;
    this.stream.write(frame(this.answerName, answer as never));
  }

  /** The answer of a unary call, which is all of it. */
  answer(answer: Draft<Messages[Methods[Path][1]]>): void {
    if (!this.begin()) return;
    this.hasEnded = true;
    this.stream.end(frame(this.answerName, answer as never));
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      const { stream } = this;
      if (!this.isFull || stream.destroyed || stream.closed) return resolve();
      const done = (): void => {
        stream.off("drain", done);
        stream.off("close", done);
        resolve();
      };
      stream.on("drain", done);
      stream.on("close", done);
    });
  }

  end(error?: Error): void {
    if (this.hasEnded) return;
    const status = error === undefined ? undefined : statusOf(error);
    if (error !== undefined && status === undefined) this.crash(error);
    this.finish(status ?? (error === undefined ? undefined : new GrpcStatus(GRPC.INTERNAL, "internal error")));
    this.isClosing = true;
    this.abort?.abort();
  }

  private finish(status: GrpcStatus | undefined): void {
    const { stream } = this;
    if (stream.headersSent) {
      this.hasEnded = true;
      if (status !== undefined) this.trailers = trailersOf(status);
      stream.end();
      return;
    }
    if (status === undefined) {
      if (!this.begin()) return;
      this.hasEnded = true;
      stream.end();
      return;
    }
    this.hasEnded = true;
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ...HEAD, ...trailersOf(status) }, { endStream: true });
    // What the client still sends is not wanted; told at once, it would hide the answer from clients on Node.js 22.
    if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  private trailers: Readonly<Record<string, string>> = GOOD;

  /** Sends the headers before the first message. False when there is nobody to send to. */
  private begin(): boolean {
    const { stream } = this;
    if (this.hasEnded || stream.destroyed || stream.closed) return false;
    if (stream.headersSent) return true;
    stream.respond(HEAD, WAIT_FOR_TRAILERS);
    stream.once("wantTrailers", () => {
      stream.sendTrailers(this.trailers);
      // What the client still sends is not wanted.
      if (!stream.readableEnded && this.isClosing) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    return true;
  }
}

function trailersOf({ code, message }: GrpcStatus): Readonly<Record<string, string>> {
  return { "grpc-status": String(code), "grpc-message": encodeGrpcMessage(message) };
}

/** What the certificate says that the client has shown, where it was checked. */
export function subjectOf(socket: TLSSocket | undefined): {
  readonly commonName: string | undefined;
  readonly organizations: readonly string[];
} {
  if (socket?.authorized !== true) return { commonName: undefined, organizations: [] };
  const { CN, O } = socket.getPeerCertificate().subject as { readonly CN?: unknown; readonly O?: unknown };
  return {
    commonName: typeof CN === "string" ? CN : undefined,
    organizations: (Array.isArray(O) ? (O as readonly unknown[]) : [O]).filter((one) => typeof one === "string"),
  };
}
