/**
 * The runtime's streaming server: who has been given an address gets the session that is offered there, once it has changed the protocol of
 * its connection. On loopback, for kubelets.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { createServer, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { listOf } from "../../../../protocols/header-list.ts";
import type { Protocol } from "../../core/streaming/negotiation.ts";
import { spdyProtocol, webSocketProtocol } from "../../core/streaming/negotiation.ts";
import type { Session, StreamingServer } from "../../driver.ts";
import { socketCarrier } from "../../../client/io/carrier.ts";
import { serveCommand } from "./command-session.ts";
import { servePortForward } from "./port-forward.ts";
import { acceptOf } from "../../../client/io/web-socket.ts";

const HOST = "127.0.0.1";
/** Who is told an address asks at once. Source: CRI streaming `requestCache`. */
const OFFER_MS = 60_000;
const TOKEN_BYTES = 16;
const WEBSOCKET_VERSION = "13";

interface Offer {
  readonly session: Session;
  readonly expiry: NodeJS.Timeout;
}

/** It begins to listen with the first offer: most runtimes never get to that. */
export function streamingServer(): StreamingServer {
  return new Streaming();
}

class Streaming implements StreamingServer {
  private readonly offers = new Map<string, Offer>();
  private readonly sockets = new Set<Duplex>();
  private server: Promise<{ readonly server: Server; readonly port: number }> | undefined;

  async offer(session: Session): Promise<string> {
    this.server ??= this.listen();
    const { port } = await this.server;
    const token = randomBytes(TOKEN_BYTES).toString("hex");
    const expiry = setTimeout(() => this.offers.delete(token), OFFER_MS).unref();
    this.offers.set(token, { session, expiry });
    return `http://${HOST}:${port}/${session.purpose}/${token}`;
  }

  async close(): Promise<void> {
    for (const { expiry } of this.offers.values()) clearTimeout(expiry);
    this.offers.clear();
    for (const socket of this.sockets) socket.destroy();
    const listening = await this.server;
    listening?.server.close();
    listening?.server.closeAllConnections();
  }

  private listen(): Promise<{ readonly server: Server; readonly port: number }> {
    const server = createServer((_request, response) => {
      response.writeHead(400, { "content-type": "text/plain" }).end("Upgrade request required\n");
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      socket.on("error", () => undefined);
      this.upgrade(request, socket, early);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: HOST, port: 0 }, () => {
        const address = server.address();
        resolve({ server, port: typeof address === "object" ? (address?.port ?? 0) : 0 });
      });
    });
  }

  private upgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    const token = (request.url ?? "").split(/[/?]/)[2] ?? "";
    const offer = this.offers.get(token);
    if (offer === undefined) return refuse(socket, 404, "404 page not found");
    this.offers.delete(token);
    clearTimeout(offer.expiry);
    const { session } = offer;
    const negotiated = negotiate(session, request);
    if (typeof negotiated === "string") return refuse(socket, 403, negotiated);
    const { protocol, head } = negotiated;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head.join("\r\n")}\r\nConnection: Upgrade\r\n\r\n`, "latin1");
    const carrier = socketCarrier(socket, early);
    if (session.purpose === "portForward") servePortForward(session, protocol, carrier);
    else serveCommand(session, protocol, carrier);
  }
}

interface Negotiated {
  readonly protocol: Protocol;
  /** Lines of the answer. */
  readonly head: readonly string[];
}

/** A message, of why not. */
function negotiate({ purpose }: Session, { headers }: IncomingMessage): Negotiated | string {
  const wanted = (headers.upgrade ?? "").toLowerCase();
  if (wanted === "spdy/3.1") {
    const protocol = spdyProtocol(purpose, listOf(headers["x-stream-protocol-version"]));
    if (typeof protocol === "string") return protocol;
    return { protocol, head: ["Upgrade: SPDY/3.1", `X-Stream-Protocol-Version: ${protocol.name}`] };
  }
  if (wanted !== "websocket") return `unable to upgrade: missing upgrade headers in request: ${JSON.stringify(wanted)}`;
  const key = headers["sec-websocket-key"];
  if (key === undefined || headers["sec-websocket-version"] !== WEBSOCKET_VERSION) {
    return `a WebSocket of version ${WEBSOCKET_VERSION} with a key is needed`;
  }
  const protocol = webSocketProtocol(purpose, listOf(headers["sec-websocket-protocol"]));
  if (typeof protocol === "string") return protocol;
  const named = protocol.name === "" ? [] : [`Sec-WebSocket-Protocol: ${protocol.name}`];
  return { protocol, head: ["Upgrade: websocket", `Sec-WebSocket-Accept: ${acceptOf(key)}`, ...named] };
}

function refuse(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
