/** Passes connections that change their protocol on to the runtime's streaming server, as they come. */
import type { IncomingMessage } from "node:http";
import { request as httpRequest, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { InkubeError } from "../../../protocols/errors.ts";
import { listOf } from "../../../protocols/header-list.ts";
import { joinSwitched } from "../../../runtime/threads/switched-protocols.ts";
import { parseReachRequest, purposeOf } from "../core/reach-request.ts";
import type { ReachSource } from "../kubelet-io.ts";

/** Whose port numbers travel inside. */
const TUNNEL = "SPDY/3.1+portforward.k8s.io";

export function isReachPath({ pathname }: URL): boolean {
  return purposeOf(pathname) !== undefined;
}

/** @param url of the request; undefined where it has none that can be read */
export async function serveReach(
  request: IncomingMessage,
  url: URL | undefined,
  socket: Duplex,
  early: Buffer,
  source: ReachSource,
): Promise<void> {
  if (url === undefined) return refuseUpgrade(socket, 400, "400 Bad Request");
  const segments = url.pathname.split("/").slice(1).map(decodeURIComponent);
  const protocols = listOf(request.headers["sec-websocket-protocol"]);
  const isWebSocket = request.headers["sec-websocket-key"] !== undefined && !protocols.includes(TUNNEL);
  const asked = parseReachRequest(segments, url.searchParams, isWebSocket);
  if (typeof asked === "string") return refuseUpgrade(socket, asked.startsWith("404") ? 404 : 400, asked);
  try {
    pass(request, socket, early, await source(asked));
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    // Clients of Go look for a Status in YAML first, and take any text with a colon for one.
    refuseUpgrade(socket, error.code === "POD_NOT_FOUND" ? 404 : 500, error.message.replaceAll(": ", ", "));
  }
}

/** What is between two ends of a connection only is said anew. */
function headersOf({ rawHeaders, headers }: IncomingMessage): Record<string, string | string[]> {
  const passed: Record<string, string[]> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    if (name.startsWith("sec-websocket-") || name === "x-stream-protocol-version") {
      (passed[name] ??= []).push(rawHeaders[i + 1] ?? "");
    }
  }
  return { ...passed, connection: "Upgrade", upgrade: headers.upgrade ?? "" };
}

function pass(request: IncomingMessage, client: Duplex, early: Buffer, address: string): void {
  const outgoing = httpRequest(address, { headers: headersOf(request), agent: false });
  client.once("close", () => outgoing.destroy());
  outgoing.on("error", (error) => refuseUpgrade(client, 502, error.message));
  outgoing.on("response", (incoming) => {
    let text = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (piece: string) => (text += piece));
    incoming.on("end", () => refuseUpgrade(client, incoming.statusCode ?? 502, text.trim()));
  });
  outgoing.on("upgrade", (incoming, server, head) => {
    joinSwitched(client, early, incoming, server, head);
  });
  outgoing.end();
}

export function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  if (!socket.writable) return;
  const body = Buffer.from(`${text}\n`);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]));
}
