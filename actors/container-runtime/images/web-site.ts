/** The small web server behind the image names `nginx` and `httpd`: a welcome page, or the files of a mounted directory. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { WELCOME } from "./welcome.ts";

export interface WebSiteOptions {
  /** Directories to serve, the first that exists; none: the welcome page. */
  readonly roots: readonly string[];
  /** One line of nginx's access log, without its end. */
  readonly log: (line: string) => void;
}

const TYPES: { readonly [ending: string]: string | undefined } = {
  ".html": "text/html",
  ".htm": "text/html",
  ".css": "text/css",
  ".js": "application/javascript",
  ".mjs": "application/javascript",
  ".json": "application/json",
  ".txt": "text/plain",
  ".xml": "text/xml",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
};

const SERVER = "inkube";
export function createWebSite(options: WebSiteOptions): Server {
  return createServer((request, response) => {
    let bytes = 0;
    response.once("close", () => options.log(accessLine(request, response.statusCode, bytes, new Date())));
    answer(request, options)
      .then(async (found) => {
        const body = request.method === "HEAD" ? undefined : found.body;
        bytes = request.method === "HEAD" ? 0 : found.length;
        const headers = {
          Server: SERVER,
          "Content-Type": found.type,
          "Content-Length": found.length,
          ...found.headers,
        };
        response.writeHead(found.status, headers);
        if (body === undefined || typeof body === "string") response.end(body);
        else await pipeline(body(), response);
      })
      .catch((error: unknown) => {
        // The client went away, or a file vanished while it was sent: the connection is of no more use.
        response.destroy(error instanceof Error ? error : undefined);
      });
  });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly length: number;
  readonly body: string | (() => NodeJS.ReadableStream);
  readonly headers?: { readonly [name: string]: string };
}

async function answer(request: IncomingMessage, options: WebSiteOptions): Promise<Answer> {
  if (request.method !== "GET" && request.method !== "HEAD") return page(405, "Not Allowed", { Allow: "GET, HEAD" });
  const root = await firstDirectory(options.roots);
  const path = pathOf(request.url ?? "/");
  if (path === undefined) return page(400, "Bad Request");
  if (root === undefined) return path === "/" || path === "/index.html" ? html(200, WELCOME) : page(404, "Not Found");
  const file = join(root, normalize(path));
  if (file !== root && !file.startsWith(root.endsWith(sep) ? root : root + sep)) return page(400, "Bad Request");
  const info = await stat(file).catch(() => undefined);
  if (info === undefined) return page(404, "Not Found");
  if (!info.isDirectory()) return fileAnswer(file, info.size);
  if (!path.endsWith("/")) return page(301, "Moved Permanently", { Location: `${path}/` });
  const index = join(file, "index.html");
  const indexInfo = await stat(index).catch(() => undefined);
  return indexInfo === undefined ? page(403, "Forbidden") : fileAnswer(index, indexInfo.size);
}

/** The decoded path of a URL; undefined when it can't be decoded or hides a zero byte. */
function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, "http://pod").pathname);
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}

async function firstDirectory(roots: readonly string[]): Promise<string | undefined> {
  for (const root of roots) {
    const info = await stat(root).catch(() => undefined);
    if (info?.isDirectory() === true) return root;
  }
  return undefined;
}

function fileAnswer(file: string, size: number): Answer {
  const type = TYPES[extname(file).toLowerCase()] ?? "application/octet-stream";
  // The length was told: a file that grows meanwhile is cut there.
  const body = (): NodeJS.ReadableStream => createReadStream(file, { end: Math.max(0, size - 1) });
  return { status: 200, type, length: size, body: size === 0 ? "" : body };
}

function page(status: number, title: string, headers: { readonly [name: string]: string } = {}): Answer {
  const text = `<html>\n<head><title>${status} ${title}</title></head>\n<body>\n<center><h1>${status} ${title}</h1></center>\n</body>\n</html>\n`;
  return { ...html(status, text), headers };
}

function html(status: number, text: string): Answer {
  return { status, type: "text/html", length: Buffer.byteLength(text), body: text };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** nginx's log format `main`, in UTC. */
export function accessLine(request: IncomingMessage, status: number, bytes: number, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(now.getUTCDate())}/${MONTHS[now.getUTCMonth()] ?? ""}/${now.getUTCFullYear()}`;
  const time = `${day}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000`;
  const header = (name: string): string => quoted(String(request.headers[name] ?? "-"));
  const from = request.socket.remoteAddress ?? "-";
  const what = quoted(`${request.method ?? "-"} ${request.url ?? "-"} HTTP/${request.httpVersion}`);
  return `${from} - - [${time}] ${what} ${status} ${bytes} ${header("referer")} ${header("user-agent")} ${header("x-forwarded-for")}`;
}

/** As nginx escapes: nothing in a request can break out of its quotes or of its line. */
function quoted(text: string): string {
  const hex = (character: string): string =>
    `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  return `"${text.replaceAll(/["\\\u0000-\u001f\u007f]/g, hex)}"`;
}

/**
 * How to end `server`, to be called once, later: it takes no more connections, lets requests under way end, and drops
 * connections that are idle, also those that have not sent anything yet, which Node itself would wait for.
 */
export function gracefulEnd(server: Server): (then: () => void) => void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return (then) => {
    server.close(then);
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
}

/** For handlers of `ServerResponse` that answer with text. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
