/** Passes a request on to another server as it comes, and that one's answer back: bodies, watches, and connections that change their protocol. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import type { RequestOptions } from "node:https";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { passedOn } from "../core/rest/proxying.ts";
import type { HttpAnswer, HttpRequest, ManyHeaders } from "./http-messages.ts";
import { pour } from "./http-messages.ts";
import { refuseUpgrade } from "./upgrades.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const BAD_GATEWAY = 502;

export interface Upstream {
  readonly secure: boolean;
  /** Where to, the path included. */
  readonly options: RequestOptions;
  /** Besides those of the client. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** What becomes of the headers of the answer. */
  readonly rewrite?: (headers: Record<string, readonly string[]>) => void;
}

/**
 * @param failed the server can't be reached, in Go's words; nothing has been answered yet
 * @param ended it is over, however it went
 */
export function forward(
  request: HttpRequest,
  answer: HttpAnswer,
  upstream: Upstream,
  { failed, ended }: { readonly failed: (why: string) => void; readonly ended: () => void },
): void {
  const { upgrade, stream } = request;
  const { host, port } = upstream.options;
  const given = plain({ ...passedOn(request.rawHeaders), ...upstream.headers });
  // Node writes a body of a DELETE, for one, without saying where it ends.
  const isChunked = stream !== undefined && given["content-length"] === undefined;
  const coding = isChunked ? { "transfer-encoding": "chunked" } : {};
  const headers = { ...given, ...coding, ...upgradeHeaders(request) };
  const options = { ...upstream.options, method: request.method, headers, agent: false as const };
  let outgoing: ClientRequest;
  try {
    outgoing = upstream.secure ? httpsRequest(options) : httpRequest(options);
  } catch (error) {
    // What no header can hold: a name with a line break, say.
    stream?.resume();
    ended();
    return failed(error instanceof Error ? error.message : String(error));
  }
  const connecting = setTimeout(
    () => outgoing.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" })),
    CONNECT_TIMEOUT_MS,
  );
  outgoing.once("socket", (socket: Socket) => {
    socket.once(upstream.secure ? "secureConnect" : "connect", () => clearTimeout(connecting));
  });
  outgoing.once("close", () => {
    clearTimeout(connecting);
    ended();
  });
  const giveUp = (error: NodeJS.ErrnoException): void => {
    if (answer.begun) answer.destroy();
    else if (!answer.closed) failed(goWords(error, `${host ?? ""}:${port ?? ""}`));
    stream?.resume();
  };
  outgoing.on("error", giveUp);
  answer.onClose(() => outgoing.destroy());
  outgoing.on("response", (incoming) => {
    try {
      passBack(incoming, answer, upstream);
    } catch (error) {
      // A status or a header that no server may send: Node reads them, and refuses to write them.
      incoming.on("error", ignore).destroy();
      giveUp(error as NodeJS.ErrnoException);
    }
  });
  if (upgrade === undefined) refuseUpgrade(outgoing, giveUp);
  else {
    outgoing.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      join(upgrade.socket, upgrade.head, incoming, socket, head),
    );
  }
  if (stream === undefined) outgoing.end(request.body);
  else stream.pipe(outgoing);
}

function upgradeHeaders({ upgrade, headers }: HttpRequest): Readonly<Record<string, string>> {
  const wanted = headers["upgrade"];
  return upgrade === undefined || typeof wanted !== "string" ? {} : { connection: "Upgrade", upgrade: wanted };
}

function passBack(incoming: IncomingMessage, answer: HttpAnswer, { rewrite }: Upstream): void {
  const headers: Record<string, readonly string[]> = { ...passedOn(incoming.rawHeaders) };
  rewrite?.(headers);
  pour(incoming, answer.open(incoming.statusCode ?? BAD_GATEWAY, plain(headers)));
}

function plain(headers: Readonly<Record<string, readonly string[]>>): ManyHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : [...values]]),
  );
}

/** From here on the two ends speak with each other. */
function join(client: Duplex, early: Uint8Array, incoming: IncomingMessage, server: Duplex, head: Buffer): void {
  const lines = [`HTTP/1.1 101 ${incoming.statusMessage ?? "Switching Protocols"}`];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
  }
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (head.length > 0) client.write(head);
  if (early.length > 0) server.write(early);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}

/** As Go's `net` says it, which clients look for. */
function goWords({ code = "", message }: NodeJS.ErrnoException, address: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "ETIMEDOUT":
      return `dial tcp ${address}: i/o timeout`;
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: no route to host`;
    case "ECONNRESET":
      return "EOF";
  }
  return message;
}

function ignore(): void {}
