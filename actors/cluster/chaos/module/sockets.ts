/** Connections of the simulated network as Node's streams, and HTTP clients on them: Node's own, but for where bytes go. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { urlToHttpOptions } from "node:url";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Address, Connection, Listener, Net } from "../../../../runtime/net.ts";
import type { VirtualTimers } from "./timers.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const HTTPS_PORT = 443;

/** Where an address leads: several are tried in turn. Throws for one that is not of the simulation. */
export type Route = (host: string, port: number) => readonly Address[];

export interface Wires {
  readonly net: Net;
  readonly timers: VirtualTimers;
  readonly route: Route;
  /** Name of the actor: where its own servers listen. */
  readonly host: string;
  readonly refused: (name: string) => () => never;
}

type Callback = (error?: Error | null) => void;

/** As `net.Socket`, as far as HTTP needs it. */
class VirtualSocket extends Duplex {
  connecting = true;
  readonly encrypted: boolean;
  readonly authorized = true;
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  timeout = 0;
  private readonly wires: Wires;
  private connection: Connection | undefined;
  private afterDrain: Callback | undefined;
  private idle: unknown;

  constructor(wires: Wires, encrypted: boolean) {
    super({ allowHalfOpen: false });
    this.wires = wires;
    this.encrypted = encrypted;
  }

  setTimeout(delayMs: number, listener?: () => void): this {
    this.timeout = delayMs;
    if (listener !== undefined) {
      if (delayMs === 0) this.off("timeout", listener);
      else this.once("timeout", listener);
    }
    this.touch();
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  address(): object {
    return { address: "127.0.0.1", family: "IPv4", port: this.connection?.local.port ?? 0 };
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    const { connection } = this;
    if (connection === undefined) {
      this.once("connect", () => this._write(bytes, _encoding, done));
      return;
    }
    this.touch();
    if (connection.write(bytes)) done();
    else this.afterDrain = done;
  }

  override _final(done: Callback): void {
    if (this.connection === undefined) {
      this.once("connect", () => this._final(done));
      return;
    }
    this.connection.end();
    done();
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.wires.timers.clear(this.idle);
    this.connection?.destroy();
    done(error);
  }

  /** @param place for people */
  connect(addresses: readonly Address[], place: string): this {
    const [first, ...others] = addresses;
    this.wires.net.connect(first!, { timeoutMs: CONNECT_TIMEOUT_MS }).then(
      (connection) => this.connected(connection),
      (error: unknown) => {
        if (others.length > 0) return void this.connect(others, place);
        const isRefused = hasCode(error, "CONNECTION_REFUSED");
        const code = isRefused ? "ECONNREFUSED" : "ETIMEDOUT";
        this.connecting = false;
        this.destroy(Object.assign(new Error(`connect ${code} ${place}`), { code, errno: -1, syscall: "connect" }));
      },
    );
    return this;
  }

  connected(connection: Connection): void {
    if (this.destroyed) return connection.destroy();
    this.connection = connection;
    this.connecting = false;
    this.remoteAddress = connection.remote.host;
    this.remotePort = connection.remote.port;
    connection.onData((bytes) => {
      this.touch();
      this.push(Buffer.from(bytes));
    });
    connection.onDrain(() => {
      const done = this.afterDrain;
      this.afterDrain = undefined;
      done?.();
    });
    connection.onEnd(() => void this.push(null));
    connection.onClose((error) => {
      if (error === undefined) return void this.push(null);
      this.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", errno: -104, syscall: "read" }));
    });
    this.emit("connect");
    if (this.encrypted) this.emit("secureConnect");
    this.emit("ready");
  }

  /** Something happened: it is idle from here on. */
  private touch(): void {
    const { timers } = this.wires;
    timers.clear(this.idle);
    if (this.timeout > 0 && !this.destroyed) this.idle = timers.setTimeout(() => this.emit("timeout"), this.timeout);
  }
}

interface Place {
  readonly host?: string;
  readonly hostname?: string;
  readonly port?: number | string;
}

type Options = http.RequestOptions & { readonly href?: string };
type OnResponse = (response: http.IncomingMessage) => void;

/** `node:http` and `node:https`: no TLS in either, as nobody could listen in. */
export function httpModules(wires: Wires): { readonly http: object; readonly https: object } {
  return { http: httpModule(wires, false), https: httpModule(wires, true) };
}

function httpModule(wires: Wires, isSecure: boolean): object {
  const scheme = isSecure ? "https:" : "http:";
  class Agent extends http.Agent {
    constructor(options?: http.AgentOptions) {
      super(options);
      if (isSecure) Object.assign(this, { protocol: scheme, defaultPort: HTTPS_PORT });
    }

    override createConnection({ host, hostname, port }: Place): Duplex {
      const name = host ?? hostname ?? "localhost";
      return new VirtualSocket(wires, isSecure).connect(wires.route(name, Number(port)), `${name}:${port}`);
    }
  }
  const globalAgent = new Agent({ keepAlive: true });
  const request = (
    first: string | URL | Options,
    second?: Options | OnResponse,
    third?: OnResponse,
  ): http.ClientRequest => {
    const isPlace = typeof first === "string" || first instanceof URL;
    const given = isPlace ? (typeof second === "object" ? second : {}) : first;
    const place = isPlace ? urlToHttpOptions(new URL(String(first))) : {};
    const options: Options = { defaultPort: isSecure ? HTTPS_PORT : undefined, ...place, ...given };
    const { agent } = options;
    const own = agent === undefined || agent === null ? globalAgent : agent === false ? new Agent() : agent;
    const listener = typeof second === "function" ? second : third;
    const all = { ...options, protocol: options.protocol ?? scheme, agent: own };
    return listener === undefined ? http.request(all) : http.request(all, listener);
  };
  const get = (...args: Parameters<typeof request>): http.ClientRequest => {
    const outgoing = request(...args);
    outgoing.end();
    return outgoing;
  };
  if (isSecure)
    return { ...http, Agent, globalAgent, request, get, createServer: wires.refused("node:https.createServer") };
  const Server = serverClass(wires);
  const createServer = (...args: readonly http.RequestListener[]): http.Server => new Server(...args);
  return { ...http, Agent, globalAgent, request, get, createServer, Server };
}

/** `http.Server` that listens in the simulation, where the module itself may ask it. */
function serverClass(wires: Wires): typeof http.Server {
  return class Server extends http.Server {
    private bound: Listener | undefined;

    override listen(...args: readonly unknown[]): this {
      const [first] = args;
      const asked = typeof first === "object" && first !== null ? (first as Place).port : first;
      const listening = args.find((each) => typeof each === "function") as (() => void) | undefined;
      if (listening !== undefined) this.once("listening", listening);
      const accept = (connection: Connection): void => {
        const socket = new VirtualSocket(wires, false);
        socket.connected(connection);
        this.emit("connection", socket);
      };
      wires.net.listen({ host: wires.host, port: Number(asked ?? 0) }, accept).then(
        (bound) => {
          this.bound = bound;
          this.emit("listening");
        },
        (error: unknown) => {
          const code = hasCode(error, "ADDRESS_IN_USE") ? "EADDRINUSE" : "EACCES";
          this.emit("error", Object.assign(new Error(`listen ${code}: ${String(asked)}`), { code, syscall: "listen" }));
        },
      );
      return this;
    }

    override address(): AddressInfo | null {
      if (this.bound === undefined) return null;
      return { address: "127.0.0.1", family: "IPv4", port: this.bound.address.port };
    }

    override close(closed?: (error?: Error) => void): this {
      const { bound } = this;
      this.bound = undefined;
      if (closed !== undefined) this.once("close", closed);
      const end = async (): Promise<void> => {
        await bound?.close();
        this.emit("close");
      };
      void end();
      return this;
    }
  };
}
