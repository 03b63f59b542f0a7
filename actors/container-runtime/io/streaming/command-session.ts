/** `exec` and `attach`: a command's streams on a connection. Source: CRI streaming, `remotecommand`. */
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Outcome } from "../../core/streaming/outcome.ts";
import { outcomeText, readSizes } from "../../core/streaming/outcome.ts";
import type { Protocol } from "../../core/streaming/negotiation.ts";
import type { RunningCommand, Session } from "../../driver.ts";
import type { Carrier } from "../../../client/io/carrier.ts";
import type { Stream } from "../../../client/io/streams.ts";
import { SpdyStreams, WebSocketChannels } from "../../../client/io/streams.ts";
import { WebSocketConnection } from "../../../client/io/web-socket.ts";

export type CommandSession = Extract<Session, { readonly purpose: "exec" | "attach" }>;

/** Clients open their streams one after the other. Source: CRI streaming `DefaultStreamCreationTimeout`. */
const STREAMS_TIMEOUT_MS = 30_000;

const NAMES = ["stdin", "stdout", "stderr", "error", "resize"] as const;
type Name = (typeof NAMES)[number];
type CommandStreams = Partial<Record<Name, Stream>>;

interface Connection {
  readonly streams: CommandStreams;
  onClose(listener: () => void): void;
  close(): void;
}

export function serveCommand(session: CommandSession, protocol: Protocol, carrier: Carrier): void {
  const names = namesOf(session, protocol);
  if (protocol.carrier === "websocket") {
    const socket = new WebSocketConnection(carrier, true);
    const channels = new WebSocketChannels(socket, NAMES.length, protocol);
    const streams = Object.fromEntries(names.map((name) => [name, channels.stream(NAMES.indexOf(name))]));
    run(session, protocol.version, {
      streams,
      onClose: (listener) => socket.onClose(listener),
      close: () => socket.close(),
    });
    channels.start();
    return;
  }
  const spdy = new SpdyStreams(carrier);
  const streams: CommandStreams = {};
  const late = setTimeout(() => spdy.close(), STREAMS_TIMEOUT_MS);
  carrier.onClose(() => clearTimeout(late));
  spdy.start((stream, { streamtype: type = "" }) => {
    const name = names.find((each) => each === type && streams[each] === undefined);
    if (name === undefined) return false;
    streams[name] = stream;
    if (names.some((each) => streams[each] === undefined)) return true;
    clearTimeout(late);
    run(session, protocol.version, {
      streams,
      onClose: (listener) => carrier.onClose(listener),
      close: () => spdy.close(),
    });
    return true;
  });
}

/** Those that the client opens, or may use. What a terminal shows comes as one. */
function namesOf({ streams: { stdin, stdout, stderr }, tty }: CommandSession, { version, carrier }: Protocol): Name[] {
  const asked: Record<Name, boolean> = {
    stdin,
    stdout,
    stderr: stderr && !tty,
    error: true,
    resize: tty && (version >= 3 || carrier === "websocket"),
  };
  return NAMES.filter((name) => asked[name]);
}

const encoder = new TextEncoder();

function run(session: CommandSession, version: number, connection: Connection): void {
  const { streams } = connection;
  let isGone = false;
  const finish = (outcome: Outcome): void => {
    if (isGone) return;
    isGone = true;
    void streams.error?.write(encoder.encode(outcomeText(outcome, version)));
    for (const name of NAMES) streams[name]?.end();
    connection.close();
  };
  const started: Promise<RunningCommand | undefined> = session
    .start({
      output: (stream, bytes) => (isGone ? undefined : streams[stream]?.write(bytes)),
      exited: ({ exitCode, reason, message }) =>
        finish(session.purpose === "attach" && reason === "Error" ? { exitCode, fault: message } : { exitCode }),
    })
    .catch((error: unknown) => {
      if (!(error instanceof InkubeError)) throw error;
      finish({ exitCode: 0, fault: error.message });
      return undefined;
    });
  connection.onClose(() => {
    isGone = true;
    void started.then((command) => command?.abandon());
  });
  streams.stdin?.onData(async (bytes) => await (await started)?.write(bytes));
  streams.stdin?.onEnd(() => void started.then((command) => command?.end()));
  let text = "";
  streams.resize?.onData(async (bytes) => {
    const { size, rest } = readSizes(text + Buffer.from(bytes).toString("utf8"));
    text = rest;
    if (size !== undefined) (await started)?.resize(size);
  });
}
