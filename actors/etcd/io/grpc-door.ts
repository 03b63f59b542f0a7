/**
 * The door for etcd's own clients: gRPC on HTTP/2, and the pages for health, metrics and version on HTTP/1.1 and HTTP/2, on one
 * port; with TLS or without. Errors of a connection are that connection's alone.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttp1Server } from "node:http";
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  ServerOptions,
} from "node:http2";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { TLSSocket } from "node:tls";
import { GRPC, GrpcStatus } from "../../../protocols/etcd-wire/grpc.ts";
import type { Methods } from "../../../protocols/etcd-wire/messages.ts";
import { METHODS } from "../../../protocols/etcd-wire/tables.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { GrpcCall, Receiver, Services } from "../grpc/calls.ts";
import type { ListenOptions } from "../spec.ts";
import type { Peer } from "./grpc-call.ts";
import { GrpcHttp2Call, subjectOf } from "./grpc-call.ts";

/**
 * Streams of one connection at once: kube-apiserver has one for each watch of each kind. Far more than any client has, since Node.js
 * counts one that has just ended as well, and ends a connection on which it has refused too many.
 */
const STREAMS_MAX = 10_000;
const REFUSED_STREAMS_MAX = 1_000_000;
const WINDOW_BYTES = 1_048_576;
const SESSION_WINDOW_BYTES = 8 * 1_048_576;
/** What a connection may keep in memory, of answers that its client does not read: beyond it no more streams are taken. */
const SESSION_MEMORY_MB = 64;
/** Beyond the largest request: what gRPC and the fields take besides. As etcd's. */
const OVERHEAD_BYTES = 512 * 1_024;
/** What is under way so long after the server has been asked to stop is cut. */
const CLOSE_MS = 250;
/** How HTTP/2 begins where nobody has agreed on it before. Source: RFC 9113, section 3.4. */
const PREFACE = "PRI * HTTP/2.0";

const ignore = (): void => undefined;

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
export type Pages = (path: string) => Page | undefined | Promise<Page | undefined>;

export interface DoorParts {
  readonly listen: ListenOptions;
  readonly requestBytesMax: number;
  readonly services: Services;
  readonly pages: Pages;
  readonly clock: Clock;
  /** Refuses a call before anything is done for it. Throws `GrpcStatus`, or an error of etcd. */
  readonly admit: (path: string, call: GrpcCall) => void;
  readonly crash: (error: unknown) => void;
}

type AnyCall = GrpcHttp2Call<keyof Methods>;
type AnyHandler = (...given: readonly unknown[]) => unknown;

export class GrpcDoor {
  private readonly parts: DoorParts;
  private readonly server: Server;
  private readonly sessions: Set<ServerHttp2Session> = new Set();
  private readonly sockets: Set<Socket> = new Set();
  private readonly peers: WeakMap<ServerHttp2Session, Peer> = new WeakMap();
  /** Calls that last. */
  private readonly streams: Set<AnyCall> = new Set();
  private connections = 0;

  constructor(parts: DoorParts) {
    this.parts = parts;
    this.server = parts.listen.tls === undefined ? this.plain() : this.secure(parts.listen.tls);
    this.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      socket.on("error", ignore);
      socket.once("close", () => this.sockets.delete(socket));
    });
  }

  /** The port. Errors: ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED. */
  open(): Promise<number> {
    const { host, port } = this.parts.listen;
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
      this.server.once("error", refuse);
      this.server.listen({ host, port }, () => {
        this.server.off("error", refuse);
        this.server.on("error", ignore);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Calls that last and are led nowhere any more: those that asked for it. */
  endLeaderless(error: Error): void {
    for (const call of this.streams) if (requiresLeader(call)) call.end(error);
  }

  /** Ends all calls, and resolves when the last connection is closed. */
  close(error: Error): Promise<void> {
    for (const call of this.streams) call.end(error);
    for (const session of this.sessions) session.close();
    return new Promise((resolve) => {
      const cut = setTimeout(() => this.destroy(), CLOSE_MS);
      this.server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      if (this.sessions.size === 0) this.destroy();
    });
  }

  destroy(): void {
    this.server.close();
    for (const session of this.sessions) session.destroy();
    for (const socket of this.sockets) socket.destroy();
  }

  // ---- connections --------------------------------------------------------------------------------------------------

  private secure({ ca, cert, key }: NonNullable<ListenOptions["tls"]>): Server {
    const server = createSecureServer({
      ...http2Options(),
      allowHTTP1: true,
      cert,
      key,
      minVersion: "TLSv1.2",
      ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
    });
    server.on("tlsClientError", ignore);
    server.on("secureConnection", (socket) => socket.on("error", ignore));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor === 1) this.page1(request, response);
    });
    this.serve(server as unknown as Http2Server);
    return server as unknown as Server;
  }

  /** Without TLS nobody says beforehand which HTTP it is: the first bytes do. */
  private plain(): Server {
    const http2 = createHttp2Server(http2Options());
    const http1 = createHttp1Server((request, response) => this.page1(request, response));
    http1.on("clientError", (_error, socket) => socket.destroy());
    this.serve(http2);
    return createServer((socket) => {
      socket.once("data", (first: Buffer) => {
        socket.pause();
        socket.unshift(first);
        const isHttp2 = first.subarray(0, PREFACE.length).equals(Buffer.from(PREFACE).subarray(0, first.length));
        (isHttp2 ? http2 : http1).emit("connection", socket);
        if (!isHttp2) socket.resume();
      });
    });
  }

  private serve(server: Http2Server): void {
    server.on("sessionError", ignore);
    server.on("session", (session) => {
      this.sessions.add(session);
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      session.on("error", ignore);
      session.once("close", () => this.sessions.delete(session));
      this.peers.set(session, this.peerOf(session));
    });
    // With a listener for requests Node adds one that turns each stream into such a request; ours takes its place.
    server.removeAllListeners("stream");
    server.on("stream", (stream, headers) => this.take(stream, headers));
  }

  private peerOf(session: ServerHttp2Session): Peer {
    const { tls } = this.parts.listen;
    const socket = tls?.ca === undefined ? undefined : (session.socket as unknown as TLSSocket);
    const { commonName, organizations } = subjectOf(socket);
    const { organization } = tls ?? {};
    const isIn = organization === undefined || organizations.includes(organization);
    const refusal = isIn ? "" : `the client's certificate is of no one in ${organization}`;
    return { name: `etcd-client-${++this.connections}`, commonName, refusal };
  }

  // ---- calls --------------------------------------------------------------------------------------------------------

  private take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { session } = stream;
    const peer = session === undefined ? undefined : this.peers.get(session as ServerHttp2Session);
    if (peer === undefined) return void stream.destroy();
    const path = String(headers[":path"]);
    const type = String(headers["content-type"] ?? "");
    if (headers[":method"] === "GET") return void this.page2(path, stream);
    if (headers[":method"] !== "POST" || !type.startsWith("application/grpc")) {
      stream.on("error", ignore);
      return stream.respond({ ":status": headers[":method"] === "POST" ? 415 : 405 }, { endStream: true });
    }
    const method = Object.hasOwn(METHODS, path) ? METHODS[path as keyof Methods] : undefined;
    const call: AnyCall = new GrpcHttp2Call(stream, headers, peer, method?.[1] ?? "RangeResponse", this.parts.crash);
    const handler = this.parts.services[path as keyof Methods] as AnyHandler | undefined;
    try {
      if (peer.refusal !== "") throw new GrpcStatus(GRPC.PERMISSION_DENIED, peer.refusal);
      if (method === undefined || handler === undefined) throw unimplemented(path);
      checkEncoding(headers["grpc-encoding"]);
      this.parts.admit(path, call);
    } catch (error) {
      stream.resume();
      return call.end(error as Error);
    }
    this.limit(call, stream);
    if (method[2] === "bidi") return this.bidi(call, stream, method[0], handler);
    this.single(call, stream, method, handler);
  }

  private limit(call: AnyCall, stream: ServerHttp2Stream): void {
    if (call.timeoutMs === Infinity) return;
    const late: Timer = this.parts.clock.after(call.timeoutMs, () =>
      call.end(new GrpcStatus(GRPC.DEADLINE_EXCEEDED, "context deadline exceeded")),
    );
    stream.once("close", () => late.cancel());
  }

  /** One request, and one answer or many. */
  private single(
    call: AnyCall,
    stream: ServerHttp2Stream,
    [name, , shape]: Methods[keyof Methods],
    handler: AnyHandler,
  ): void {
    let request: unknown;
    const bytesMax = this.parts.requestBytesMax + OVERHEAD_BYTES;
    if (shape === "stream") this.last(call, stream);
    call.receive(
      name,
      bytesMax,
      (message) => {
        if (request !== undefined) call.end(new GrpcStatus(GRPC.INTERNAL, "more than one request for one answer"));
        request = message;
      },
      // Not before the client's side is closed: an answer that comes earlier has its stream reset behind it.
      (isWithin) => {
        if (request !== undefined && !isWithin) return void run(call, shape === "unary", () => handler(request, call));
        const text = isWithin ? "unexpected EOF" : "EOF: no request";
        call.end(new GrpcStatus(GRPC.INTERNAL, text));
      },
    );
  }

  private bidi(call: AnyCall, stream: ServerHttp2Stream, name: Methods[keyof Methods][0], handler: AnyHandler): void {
    this.last(call, stream);
    const receiver = handler(call) as Receiver<unknown>;
    call.receive(
      name,
      this.parts.requestBytesMax + OVERHEAD_BYTES,
      (request) => receiver.next(request),
      (isWithin) => {
        if (isWithin) call.end(new GrpcStatus(GRPC.INTERNAL, "unexpected EOF"));
        else receiver.end();
      },
    );
  }

  private last(call: AnyCall, stream: ServerHttp2Stream): void {
    this.streams.add(call);
    stream.once("close", () => this.streams.delete(call));
  }

  // ---- pages --------------------------------------------------------------------------------------------------------

  private page1(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    void this.page(request.url ?? "/").then(({ status, contentType, body }) => {
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    }, this.parts.crash);
  }

  private async page2(path: string, stream: ServerHttp2Stream): Promise<void> {
    stream.on("error", ignore);
    stream.resume();
    try {
      const { status, contentType, body } = await this.page(path);
      if (stream.destroyed || stream.closed) return;
      stream.respond({ ":status": status, "content-type": contentType });
      stream.end(body);
    } catch (error) {
      this.parts.crash(error);
    }
  }

  private async page(url: string): Promise<Page> {
    const missing = { status: 404, contentType: "text/plain; charset=utf-8", body: "404 page not found\n" };
    return (await this.parts.pages(url)) ?? missing;
  }
}

/** Runs the handler: what it gives is the answer, what it throws the status. */
async function run(call: AnyCall, isUnary: boolean, handle: () => unknown): Promise<void> {
  try {
    const given = handle();
    const answer = given instanceof Promise ? await (given as Promise<unknown>) : given;
    if (isUnary) call.answer(answer as never);
    else call.end();
  } catch (error) {
    call.end(error as Error);
  }
}

export function requiresLeader(call: GrpcCall): boolean {
  return call.metadata("hasleader") === "true";
}

function http2Options(): ServerOptions {
  return {
    maxSessionMemory: SESSION_MEMORY_MB,
    maxSessionRejectedStreams: REFUSED_STREAMS_MAX,
    settings: { maxConcurrentStreams: STREAMS_MAX, initialWindowSize: WINDOW_BYTES },
  };
}

function checkEncoding(encoding: string | readonly string[] | undefined): void {
  if (encoding === undefined || encoding === "identity") return;
  const text = `grpc: Decompressor is not installed for grpc-encoding "${String(encoding)}"`;
  throw new GrpcStatus(GRPC.UNIMPLEMENTED, text);
}

function unimplemented(path: string): GrpcStatus {
  const [, service = "", method = ""] = path.split("/");
  const isKnown = Object.keys(METHODS).some((known) => known.startsWith(`/${service}/`));
  const text = isKnown ? `unknown method ${method} for service ${service}` : `unknown service ${service}`;
  return new GrpcStatus(GRPC.UNIMPLEMENTED, text);
}

const CODES: { readonly [errno: string]: string } = {
  EADDRINUSE: "ADDRESS_IN_USE",
  EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
  EACCES: "PERMISSION_DENIED",
};

function listenError(error: NodeJS.ErrnoException, host: string, port: number): InkubeError {
  const code = CODES[error.code ?? ""] ?? "CONNECTION_FAILED";
  return new InkubeError(code, `etcd's door on ${host}:${port}: ${error.code ?? error.message}`);
}
