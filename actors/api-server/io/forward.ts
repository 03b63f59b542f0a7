/** Passes a request on to another server as it comes, and that one's answer back: bodies, watches, and connections that change their protocol. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { RequestOptions } from "node:https";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { passedBack, passedOn } from "../core/rest/proxying.ts";
import { goWords } from "./go-words.ts";
import { withLinks } from "./html-body.ts";
import type { HttpAnswer, HttpRequest, ManyHeaders } from "./http-messages.ts";
import { pour } from "./http-messages.ts";
import { refuseUpgrade } from "./upgrades.ts";
import { joinSwitched } from "../../../runtime/threads/switched-protocols.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Connections to one server that are kept for later. */
const FREE_SOCKETS_MAX = 16;
/** An idle connection is closed before most servers close it. */
const IDLE_MS = 4_000;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const BAD_GATEWAY = 502;
const encoder = new TextEncoder();

export interface Upstream {
  readonly secure: boolean;
  /** Where to, the path included. */
  readonly options: RequestOptions & {
    readonly host: string;
    readonly port: number;
    readonly servername?: string | undefined;
  };
  /** Besides those of the client. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** What becomes of links and redirects. Absent: it may not redirect, and nothing is rewritten. */
  readonly rewrite?: (link: string) => string;
}

export interface Outcome {
  /** The server can't be reached, in Go's words; nothing has been answered yet. */
  readonly failed: (why: string) => void;
  /** It is over, however it went. */
  readonly ended: () => void;
}

/** Connections that have carried a request, and carry the next one to the same server. */
export class Connections {
  private readonly plain = new HttpAgent({ keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX, timeout: IDLE_MS });
  private readonly secure = new HttpsAgent({ keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX, timeout: IDLE_MS });

  /** What changes its protocol has a connection of its own. */
  for({ upgrade }: HttpRequest, { secure }: Upstream): HttpAgent | false {
    if (upgrade !== undefined) return false;
    return secure ? this.secure : this.plain;
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }
}

/** The other side has closed an idle connection while this was on its way, and has seen nothing of it. Source: Go's `http.Transport`. */
function isStale({ code = "" }: NodeJS.ErrnoException, { reusedSocket }: ClientRequest): boolean {
  return reusedSocket && ["ECONNRESET", "EPIPE"].includes(code);
}

/** Whether it may be sent once more: it changes nothing, and is still here. */
function isRepeatable({ method, stream }: HttpRequest): boolean {
  return stream === undefined && (method === "GET" || method === "HEAD");
}

/** @returns gives it up: nothing is answered then, and nothing more is told but the end. Once the protocol is another it goes on. */
export function forward(
  request: HttpRequest,
  answer: HttpAnswer,
  upstream: Upstream,
  outcome: Outcome,
  connections: Connections,
): () => void {
  const { upgrade, stream } = request;
  const { failed, ended } = outcome;
  let outgoing: ClientRequest;
  const { host, port, servername: serverName = host } = upstream.options;
  let isGivenUp = false;
  const giveUp = (error: NodeJS.ErrnoException): void => {
    stream?.resume();
    if (isGivenUp) return;
    if (answer.begun) answer.destroy();
    else if (!answer.closed) failed(goWords(error, { host, port, serverName }));
  };
  const attempt = (agent: HttpAgent | false): void => {
    const mine = opened(request, upstream, agent);
    outgoing = mine;
    let isRepeated = false;
    let isAnswered = false;
    mine.once("close", () => (isRepeated ? undefined : ended()));
    mine.on("error", (error) => {
      const isWanted = !isGivenUp && !isAnswered && !answer.closed;
      isRepeated = agent !== false && isWanted && isRepeatable(request) && isStale(error, mine);
      // Others that are kept may be closed as well, so this goes over one of its own.
      if (isRepeated) attempt(false);
      else giveUp(error);
    });
    mine.on("response", (incoming) => {
      isAnswered = true;
      try {
        passBack(incoming, request, answer, upstream);
      } catch (error) {
        // A status or a header that no server may send: Node reads them, and refuses to write them.
        incoming.on("error", ignore).destroy();
        giveUp(error as NodeJS.ErrnoException);
      }
    });
    if (upgrade === undefined) refuseUpgrade(mine, giveUp);
    else {
      mine.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
        joinSwitched(upgrade.socket, upgrade.head, incoming, socket, head),
      );
    }
    if (stream === undefined) mine.end(request.body);
    else stream.pipe(mine);
  };
  try {
    attempt(connections.for(request, upstream));
  } catch (error) {
    // What no header can hold: a name with a line break, say.
    stream?.resume();
    ended();
    failed(error instanceof Error ? error.message : String(error));
    return ignore;
  }
  answer.onClose(() => outgoing.destroy());
  return () => {
    isGivenUp = true;
    outgoing.destroy();
  };
}

/** @throws what Node says of headers that can't be sent */
function opened(request: HttpRequest, upstream: Upstream, agent: HttpAgent | false): ClientRequest {
  const given = plain({ ...passedOn(request.rawHeaders), ...upstream.headers });
  // Node writes a body of a DELETE, for one, without saying where it ends.
  const isChunked = request.stream !== undefined && given["content-length"] === undefined;
  const coding = isChunked ? { "transfer-encoding": "chunked" } : {};
  const headers = { ...given, ...coding, ...upgradeHeaders(request) };
  const options = { ...upstream.options, method: request.method, headers, agent };
  const outgoing = upstream.secure ? httpsRequest(options) : httpRequest(options);
  const late = (): void => void outgoing.destroy(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" }));
  const connecting = setTimeout(late, CONNECT_TIMEOUT_MS);
  outgoing.once("socket", (socket: Socket) => {
    if (outgoing.reusedSocket) return clearTimeout(connecting);
    socket.once(upstream.secure ? "secureConnect" : "connect", () => clearTimeout(connecting));
  });
  return outgoing.once("close", () => clearTimeout(connecting));
}

function upgradeHeaders({ upgrade, headers }: HttpRequest): Readonly<Record<string, string>> {
  const wanted = headers["upgrade"];
  return upgrade === undefined || typeof wanted !== "string" ? {} : { connection: "Upgrade", upgrade: wanted };
}

function passBack(incoming: IncomingMessage, { method }: HttpRequest, answer: HttpAnswer, { rewrite }: Upstream): void {
  const { statusCode = BAD_GATEWAY } = incoming;
  const headers = passedBack(incoming.rawHeaders);
  const [location = ""] = headers["location"] ?? [];
  if (location !== "" && rewrite === undefined && statusCode >= 300 && statusCode < 400) {
    incoming.resume();
    return answer.send(BAD_GATEWAY, TEXT, encoder.encode(NO_REDIRECT));
  }
  if (location !== "" && rewrite !== undefined) headers["location"] = [rewrite(location)];
  const hasBody = method !== "HEAD" && statusCode !== NO_CONTENT && statusCode !== NOT_MODIFIED;
  const hasLinks = location === "" && rewrite !== undefined && hasBody;
  const page = hasLinks ? withLinks(incoming, headers, rewrite) : undefined;
  // What nobody says anything of is not kept by who stands between.
  headers["cache-control"] ??= ["no-cache, private"];
  // Links have another length than before.
  if (page !== undefined) delete headers["content-length"];
  pour(page ?? incoming, answer.open(statusCode, plain(headers)));
}

const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" };
/** Source: apimachinery `upgradeaware.go`. */
const NO_REDIRECT = "the backend attempted to redirect this request, which is not permitted";

function plain(headers: Readonly<Record<string, readonly string[]>>): ManyHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : [...values]]),
  );
}

function ignore(): void {}
