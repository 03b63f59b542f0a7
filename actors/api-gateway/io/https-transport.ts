/** HTTP/2 over TLS to one API server, by few connections that many requests share. */
import { readFileSync } from "node:fs";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import { InkubeError } from "../../../protocols/errors.ts";
import { openHttp2Session } from "../../../runtime/threads/http2-session.ts";
import { badAnswer } from "../core/answers.ts";
import type { HttpRequest } from "../core/http-request.ts";
import type { ApiGatewayOptions } from "../spec.ts";
import type { HttpAnswer, OpenTransport, Transport, WatchConsumer } from "../transport.ts";

/** What may be under way unread: a list of thousands of pods must not wait for a round trip each 64 KB. */
const STREAM_WINDOW_BYTES = 1_048_576;
const CONNECTION_WINDOW_BYTES = 16_777_216;

export const httpsTransport: OpenTransport = (options) => new HttpsTransport(options);

interface Connection {
  readonly session: ClientHttp2Session;
  streams: number;
}

class HttpsTransport implements Transport {
  private readonly options: ApiGatewayOptions;
  private readonly connections = new Set<Connection>();
  private closed = false;

  constructor(options: ApiGatewayOptions) {
    this.options = options;
  }

  ask(request: HttpRequest, userAgent: string, signal: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.open(request, userAgent);
      const abort = (): void => stream.close(constants.NGHTTP2_CANCEL);
      const settled = (settle: () => void): void => {
        signal.removeEventListener("abort", abort);
        settle();
      };
      let head: Head | undefined;
      stream.on("response", (headers) => {
        head = headOf(headers);
      });
      const body = collect(stream, this.options.answerBytesMax, (error) => settled(() => reject(error)));
      stream.on("error", (error) => settled(() => reject(broken(error))));
      stream.on("close", () => {
        const answered = head;
        if (answered === undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
          return settled(() => reject(broken(new Error("the connection ended before the answer did"))));
        settled(() => resolve({ ...answered, text: body() }));
      });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
    });
  }

  watch(request: HttpRequest, userAgent: string, consumer: WatchConsumer): () => void {
    const stream = this.open(request, userAgent);
    let head: Head | undefined;
    let failure: Error | undefined;
    let refusal: (() => string) | undefined;
    stream.on("response", (headers) => {
      head = headOf(headers);
      if (head.code < constants.HTTP_STATUS_BAD_REQUEST) {
        stream.on("data", (bytes: Uint8Array) => consumer.data(bytes));
        return;
      }
      refusal = collect(stream, this.options.answerBytesMax, (error) => void (failure = error));
    });
    stream.on("error", (error) => void (failure = broken(error)));
    stream.on("close", () => {
      if (head === undefined)
        return consumer.end(failure ?? broken(new Error("the connection ended before an answer")));
      if (refusal !== undefined) return consumer.refused({ ...head, text: refusal() });
      const cut = stream.rstCode !== constants.NGHTTP2_NO_ERROR ? broken(new Error("the connection ended")) : undefined;
      consumer.end(failure ?? cut);
    });
    return () => stream.close(constants.NGHTTP2_CANCEL);
  }

  close(): void {
    this.closed = true;
    for (const { session } of this.connections) session.destroy();
  }

  private open({ method, path, contentType, body }: HttpRequest, userAgent: string): ClientHttp2Stream {
    const connection = this.connection();
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const stream = connection.session.request(
      {
        ":method": method,
        ":path": path,
        accept: "application/json",
        "user-agent": userAgent,
        ...(bytes === undefined ? {} : { "content-type": contentType, "content-length": bytes.length }),
      },
      { endStream: bytes === undefined },
    );
    connection.streams++;
    stream.once("close", () => connection.streams--);
    if (bytes !== undefined) stream.end(bytes);
    return stream;
  }

  /** One with room, or a new one. */
  private connection(): Connection {
    if (this.closed) throw broken(new Error("this client is closed"));
    for (const each of this.connections) {
      if (each.streams < this.options.streamsMax && !each.session.closed && !each.session.destroyed) return each;
    }
    const connection = { session: this.connect(), streams: 0 };
    this.connections.add(connection);
    connection.session.once("close", () => this.connections.delete(connection));
    return connection;
  }

  private connect(): ClientHttp2Session {
    const { server, authority, credentialFile, connectTimeoutMs, pingMs, pingTimeoutMs } = this.options;
    const credential = readFileSync(credentialFile, "utf8");
    return openHttp2Session(server, {
      ...{ connectTimeoutMs, pingMs, pingTimeoutMs },
      streamWindowBytes: STREAM_WINDOW_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      tls: { ca: authority, cert: credential, key: credential },
    });
  }
}

type Head = Omit<HttpAnswer, "text">;

function headOf(headers: {
  readonly ":status"?: number | undefined;
  readonly "retry-after"?: string | undefined;
}): Head {
  return { code: headers[":status"] ?? 0, retryAfter: headers["retry-after"] };
}

/** Reads a body. Answers with how to have it when it is there. */
function collect(stream: ClientHttp2Stream, bytesMax: number, failed: (error: Error) => void): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= bytesMax) return void chunks.push(chunk);
    failed(badAnswer(`the answer is longer than ${bytesMax} bytes`));
    stream.close(constants.NGHTTP2_CANCEL);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function broken(error: Error): InkubeError {
  return new InkubeError("CONNECTION_FAILED", error.message, { retryable: true, cause: error });
}
