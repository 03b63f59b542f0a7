/**
 * The HTTPS door: HTTP/2 by its stream API, HTTP/1.1 by the ordinary one, on one port. Who a client is, its certificate or its
 * bearer token says. It can be opened anew on another port, and closes without leaving a socket behind.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ServerResponse } from "node:http";
import type { Http2SecureServer, Http2Session, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createSecureServer } from "node:http2";
import type { ListenOptions } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Backend, Door, OpenDoor } from "../backend.ts";
import type { Peer } from "../core/rest/idle-connections.ts";
import { IdleConnections } from "../core/rest/idle-connections.ts";
import { failure, requestEntityTooLarge, tooManyRequests } from "../core/machinery/status.ts";
import type { Turns } from "../flow-control.ts";
import { Authenticator } from "./authentication.ts";
import { Http1Answer } from "./http1-answer.ts";
import { Http2Answer } from "./http2-answer.ts";
import type { ArrivedRequest, HttpAnswer, RawHandler, Upgrade } from "./http-messages.ts";
import { AUDIT_ID, auditIdOf } from "./http-messages.ts";
import { Rest } from "./rest.ts";
import { tracePaths } from "./trace-log.ts";

/** Streams of one connection at once; Go's clients open another one for more. As kube-apiserver's. */
const STREAMS_MAX = 100;
const WINDOW_BYTES = 1_048_576;
/** How often connections are looked at that may be idle or slow, within the shortest of their limits. */
const LOOKS = 2;
/** What is under way so long after the server has been asked to stop is cut. */
const CLOSE_MS = 250;
/** How long a client whose request was refused may take to read that. Source: net/http `rstAvoidanceDelay`. */
const LINGER_MS = 500;
const EMPTY = new Uint8Array(0);
const TOO_MANY = "too many requests, please try again later";

/** Microtasks come after all ticks: the one that is set by the last of them comes when nothing is left of either. */
const TURNS: Turns = {
  next: (action) => void setImmediate(action),
  afterAll: (action) => queueMicrotask(() => process.nextTick(action)),
};

export function httpsDoor(raw: ReadonlyMap<string, RawHandler> = new Map()): OpenDoor {
  return (backend) => new HttpsDoor(backend, raw);
}

class HttpsDoor implements Door {
  private readonly backend: Backend;
  private readonly rest: Rest;
  private readonly authenticator: Authenticator;
  private open: OpenServer | undefined;
  private readonly closing = new Set<OpenServer>();
  /** What has been read and is not carried out yet. */
  private arrived: { readonly request: ArrivedRequest; readonly answer: HttpAnswer }[] = [];
  /** By HTTP/2 session, or by the socket of a connection that speaks HTTP/1.1. */
  private readonly idle: IdleConnections<object>;

  constructor(backend: Backend, raw: ReadonlyMap<string, RawHandler>) {
    this.backend = backend;
    this.rest = new Rest(backend, new Map([...raw, ...tracePaths(backend.traceLog)]), TURNS);
    this.authenticator = new Authenticator(backend.tokens);
    this.idle = new IdleConnections(backend.options);
    backend.every(backend.options.prefaceTimeoutMs / LOOKS, () => this.idle.look(backend.monotonicMs()));
  }

  async serve(host: string, port: number, reusePort: boolean): Promise<number> {
    this.withdraw();
    const { tls, headersTimeoutMs, prefaceTimeoutMs } = this.backend.options;
    if (tls === undefined) throw new InkubeError("INVALID_ARGUMENT", "an API server without TLS material can't serve");
    const server = createSecureServer({
      allowHTTP1: true,
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      handshakeTimeout: headersTimeoutMs,
      settings: { maxConcurrentStreams: STREAMS_MAX, initialWindowSize: WINDOW_BYTES },
    });
    // Of connections that speak HTTP/1.1; Node's types do not tell of them. Bodies have a time limit of their own.
    const connectionsCheckingInterval = prefaceTimeoutMs / LOOKS;
    const limits = { headersTimeout: headersTimeoutMs, requestTimeout: 0, connectionsCheckingInterval };
    const open = new OpenServer(Object.assign(server, limits), this.idle, () => this.backend.monotonicMs());
    server.on("request", (request: IncomingMessage, response: ServerResponse) => this.http1(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
      const response = new ServerResponse(request);
      // What it becomes, if it does, is passed through; else it is answered as if nothing had been asked for.
      response.assignSocket(socket as TLSSocket);
      response.shouldKeepAlive = false;
      response.once("finish", () => socket.end());
      socket.once("close", this.idle.begin(socket));
      this.http1(request, response, { socket, head: early });
    });
    // With a listener for requests Node adds one that turns each HTTP/2 stream into such a request; ours takes its place.
    server.removeAllListeners("stream");
    // Node's types do not tell of the last argument.
    const onStream = (
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      _flags: number,
      ...more: unknown[]
    ): void => this.http2(stream, headers, more[0] as readonly string[]);
    server.on("stream", onStream);
    const options: ListenOptions & { reusePort: boolean } = { host, port, reusePort };
    this.open = open;
    try {
      return await open.listen(options);
    } catch (error) {
      this.open = undefined;
      throw listenError(error as NodeJS.ErrnoException, host, port);
    }
  }

  withdraw(): void {
    const { open } = this;
    this.open = undefined;
    this.rest.endWatches();
    if (open === undefined) return;
    this.closing.add(open);
    // Whoever has asked something is answered, if only that it took too long.
    open.close(this.backend.options.requestTimeoutMs);
    void open.closed.then(() => this.closing.delete(open));
  }

  async close(): Promise<void> {
    this.withdraw();
    await Promise.all(
      [...this.closing].map((open) => {
        open.close(CLOSE_MS);
        return open.closed;
      }),
    );
    this.rest.close();
  }

  /** Most clients name no request: then the headers are not gone through. */
  private auditId(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): string {
    return (headers[AUDIT_ID] === undefined ? "" : auditIdOf(rawHeaders)) || this.backend.newId();
  }

  private http2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const auditId = this.auditId(headers, rawHeaders);
    const { session } = stream;
    const lasts = (): void => {
      if (session !== undefined && !stream.closed) stream.once("close", this.idle.begin(session));
    };
    const answer = new Http2Answer(stream, auditId, lasts);
    const { authorization } = headers;
    const head: ArrivedRequest = {
      method: String(headers[":method"]),
      url: String(headers[":path"]),
      auditId,
      headers,
      rawHeaders,
      user: undefined,
      identify: () => (session === undefined ? undefined : this.authenticator.ofSession(session, authorization)),
      localAddress: String(headers[":authority"] ?? ""),
      remoteAddress: () => session?.socket.remoteAddress ?? "",
      body: EMPTY,
    };
    if (this.rest.passesOn(head.url)) {
      lasts();
      if (stream.endAfterHeaders) stream.resume();
      return this.handle(stream.endAfterHeaders ? head : { ...head, stream }, answer);
    }
    // Most requests end with their headers. Node reads their end when the stream closes: when it has been read before, the
    // stream is torn down while its answer is being written, at the price of an error with its stack, which nobody sees.
    if (stream.endAfterHeaders) this.handle(head, answer);
    else if (headers[":method"] === "GET") {
      stream.resume();
      this.handle(head, answer);
    } else this.collect(stream, head, answer);
  }

  private http1(request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): void {
    // HTTP/2 requests come by `http2`.
    if (request.httpVersionMajor !== 1) return;
    const auditId = this.auditId(request.headers, request.rawHeaders);
    const answer = new Http1Answer(request, response, auditId);
    const socket = request.socket as TLSSocket;
    const head: ArrivedRequest = {
      method: request.method ?? "GET",
      url: request.url ?? "/",
      auditId,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      user: undefined,
      identify: () => this.authenticator.ofSocket(socket, request.headers.authorization),
      localAddress: request.headers.host ?? "",
      remoteAddress: () => socket.remoteAddress ?? "",
      body: EMPTY,
      ...(upgrade === undefined ? {} : { upgrade }),
    };
    if (this.rest.passesOn(head.url)) {
      const { "content-length": length, "transfer-encoding": coding } = request.headers;
      const hasBody = (length !== undefined && length !== "0") || coding !== undefined;
      if (!hasBody && upgrade === undefined) request.resume();
      return this.handle(hasBody ? { ...head, stream: request } : head, answer);
    }
    if (head.method === "GET" || head.method === "HEAD") {
      request.resume();
      this.handle(head, answer);
    } else this.collect(request, head, answer);
  }

  /** Gathers the body, up to the limit. */
  private collect(source: NodeJS.ReadableStream, head: ArrivedRequest, answer: Http1Answer | Http2Answer): void {
    const { bodyBytesMax, bodyTimeoutMs } = this.backend.options;
    const { held } = this.rest;
    let chunks: Uint8Array[] = [];
    let length = 0;
    let refused = false;
    let release = held.hold(0);
    const refuse = (error: InkubeError): void => {
      refused = true;
      chunks = [];
      release();
      this.rest.refuse(head, answer, error);
    };
    const late = this.backend.after(bodyTimeoutMs, () => answer.destroy());
    source.on("close", () => {
      late.cancel();
      release();
    });
    source.on("data", (chunk: Uint8Array) => {
      if (refused) return;
      length += chunk.length;
      if (length > bodyBytesMax) return refuse(requestEntityTooLarge(bodyBytesMax));
      // Most bodies come in one piece, and are read in the same turn.
      if (chunks.length > 0) {
        if (held.isFullWith(chunk.length)) return refuse(tooManyRequests(TOO_MANY, 1));
        release();
        release = held.hold(length);
      }
      chunks.push(chunk);
    });
    source.on("end", () => {
      late.cancel();
      if (refused) return;
      const [only = EMPTY] = chunks;
      this.handle({ ...head, body: chunks.length <= 1 ? only : Buffer.concat(chunks) }, answer);
    });
  }

  /**
   * What one turn of the event loop has read is carried out together: what it asks of etcd leaves as one frame, where each
   * would wake etcd's thread by itself, and comes back as one.
   */
  private handle(request: ArrivedRequest, answer: HttpAnswer): void {
    if (this.arrived.push({ request, answer }) > 1) return;
    setImmediate(() => {
      const { arrived } = this;
      this.arrived = [];
      for (const each of arrived) {
        this.rest.handle(each.request, each.answer).catch((error: unknown) => this.backend.crash(error));
      }
    });
  }
}

/** A listening server and everything that came in by it. */
class OpenServer {
  private readonly server: Http2SecureServer;
  private readonly idle: IdleConnections<object>;
  private readonly sessions = new Set<Http2Session>();
  private readonly sockets = new Set<TLSSocket>();
  /** What is to be answered on HTTP/1.1 connections. */
  private readonly answering = new Set<ServerResponse>();
  private cut: NodeJS.Timeout | undefined;
  /** Resolves when the last connection is closed, some time after `close`. */
  readonly closed: Promise<void>;

  constructor(server: Http2SecureServer, idle: IdleConnections<object>, nowMs: () => number) {
    this.server = server;
    this.idle = idle;
    this.closed = new Promise((resolve) => {
      server.once("close", () => {
        clearTimeout(this.cut);
        resolve();
      });
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor !== 1) return;
      this.answering.add(response);
      const over = this.idle.begin(request.socket);
      response.once("close", () => {
        over();
        this.answering.delete(response);
        // An answer that had begun before could not say that it is the last one.
        if (this.cut !== undefined) request.socket.end();
      });
    });
    server.on("session", (session: ServerHttp2Session) => {
      this.sessions.add(session);
      this.idle.add(session, sessionPeer(session), nowMs());
      session.once("close", () => {
        this.sessions.delete(session);
        this.idle.remove(session);
      });
      // The session is destroyed with the error; its streams tell their own owners.
      session.on("error", ignore);
    });
    server.on("secureConnection", (socket) => {
      this.sockets.add(socket);
      if (socket.alpnProtocol !== "h2") this.idle.add(socket, socketPeer(socket), nowMs());
      socket.setNoDelay(true);
      socket.once("close", () => {
        this.sockets.delete(socket);
        this.idle.remove(socket);
      });
      socket.on("error", ignore);
    });
    // A client that breaks off, or speaks no TLS, harms nobody but itself.
    server.on("sessionError", ignore);
    server.on("tlsClientError", ignore);
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      // In the middle of an answer no other can be given, and none before keys are agreed on.
      const isBusy = [...this.answering].some(({ req }) => req.socket === socket);
      const refusal = refusalOf(error.code ?? "");
      if (socket.writableEnded) return;
      if (refusal === undefined || isBusy || !socket.writable) socket.destroy();
      else {
        socket.end(refusal);
        // What the client still sends is told here again. To close before it is read would take the refusal back (TCP resets).
        const lingering = setTimeout(() => socket.destroy(), LINGER_MS);
        socket.once("close", () => clearTimeout(lingering));
      }
    });
  }

  listen(options: ListenOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(options, () => {
        this.server.off("error", reject);
        const address = this.server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /**
   * The port is free at once, and connections on which nothing is asked are closed; those on which something is, after the
   * answer, or when they are cut after `graceMs`. Asked again, the newest time counts.
   */
  close(graceMs: number): void {
    const isFirst = this.cut === undefined;
    clearTimeout(this.cut);
    this.cut = setTimeout(() => {
      for (const session of this.sessions) session.destroy();
      for (const socket of this.sockets) socket.destroy();
    }, graceMs);
    if (!isFirst) return;
    this.server.close();
    for (const session of this.sessions) session.close();
    const busy = new Set([...this.answering].map(({ req }) => req.socket));
    for (const response of this.answering) response.shouldKeepAlive = false;
    for (const socket of this.sockets) if (socket.alpnProtocol !== "h2" && !busy.has(socket)) socket.end();
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/**
 * What is no HTTP/1.1, or more than it may be, in net/http's words; a method that nobody knows in those of Kubernetes. Undefined when it
 * is not about what was sent.
 */
function refusalOf(code: string): string | undefined {
  if (code === "HPE_INVALID_METHOD") {
    const why = "the server does not allow this method on the requested resource";
    const body = JSON.stringify(failure(405, "MethodNotAllowed", why));
    return http1Text("405 Method Not Allowed", "application/json", body);
  }
  const status = REFUSALS[code] ?? (code.startsWith("HPE_") ? "400 Bad Request" : undefined);
  if (status === undefined) return undefined;
  return http1Text(status, "text/plain; charset=utf-8", status);
}

function http1Text(status: string, type: string, body: string): string {
  const head = `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  return `HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`;
}

function sessionPeer(session: ServerHttp2Session): Peer {
  let hasBegun = false;
  session.once("remoteSettings", () => (hasBegun = true));
  return {
    // The last stream of which something has been seen.
    asked: () => (hasBegun ? (session.state.lastProcStreamID ?? 0) : undefined),
    close: () => session.close(),
    destroy: () => session.destroy(),
  };
}

/** Node itself ends those that take too long over the head of their first request. */
function socketPeer(socket: TLSSocket): Peer {
  return {
    asked: () => socket.bytesRead,
    close: () => socket.end(),
    destroy: () => socket.destroy(),
  };
}

function ignore(): void {}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): InkubeError {
  const code =
    error.code === "EADDRINUSE"
      ? "ADDRESS_IN_USE"
      : error.code === "EACCES" || error.code === "EPERM"
        ? "PERMISSION_DENIED"
        : error.code === "EADDRNOTAVAIL"
          ? "ADDRESS_NOT_AVAILABLE"
          : "CONNECTION_FAILED";
  return new InkubeError(code, `can't listen on ${host}:${port}: ${error.message}`, { retryable: true });
}
