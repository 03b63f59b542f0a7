/**
 * The network as a container sees it, laid over Node's own: `localhost` and "all addresses" are the pod's address, ports
 * that can't be had are replaced by others, cluster names resolve, and connections leave from the pod's address.
 * It changes the built-in modules of the thread or process that it is installed in, and so belongs into containers only.
 */
import { appendFileSync, readFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import type { FromContainer } from "./channel.ts";
import type { NamesEnv } from "./container-names.ts";
import { ClusterNames, installContainerNames } from "./container-names.ts";

export interface ContainerNetworkOptions {
  readonly env: NamesEnv;
  readonly report: (message: FromContainer) => void;
}

const SHARED_IP = "127.0.0.1";
const LOCAL_NAMES = new Set(["localhost", "127.0.0.1", "::1", "[::1]"]);
const ANY_NAMES = new Set(["", "0.0.0.0", "::", "[::]", "::0"]);

export function installContainerNetwork(options: ContainerNetworkOptions): void {
  const { env } = options;
  const podIp = env.POD_IP === undefined || env.POD_IP === "" ? undefined : env.POD_IP;
  const names = new ClusterNames(env);
  const mapped = new Map<number, { readonly host: string; readonly port: number }>();
  if (podIp !== undefined) {
    patchListen(podIp, env.INKUBE_SHARES_IP === "1", (port, host, actual) => {
      mapped.set(port, { host, port: actual });
      options.report({ kind: "listening", port, host, actual });
    });
  }
  patchConnect(podIp, names, mapped, env.INKUBE_SHARES_IP === "1");
  installContainerNames(names, env.HOSTNAME);
}

/** Reports of a child process: into an open descriptor (`4`), or at the end of a file. Lines this short are written whole. */
export function reportTo(target: string): (message: FromContainer) => void {
  const file = /^\d+$/.test(target) ? Number(target) : target;
  return (message) => appendFileSync(file, `${JSON.stringify(message)}\n`);
}

interface ListenOptions {
  port?: number | string;
  host?: string;
  path?: string;
  fd?: number;
}

/**
 * `listen(80)` becomes `listen(80, <pod address>)`. When the port needs a privilege, the address does not exist here, or is
 * shared and the port taken, another port is used and reported. The program's own listeners see only the outcome.
 */
function patchListen(
  podIp: string,
  sharesIp: boolean,
  onListening: (port: number, host: string, actual: number) => void,
): void {
  const shared = sharesIp ? podIp : SHARED_IP;
  // oxlint-disable-next-line typescript/unbound-method -- called with its server below
  const listen = net.Server.prototype.listen as (this: net.Server, ...args: unknown[]) => net.Server;
  const patched = function (this: net.Server, ...args: unknown[]): net.Server {
    const asked = listenOptions(args);
    if (asked === undefined) return listen.apply(this, args);
    const callback = args.at(-1);
    if (typeof callback === "function") this.once("listening", callback as () => void);
    const port = asked.port === undefined ? 0 : Number(asked.port);
    const host =
      asked.host === undefined || ANY_NAMES.has(asked.host) || LOCAL_NAMES.has(asked.host) ? podIp : asked.host;
    followListen(this, { host, port, shared }, (target) => listen.call(this, { ...asked, ...target }), onListening);
    return listen.call(this, { ...asked, host, port });
  };
  net.Server.prototype.listen = patched as typeof net.Server.prototype.listen;
}

/** Watches over the outcome of one `listen`, and tries the next place when the first is refused. */
function followListen(
  server: net.Server,
  { host, port, shared }: { readonly host: string; readonly port: number; readonly shared: string },
  retry: (target: { readonly host: string; readonly port: number }) => void,
  onListening: (port: number, host: string, actual: number) => void,
): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its server below
  const emit = server.emit as (this: net.Server, event: string | symbol, ...args: unknown[]) => boolean;
  let last = { host, port };
  const done = (): void => {
    server.emit = emit;
  };
  server.emit = function (event: string | symbol, ...args: unknown[]): boolean {
    if (event === "listening") {
      done();
      const bound = server.address();
      if (bound !== null && typeof bound === "object")
        onListening(port === 0 ? bound.port : port, bound.address, bound.port);
    } else if (event === "error") {
      const next = nextPlace(last, (args[0] as NodeJS.ErrnoException).code, shared);
      if (next !== undefined) {
        last = next;
        retry(next);
        return true;
      }
      done();
    } else if (event === "close") done();
    return emit.call(server, event, ...args);
  };
}

function nextPlace(
  last: { readonly host: string; readonly port: number },
  code: string | undefined,
  shared: string,
): { readonly host: string; readonly port: number } | undefined {
  if (last.port !== 0 && code === "EACCES") return { host: last.host, port: 0 };
  if (last.host !== shared && code === "EADDRNOTAVAIL") return { host: shared, port: last.port };
  if (last.host === shared && last.port !== 0 && code === "EADDRINUSE") return { host: shared, port: 0 };
  return undefined;
}

/** The options of a `listen` on TCP; undefined for pipes, descriptors and handles, which are none of our business. */
function listenOptions(args: readonly unknown[]): ListenOptions | undefined {
  const [first, second, third] = args;
  if (first === undefined || first === null || typeof first === "function") return { port: 0 };
  if (typeof first === "object") {
    const options = first as ListenOptions & { readonly _handle?: unknown };
    if (options.path !== undefined || options.fd !== undefined || options._handle !== undefined) return undefined;
    return "port" in options ? options : undefined;
  }
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  if (!isPort) return undefined;
  const options: ListenOptions & { backlog?: number } = { port: first };
  if (typeof second === "string") options.host = second;
  const backlog = typeof second === "number" ? second : third;
  if (typeof backlog === "number") options.backlog = backlog;
  return options;
}

interface ConnectOptions {
  port?: number | string;
  host?: string;
  path?: string | null;
  localAddress?: string | null;
}

/** Resolves cluster names, follows moved ports, and binds connections within loopback to the pod's address. */
function patchConnect(
  podIp: string | undefined,
  names: ClusterNames,
  mapped: ReadonlyMap<number, { readonly host: string; readonly port: number }>,
  sharesIp: boolean,
): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its socket below
  const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;
  const patched = function (this: net.Socket, ...args: unknown[]): net.Socket {
    // `net.connect` hands over its arguments already sorted, as one array with a mark on it that must stay.
    const [first] = args;
    const list = Array.isArray(first) ? (first as unknown[]) : args;
    const options = connectOptions(list);
    if (options === undefined || isPipe(options)) return connect.apply(this, args);
    const target = route(options, podIp, names, mapped, sharesIp);
    const again = (): net.Socket => this.connect(...(args as Parameters<net.Socket["connect"]>));
    if (podIp !== undefined && names.isCut(podIp, target.host ?? ""))
      return connectLater(this, target, names, podIp, again);
    if (Array.isArray(first)) {
      first[0] = target;
      return connect.apply(this, args);
    }
    const callback = args.at(-1);
    return connect.call(this, target, ...(typeof callback === "function" ? [callback] : []));
  };
  net.Socket.prototype.connect = patched;
}

/** How often a connection that gets no answer is tried again, and how long: the first of TCP's own, and Linux' `tcp_syn_retries`. */
const SYN_RETRY_MS = 200;
const SYN_TIMEOUT_MS = 127_000;

/** What is sent to an address that a fault has cut is lost: the socket goes on connecting until the fault is over, or it gives up. */
function connectLater(
  socket: net.Socket,
  { host = "", port }: ConnectOptions,
  names: ClusterNames,
  podIp: string,
  connect: () => void,
): net.Socket {
  const state = socket as { connecting: boolean };
  const beganMs = performance.now();
  const look = (): void => {
    if (socket.destroyed) return;
    if (!names.isCut(podIp, host)) {
      state.connecting = false;
      return connect();
    }
    if (performance.now() - beganMs < SYN_TIMEOUT_MS) return void setTimeout(look, SYN_RETRY_MS);
    const code = "ETIMEDOUT";
    const error = new Error(`connect ${code} ${host}:${port}`);
    socket.destroy(Object.assign(error, { code, syscall: "connect", address: host, port: Number(port) }));
  };
  state.connecting = true;
  setTimeout(look, SYN_RETRY_MS);
  return socket;
}

/** `node:http` passes a null path along with a port, and `fetch` a null local address. */
function isPipe(options: ConnectOptions): boolean {
  return typeof options.path === "string" && options.path !== "";
}

function connectOptions(args: readonly unknown[]): ConnectOptions | undefined {
  const [first, second] = args;
  if (first !== null && typeof first === "object") return first;
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  if (!isPort) return undefined;
  return typeof second === "string" ? { port: first, host: second } : { port: first };
}

function route(
  options: ConnectOptions,
  podIp: string | undefined,
  names: ClusterNames,
  mapped: ReadonlyMap<number, { readonly host: string; readonly port: number }>,
  sharesIp: boolean,
): ConnectOptions {
  const asked = options.host ?? "localhost";
  const port = Number(options.port);
  const found = names.lookup(asked);
  let host = typeof found === "string" ? found : (found?.[0] ?? asked);
  const isLocal = LOCAL_NAMES.has(asked);
  const own = isLocal || asked === podIp ? mapped.get(port) : undefined;
  // On an address that others have as well, whoever listens may be of another pod.
  const ownIp = sharesIp ? undefined : podIp;
  const inPod = own ?? (isLocal && ownIp !== undefined && isListening(ownIp, port) ? { host: ownIp, port } : undefined);
  const real = inPod ?? names.moved(host, port);
  if (real !== undefined) host = real.host;
  const target: ConnectOptions = { ...options, host, port: real?.port ?? options.port ?? 0 };
  const isLoopback = host.startsWith("127.") && podIp?.startsWith("127.") === true;
  if (ownIp !== undefined && ownIp !== SHARED_IP && isLoopback && (options.localAddress ?? "") === "") {
    target.localAddress = ownIp;
  }
  return target;
}

/**
 * Whether somebody listens on `ip:port`: another container of the pod, which `localhost` means as well. Only Linux has own
 * addresses for pods, and there the kernel's table tells. What no container of the pod serves is looked for on the machine.
 * @see proc_net(5): addresses are in the machine's byte order, state 0A is LISTEN.
 */
function isListening(ip: string, port: number): boolean {
  if (process.platform !== "linux" || ip === SHARED_IP || !net.isIPv4(ip)) return false;
  const bytes = ip.split(".").map(Number);
  const hex = (value: number, length: number): string => value.toString(16).toUpperCase().padStart(length, "0");
  const address = (os.endianness() === "LE" ? bytes.reverse() : bytes).map((byte) => hex(byte, 2)).join("");
  const row = new RegExp(`^ *\\d+: ${address}:${hex(port, 4)} [0-9A-F]+:[0-9A-F]+ 0A `, "m");
  try {
    return row.test(readFileSync("/proc/net/tcp", "latin1"));
  } catch {
    // A machine that hides its tables: then only a container's own servers are known.
    return false;
  }
}
