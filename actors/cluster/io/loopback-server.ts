/**
 * A small HTTP server for people on this machine. It is on 127.0.0.1 alone, and answers only who calls it by a name of loopback: a page of
 * another site, which can make its own name lead here (DNS rebinding), is refused.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { InkubeError } from "../../../protocols/errors.ts";

const HOST = "127.0.0.1";
const NAMES = [HOST, "localhost"];

/** All else is not so at the moment. */
const STATUSES: Readonly<Record<string, number>> = { NO_SUCH_ACTOR: 404, INVALID_ARGUMENT: 400, UNKNOWN_KIND: 400 };

export interface LoopbackServer {
  /** `127.0.0.1:9100`. */
  readonly address: string;
  close(): Promise<void>;
}

export type Handle = (request: IncomingMessage, url: URL, response: ServerResponse) => void | Promise<void>;

/** @param port 0: any free one. Errors: PORT_IN_USE, PERMISSION_DENIED. */
export async function serveLoopback(port: number, handle: Handle): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    const url = urlOf(request);
    if (url === undefined || !NAMES.includes(url.hostname)) return answer(response, 403, "only for this machine");
    Promise.resolve(handle(request, url, response)).catch((error: unknown) => {
      if (!(error instanceof InkubeError)) throw error;
      if (response.headersSent) response.destroy();
      else answer(response, STATUSES[error.code] ?? 503, error.message);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(refusal(error, port)));
    server.listen(port, HOST, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a listening server without an address");
  return {
    address: `${HOST}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answer(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
}

/** Undefined of what is no HTTP of this kind. */
function urlOf({ url = "/", headers: { host = "" } }: IncomingMessage): URL | undefined {
  try {
    return new URL(url, `http://${host}`);
  } catch {
    return undefined;
  }
}

function refusal(error: NodeJS.ErrnoException, port: number): InkubeError {
  const inUse = error.code === "EADDRINUSE";
  const why = inUse ? "something else listens there; name another one, or 0 for any that is free" : error.message;
  return new InkubeError(inUse ? "PORT_IN_USE" : "PERMISSION_DENIED", `can't listen on port ${port}: ${why}`);
}
