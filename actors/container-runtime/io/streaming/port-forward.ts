/** `portForward`: connections to a pod's ports. Source: CRI streaming, `portforward`. */
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Protocol } from "../../core/streaming/negotiation.ts";
import type { SpdyHeaders } from "../../../client/core/streaming/spdy-headers.ts";
import type { Session } from "../../driver.ts";
import type { Carrier } from "../../../client/io/carrier.ts";
import type { Stream } from "../../../client/io/streams.ts";
import { SpdyStreams, WebSocketChannels } from "../../../client/io/streams.ts";
import { tunnel, WebSocketConnection } from "../../../client/io/web-socket.ts";

export type ForwardSession = Extract<Session, { readonly purpose: "portForward" }>;

/** Between the two streams of one connection. Source: CRI streaming `httpstream.go`. */
const PAIR_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
const PORT_MAX = 65_535;

/** One connection: what is sent and received, and why there is none. */
interface Pair {
  readonly data: Stream;
  readonly error: Stream;
}

const encoder = new TextEncoder();

export function servePortForward(session: ForwardSession, protocol: Protocol, carrier: Carrier): void {
  const sockets = new Set<Socket>();
  carrier.onClose(() => {
    for (const socket of sockets) socket.destroy();
  });
  switch (protocol.carrier) {
    case "websocket":
      return overChannels(session, protocol, carrier, sockets);
    case "tunnel":
      return overSpdy(session, tunnel(new WebSocketConnection(carrier, true)), sockets);
    case "spdy":
      return overSpdy(session, carrier, sockets);
  }
}

/** Two channels for each port, all at once: each begins with its port, in two bytes, the lower one first. */
function overChannels(session: ForwardSession, protocol: Protocol, carrier: Carrier, sockets: Set<Socket>): void {
  const socket = new WebSocketConnection(carrier, true);
  const channels = new WebSocketChannels(socket, session.ports.length * 2, protocol);
  let left = session.ports.length;
  for (const [i, port] of session.ports.entries()) {
    const pair = { data: channels.stream(i * 2), error: channels.stream(i * 2 + 1) };
    const head = Uint8Array.of(port & 0xff, port >> 8);
    void pair.data.write(head);
    void pair.error.write(head);
    forward(session, port, pair, sockets, () => {
      // A channel has no end of its own.
      if (--left === 0) socket.close();
    });
  }
  channels.start();
}

interface Half {
  readonly late: NodeJS.Timeout;
  readonly streams: Partial<Pair>;
}

/** Two streams for each connection, with its number and its port in their headers. */
function overSpdy(session: ForwardSession, carrier: Carrier, sockets: Set<Socket>): void {
  const spdy = new SpdyStreams(carrier);
  const halves = new Map<string, Half>();
  const onStream = (stream: Stream, headers: SpdyHeaders): boolean => {
    const { streamtype: type, port: text = "", requestid: id = "" } = headers;
    const port = Number(text);
    if ((type !== "data" && type !== "error") || !Number.isInteger(port) || port < 1 || port > PORT_MAX) return false;
    const half = halves.get(id) ?? { late: setTimeout(() => spdy.close(), PAIR_TIMEOUT_MS), streams: {} };
    halves.set(id, half);
    if (half.streams[type] !== undefined) return false;
    const { data, error } = Object.assign(half.streams, { [type]: stream });
    if (data === undefined || error === undefined) return true;
    halves.delete(id);
    clearTimeout(half.late);
    forward(session, port, { data, error }, sockets, () => undefined);
    return true;
  };
  carrier.onClose(() => {
    for (const { late } of halves.values()) clearTimeout(late);
  });
  spdy.start(onStream);
}

function forward(session: ForwardSession, port: number, pair: Pair, sockets: Set<Socket>, over: () => void): void {
  const address = session.addressOf(port);
  const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, autoSelectFamily: false });
  sockets.add(socket);
  let fault: Error | undefined;
  let isConnected = false;
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("i/o timeout")));
  socket.once("connect", () => {
    isConnected = true;
    socket.setTimeout(0);
  });
  socket.on("error", (error) => (fault = error));
  socket.on("data", (bytes) => {
    const waiting = pair.data.write(bytes);
    if (waiting === undefined) return;
    socket.pause();
    void waiting.then(() => socket.resume());
  });
  socket.on("end", () => pair.data.end());
  socket.once("close", () => {
    sockets.delete(socket);
    if (fault !== undefined && !isConnected) {
      const why = `dial tcp4 ${address.host}:${address.port}: ${wordsOf(fault)}`;
      void pair.error.write(encoder.encode(`error forwarding port ${port} to pod ${session.pod}: ${why}`));
    }
    pair.data.end();
    pair.error.end();
    over();
  });
  pair.data.onData((bytes) => {
    if (!socket.writable || socket.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const free = (): void => {
        socket.off("drain", free).off("close", free);
        resolve();
      };
      socket.on("drain", free).on("close", free);
    });
  });
  pair.data.onEnd(() => socket.end());
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ECONNRESET: "read: connection reset by peer",
};

/** As Go has it. */
function wordsOf(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ""] ?? error.message;
}
