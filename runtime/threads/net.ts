/**
 * `Net` over the machine's own TCP. Connections stay half-open until both sides have ended, nothing is read before
 * somebody listens, and errors carry the codes of `runtime/net.ts` instead of errno.
 */
import { connect as connectSocket, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { InkubeError } from "../../protocols/errors.ts";
import type { Address, Connection, Listener, Net } from "../net.ts";
import { clearTimeout, queueMicrotask, setTimeout } from "./machine-clock.ts";

/** Connections that the kernel keeps for a listener that is slow to accept: Node's own default. */
const BACKLOG = 511;

type Run = (work: () => void) => void;

/** One for each actor, so that the host can close what an actor leaves open when it stops on a shared thread. */
export class ThreadNet implements Net {
  private readonly servers = new Set<Server>();
  private readonly sockets = new Set<Socket>();
  private readonly run: Run;
  private closed = false;

  /** `run`: calls each listener of the actor, so that what one throws is known to be this actor's. */
  constructor(run: Run = (work) => work()) {
    this.run = run;
  }

  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        this.adopt(socket);
        this.run(() => onConnection(new SocketConnection(socket, this.run)));
      });
      const refuse = (error: Error): void => reject(netError(error, `listen on ${address.host}:${address.port}`));
      server.once("error", refuse);
      server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => {
        server.off("error", refuse);
        if (this.closed) {
          server.close();
          reject(closedError());
          return;
        }
        this.servers.add(server);
        resolve({
          address: addressOf(server.address(), address),
          close: () => {
            this.servers.delete(server);
            // The port is free when close() returns; its callback would wait for the open connections.
            server.close();
            return Promise.resolve();
          },
        });
      });
    });
  }

  connect(address: Address, options: { readonly timeoutMs: number }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (this.closed) throw closedError();
      const place = `connect to ${address.host}:${address.port}`;
      const socket = connectSocket({
        host: address.host,
        port: address.port,
        allowHalfOpen: true,
        noDelay: true,
        autoSelectFamily: false,
      });
      this.adopt(socket);
      const timer = setTimeout(() => {
        const late = new InkubeError("DEADLINE_EXCEEDED", `${place}: no answer within ${options.timeoutMs} ms`, {
          retryable: true,
        });
        settle();
        // What the dying socket still reports has no reader.
        socket.on("error", () => undefined);
        socket.destroy();
        reject(late);
      }, options.timeoutMs);
      const onError = (error: Error): void => {
        settle();
        reject(netError(error, place));
      };
      const onConnect = (): void => {
        settle();
        resolve(new SocketConnection(socket, this.run));
      };
      const onClosed = (): void => {
        settle();
        reject(closedError());
      };
      const settle = (): void => {
        clearTimeout(timer);
        socket.off("error", onError);
        socket.off("connect", onConnect);
        socket.off("close", onClosed);
      };
      socket.once("error", onError);
      socket.once("connect", onConnect);
      socket.once("close", onClosed);
    });
  }

  /** Closes every listener and drops every connection; what is asked for after it is refused. */
  close(): void {
    this.closed = true;
    for (const server of this.servers) server.close();
    this.servers.clear();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  private adopt(socket: Socket): void {
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
  }
}

class SocketConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  private readonly socket: Socket;
  private failure: InkubeError | undefined;
  private hasEndListener = false;
  private isClosed = false;
  private readonly run: Run;

  constructor(socket: Socket, run: Run) {
    this.socket = socket;
    this.run = run;
    this.local = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    socket.on("error", (error) => {
      this.failure ??= netError(error, `connection with ${this.remote.host}:${this.remote.port}`);
    });
    socket.on("end", () => {
      if (!this.hasEndListener) socket.end();
    });
    socket.once("close", () => {
      this.isClosed = true;
    });
  }

  write(bytes: Uint8Array): boolean {
    // What is written after the end has no way to go; the close tells the caller.
    return this.socket.writable ? this.socket.write(bytes) : false;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.socket.on("data", (bytes) => this.run(() => listener(bytes)));
  }

  onDrain(listener: () => void): void {
    this.socket.on("drain", () => this.run(listener));
  }

  onEnd(listener: () => void): void {
    this.hasEndListener = true;
    this.socket.on("end", () => this.run(listener));
  }

  onClose(listener: (error?: Error) => void): void {
    if (this.isClosed) queueMicrotask(() => this.run(() => listener(this.failure)));
    else this.socket.once("close", () => this.run(() => listener(this.failure)));
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  splice(target: Connection): void {
    if (!(target instanceof SocketConnection)) throw new Error("splice needs two connections of one Net");
    this.hasEndListener = true;
    target.hasEndListener = true;
    forward(this.socket, target.socket);
    forward(target.socket, this.socket);
  }
}

/** One direction: `pipe` carries data, backpressure and the end; a break on one side breaks the other. */
function forward(from: Socket, to: Socket): void {
  if (from.destroyed) {
    to.destroy();
    return;
  }
  from.pipe(to);
  from.once("close", (hadError) => {
    if (hadError) to.resetAndDestroy();
    else if (!from.readableEnded) to.destroy();
  });
}

const CODES: { readonly [errno: string]: string } = {
  EADDRINUSE: "ADDRESS_IN_USE",
  EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  ECONNREFUSED: "CONNECTION_REFUSED",
  ETIMEDOUT: "DEADLINE_EXCEEDED",
};

function netError(error: Error, place: string): InkubeError {
  const errno = (error as NodeJS.ErrnoException).code;
  const code = (errno === undefined ? undefined : CODES[errno]) ?? "CONNECTION_FAILED";
  return new InkubeError(code, `${place}: ${errno ?? error.message}`, {
    retryable: code !== "PERMISSION_DENIED" && code !== "ADDRESS_NOT_AVAILABLE",
    cause: error,
    ...(errno === undefined ? {} : { details: { errno } }),
  });
}

function closedError(): InkubeError {
  return new InkubeError("CANCELLED", "the actor's network is closed");
}

function addressOf(bound: ReturnType<Server["address"]>, asked: Address): Address {
  return bound !== null && typeof bound === "object" ? { host: bound.address, port: bound.port } : asked;
}
