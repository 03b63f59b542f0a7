/** Reaches into pods through the API, as `kubectl exec` and `port-forward` do. */
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { statusError } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Status } from "../../../protocols/kubernetes/types/meta-v1.ts";
import { socketCarrier } from "../../client/io/carrier.ts";
import type { Stream } from "../../client/io/streams.ts";
import { SpdyStreams, WebSocketChannels } from "../../client/io/streams.ts";
import { tunnel, WebSocketConnection } from "../../client/io/web-socket.ts";

/** Where the API is, and who asks. Certificates and keys are PEM. */
export interface ApiEndpoint {
  /** `https://host:port`. */
  readonly server: string;
  readonly authority: string | undefined;
  readonly token: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface PodPlace {
  readonly pod: string;
  readonly namespace: string;
}

export interface CommandRequest extends PodPlace {
  readonly command: readonly string[];
  readonly container: string | undefined;
  readonly stdin: NodeJS.ReadableStream | undefined;
  readonly tty: boolean;
  readonly signal: AbortSignal | undefined;
  /** A promise holds back what comes next. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void | Promise<void>;
  /** Tells the size of the terminal, now and whenever it changes. */
  readonly sizes?: (tell: (size: { readonly columns: number; readonly rows: number }) => void) => void;
}

const CHANNELS = ["stdin", "stdout", "stderr", "error", "resize"] as const;
const COMMAND_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const TUNNEL = "SPDY/3.1+portforward.k8s.io";
/** Of an answer that is a refusal. */
const REFUSAL_BYTES_MAX = 65_536;
const CONNECT_TIMEOUT_MS = 30_000;
const KEY_BYTES = 16;

/**
 * Runs a command; the exit code that it ends with.
 * Errors: KUBERNETES_STATUS; CLUSTER_UNREACHABLE; STREAM_BROKEN when the connection ends before the command; CANCELLED by the signal.
 */
export async function execInPod(endpoint: ApiEndpoint, asked: CommandRequest): Promise<number> {
  const { pod, namespace, container, command, stdin, tty, signal } = asked;
  const query = new URLSearchParams({ stdout: "true" });
  if (stdin !== undefined) query.set("stdin", "true");
  query.set(tty ? "tty" : "stderr", "true");
  if (container !== undefined) query.set("container", container);
  for (const word of command) query.append("command", word);
  const { socket, protocol } = await upgrade(endpoint, pathOf(namespace, pod, "exec", query), COMMAND_PROTOCOLS);
  const version = protocol === COMMAND_PROTOCOLS[0] ? 5 : 4;
  const channels = new WebSocketChannels(socket, CHANNELS.length, { version, isBase64: false });
  const [input, stdout, stderr, error, resize] = CHANNELS.map((_name, number) => channels.stream(number));
  let status = "";
  stdout?.onData((bytes) => asked.output("stdout", bytes));
  stderr?.onData((bytes) => asked.output("stderr", bytes));
  error?.onData((bytes) => void (status += Buffer.from(bytes).toString("utf8")));
  const abort = (): void => socket.destroy();
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  const closed = new Promise<void>((resolve) => socket.onClose(resolve));
  channels.start();
  if (stdin !== undefined && input !== undefined) feed(stdin, input, closed);
  asked.sizes?.(({ columns, rows }) => {
    void resize?.write(Buffer.from(JSON.stringify({ Width: columns, Height: rows })));
  });
  await closed;
  signal?.removeEventListener("abort", abort);
  if (status === "" && signal?.aborted === true) throw new InkubeError("CANCELLED", "the command was called off");
  return exitCodeOf(status);
}

function feed(stdin: NodeJS.ReadableStream, input: Stream, closed: Promise<void>): void {
  const take = (piece: string | Uint8Array): void => {
    const waiting = input.write(typeof piece === "string" ? Buffer.from(piece) : piece);
    if (waiting === undefined) return;
    stdin.pause();
    void waiting.then(() => stdin.resume());
  };
  const end = (): void => input.end();
  stdin.on("data", take).once("end", end);
  void closed.then(() => {
    stdin.off("data", take).off("end", end);
    stdin.pause();
  });
}

/** Of what came on the error channel. Source: client-go `tools/remotecommand/v4.go`. */
function exitCodeOf(text: string): number {
  let status: Status;
  try {
    status = JSON.parse(text) as Status;
  } catch {
    throw new InkubeError("STREAM_BROKEN", "the connection ended before the command did", { retryable: true });
  }
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  if (status.reason === "NonZeroExitCode" && cause?.message !== undefined) return Number(cause.message);
  throw statusError(status);
}

/** A port of this machine that leads into a pod. */
export interface PortForward extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Resolves when it has come to its end: with why, unless it was closed. */
  readonly ended: Promise<InkubeError | undefined>;
  close(): Promise<void>;
}

/** @param localPort 0: any that is free. Errors: as `execInPod`, and PORT_IN_USE. */
export async function forwardPort(
  endpoint: ApiEndpoint,
  { pod, namespace }: PodPlace,
  port: number,
  localPort: number,
): Promise<PortForward> {
  const path = pathOf(namespace, pod, "portforward", new URLSearchParams());
  const { socket } = await upgrade(endpoint, path, [TUNNEL]);
  const spdy = new SpdyStreams(tunnel(socket));
  spdy.start(() => false);
  const clients = new Set<Socket>();
  let number = 0;
  let lastFault: string | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
    const headers = { port: String(port), requestID: String(number++) };
    const error = spdy.openStream({ ...headers, streamType: "error" });
    const data = spdy.openStream({ ...headers, streamType: "data" });
    error.end();
    error.onData((bytes) => {
      lastFault = Buffer.from(bytes).toString("utf8");
      client.destroy();
    });
    join(client, data);
  });
  let isClosed = false;
  const ended = new Promise<InkubeError | undefined>((resolve) => {
    socket.onClose(() => {
      for (const client of clients) client.destroy();
      server.close();
      const why = `the connection to the pod has ended${lastFault === undefined ? "" : `: ${lastFault}`}`;
      resolve(isClosed ? undefined : new InkubeError("STREAM_BROKEN", why, { retryable: true }));
    });
  });
  const close = async (): Promise<void> => {
    isClosed = true;
    socket.close();
    await ended;
  };
  try {
    const host = "127.0.0.1";
    return { host, port: await listen(server, host, localPort), ended, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function join(client: Socket, data: Stream): void {
  client.on("error", () => undefined);
  client.on("data", (bytes) => {
    const waiting = data.write(bytes);
    if (waiting === undefined) return;
    client.pause();
    void waiting.then(() => client.resume());
  });
  client.once("end", () => data.end());
  client.once("close", () => data.end());
  data.onData((bytes) => {
    if (!client.writable || client.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const free = (): void => {
        client.off("drain", free).off("close", free);
        resolve();
      };
      client.on("drain", free).on("close", free);
    });
  });
  data.onEnd(() => client.end());
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ message }) => reject(new InkubeError("PORT_IN_USE", message)));
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === "object" ? (address?.port ?? 0) : 0);
    });
  });
}

function pathOf(namespace: string, pod: string, subresource: string, query: URLSearchParams): string {
  const place = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return `${place}/${subresource}?${query.toString()}`;
}

interface Upgraded {
  readonly socket: WebSocketConnection;
  readonly protocol: string;
}

function upgrade(endpoint: ApiEndpoint, path: string, protocols: readonly string[]): Promise<Upgraded> {
  const { server, authority, token, certificate, key } = endpoint;
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server), {
      agent: false,
      ...(authority === undefined ? {} : { ca: authority }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(KEY_BYTES).toString("base64"),
        "sec-websocket-protocol": protocols.join(", "),
        "user-agent": "inkube",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    const late = setTimeout(() => outgoing.destroy(new Error("no answer came in time")), CONNECT_TIMEOUT_MS);
    outgoing.once("close", () => clearTimeout(late));
    outgoing.on("error", ({ message }) => {
      reject(new InkubeError("CLUSTER_UNREACHABLE", `${server}: ${message}`, { retryable: true }));
    });
    outgoing.on("response", (answer) => readRefusal(answer, reject));
    outgoing.on("upgrade", (answer: IncomingMessage, socket: Duplex, early: Buffer) => {
      clearTimeout(late);
      const protocol = answer.headers["sec-websocket-protocol"] ?? "";
      resolve({ socket: new WebSocketConnection(socketCarrier(socket, early), false), protocol });
    });
    outgoing.end();
  });
}

function readRefusal(answer: IncomingMessage, refused: (error: InkubeError) => void): void {
  let text = "";
  answer.setEncoding("utf8");
  answer.on("data", (piece: string) => {
    if (text.length < REFUSAL_BYTES_MAX) text += piece;
  });
  answer.on("end", () => refused(refusalOf(answer.statusCode ?? 500, text)));
}

function refusalOf(code: number, text: string): InkubeError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return statusError(status);
  } catch {
    // Kubelets answer with a text.
  }
  const message = text.trim() || `the API server answered ${code}`;
  return statusError({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code });
}
