/** What `agnhost` does, as far as inkube needs it. @see k8s.io/kubernetes/test/images/agnhost */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { sendText } from "./web-site.ts";

export interface AgnhostEnd {
  /** Ends the container. */
  readonly exit: (code: number) => void;
  readonly log: (line: string) => void;
}

export type AgnhostCommand =
  | { readonly kind: "server"; readonly port: number; readonly server: Server }
  | { readonly kind: "pause" }
  | { readonly kind: "error"; readonly message: string };

const SERVE_HOSTNAME_PORT = 9_376;
const NETEXEC_PORT = 8_080;

export function agnhostCommand(args: readonly string[], end: AgnhostEnd): AgnhostCommand {
  const [name = "pause", ...flags] = args;
  switch (name) {
    case "pause":
      return { kind: "pause" };
    case "serve-hostname":
      return {
        kind: "server",
        port: numberFlag(flags, "port", SERVE_HOSTNAME_PORT),
        server: createServer((request, response) => {
          end.log(`HTTP request from ${request.socket.remoteAddress ?? "-"}`);
          sendText(response, 200, hostname());
        }),
      };
    case "netexec":
      return {
        kind: "server",
        port: numberFlag(flags, "http-port", NETEXEC_PORT),
        server: createServer((request, response) => netexec(request, response, end)),
      };
    default:
      return {
        kind: "error",
        message: `agnhost: "${name}" is not among the commands that inkube has: serve-hostname, netexec, pause`,
      };
  }
}

function netexec(request: IncomingMessage, response: ServerResponse, end: AgnhostEnd): void {
  const url = new URL(request.url ?? "/", "http://pod");
  end.log(`GET ${url.pathname}`);
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  switch (url.pathname) {
    case "/":
      return sendText(response, 200, `NOW: ${new Date().toISOString()}`);
    case "/hostname":
    case "/hostName":
      return sendText(response, 200, hostname());
    case "/healthz":
      return sendText(response, 200, "");
    case "/clientip":
      return sendText(response, 200, `${remoteAddress}:${remotePort}`);
    case "/header":
      return sendText(response, 200, String(request.headers[(url.searchParams.get("key") ?? "").toLowerCase()] ?? ""));
    case "/echo":
      return sendText(response, statusOf(url.searchParams.get("code")), url.searchParams.get("msg") ?? "");
    case "/exit": {
      const code = Number(url.searchParams.get("code") ?? 0);
      response.once("close", () => end.exit(Number.isInteger(code) ? code & 255 : 1));
      response.setHeader("Connection", "close");
      return sendText(response, 200, "");
    }
    case "/shell":
    case "/upload":
    case "/dial":
      return sendText(response, 403, `${url.pathname} is refused: this container shares its machine with its owner\n`);
    default:
      return sendText(response, 404, "404 page not found\n");
  }
}

function statusOf(text: string | null): number {
  const status = Number(text ?? 200);
  return Number.isInteger(status) && status >= 200 && status < 600 ? status : 200;
}

/** `--name=5`, `--name 5`, or with one dash, as Go's flags go. */
export function numberFlag(flags: readonly string[], name: string, otherwise: number): number {
  for (const [index, flag] of flags.entries()) {
    const match = /^--?([^=]+)(?:=(.*))?$/.exec(flag);
    if (match?.[1] !== name) continue;
    const value = Number(match[2] ?? flags[index + 1]);
    if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  }
  return otherwise;
}
