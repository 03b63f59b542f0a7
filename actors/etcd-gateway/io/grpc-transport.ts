/** gRPC on bare HTTP/2 to one member, over one connection. Source: grpc/grpc `doc/PROTOCOL-HTTP2.md`. */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { InkubeError } from "../../../protocols/errors.ts";
import { decode, WireError } from "../../../protocols/etcd-wire/codec.ts";
import type { GrpcCode } from "../../../protocols/etcd-wire/grpc.ts";
import {
  decodeGrpcMessage,
  frame,
  FrameReader,
  GRPC,
  GrpcStatus,
  timeoutText,
} from "../../../protocols/etcd-wire/grpc.ts";
import type { Messages, Methods } from "../../../protocols/etcd-wire/messages.ts";
import { METHODS } from "../../../protocols/etcd-wire/tables.ts";
import { openHttp2Session } from "../../../runtime/threads/http2-session.ts";
import type { EtcdGatewayOptions } from "../spec.ts";
import type { AnswerOf, Consumer, OpenTransport, RequestTo, Transport } from "../transport.ts";
import { CONNECTION_LOST, NOT_SENT } from "../transport.ts";

/** What may be under way unread: a page of a thousand objects must not wait for a round trip each 64 KB. */
const STREAM_WINDOW_BYTES = 4_194_304;
const CONNECTION_WINDOW_BYTES = 33_554_432;

export const grpcTransport: OpenTransport = (options) => new GrpcTransport(options);

interface Connection {
  readonly session: ClientHttp2Session;
  isUp: boolean;
}

class GrpcTransport implements Transport {
  private readonly options: EtcdGatewayOptions;
  private connection: Connection | undefined;
  private closed = false;

  constructor(options: EtcdGatewayOptions) {
    this.options = options;
  }

  call<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<AnswerOf<Path>> {
    return new Promise((resolve, reject) => {
      const stop = this.exchange(
        path,
        request,
        { timeoutMs, isOnly: true },
        {
          next: (answer) => {
            signal?.removeEventListener("abort", stop);
            resolve(answer);
          },
          end: (error) => {
            signal?.removeEventListener("abort", stop);
            reject(error);
          },
        },
      );
      if (signal?.aborted === true) stop();
      else signal?.addEventListener("abort", stop);
    });
  }

  stream<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    consumer: Consumer<AnswerOf<Path>>,
  ): () => void {
    return this.exchange(path, request, { timeoutMs: Infinity, isOnly: false }, consumer);
  }

  close(): void {
    this.closed = true;
    this.connection?.session.destroy();
  }

  private exchange<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    { timeoutMs, isOnly }: { readonly timeoutMs: number; readonly isOnly: boolean },
    consumer: Consumer<AnswerOf<Path>>,
  ): () => void {
    const [requestName, answerName] = METHODS[path] as unknown as readonly [keyof Messages, keyof Messages];
    const connection = this.connected();
    const stream = connection.session.request(headersOf(path, timeoutMs, !isOnly), { endStream: false });
    const bytes = frame(requestName, request as never);
    // Of what lasts this side stays open: etcd ends a watch with it.
    if (isOnly) stream.end(bytes);
    else stream.write(bytes);
    read(connection, stream, answerName, this.options.answerBytesMax, {
      next: (answer) => consumer.next(answer as unknown as AnswerOf<Path>),
      end: (error) => consumer.end(error),
    });
    return () => stream.close(constants.NGHTTP2_CANCEL);
  }

  private connected(): Connection {
    if (this.closed) throw new InkubeError(NOT_SENT, "this client is closed", { retryable: true });
    const { connection } = this;
    if (connection !== undefined && !connection.session.closed && !connection.session.destroyed) return connection;
    this.connection = this.connect();
    return this.connection;
  }

  private connect(): Connection {
    const { endpoint, tls, connectTimeoutMs, pingMs, pingTimeoutMs } = this.options;
    const session = openHttp2Session(endpoint, {
      ...{ connectTimeoutMs, pingMs, pingTimeoutMs },
      streamWindowBytes: STREAM_WINDOW_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      ...(tls === undefined ? {} : { tls }),
    });
    const connection = { session, isUp: false };
    session.once("connect", () => (connection.isUp = true));
    return connection;
  }
}

function headersOf(path: string, timeoutMs: number, needsLeader: boolean): Record<string, string> {
  return {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "grpc-inkube",
    ...(Number.isFinite(timeoutMs) ? { "grpc-timeout": timeoutText(timeoutMs) } : {}),
    // A watch at a member that is cut off would wait for ever.
    ...(needsLeader ? { hasleader: "true" } : {}),
  };
}

function read<Name extends keyof Messages>(
  connection: Connection,
  stream: ClientHttp2Stream,
  name: Name,
  bytesMax: number,
  consumer: Consumer<Messages[Name]>,
): void {
  const reader = new FrameReader(bytesMax);
  let failure: Error | undefined;
  let status: GrpcStatus | undefined;
  const take = (headers: IncomingHttpHeaders): void => void (status ??= statusOf(headers));
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("data", (piece: Uint8Array) => {
    try {
      reader.push(piece, (message) => consumer.next(decode(name, message)));
    } catch (error) {
      if (!(error instanceof GrpcStatus) && !(error instanceof WireError)) throw error;
      failure = error instanceof GrpcStatus ? error : new GrpcStatus(GRPC.INTERNAL, error.message);
      stream.close(constants.NGHTTP2_CANCEL);
    }
  });
  stream.on("error", (error: Error) => void (failure ??= broken(connection, error)));
  stream.on("close", () => {
    consumer.end(status ?? failure ?? broken(connection, new Error("the connection ended")));
  });
}

/** Undefined while the headers say nothing of how it ended. */
function statusOf(headers: IncomingHttpHeaders): GrpcStatus | undefined {
  const code = headers["grpc-status"];
  if (code !== undefined)
    return new GrpcStatus(Number(code) as GrpcCode, decodeGrpcMessage(String(headers["grpc-message"] ?? "")));
  const http = Number(headers[":status"] ?? constants.HTTP_STATUS_OK);
  return http === constants.HTTP_STATUS_OK
    ? undefined
    : new GrpcStatus(GRPC.UNAVAILABLE, `HTTP ${http}: this is no etcd`);
}

/** What waits for a connection that never comes has not left. */
function broken({ isUp }: Connection, error: Error): InkubeError {
  return new InkubeError(isUp ? CONNECTION_LOST : NOT_SENT, error.message, { retryable: true, cause: error });
}
