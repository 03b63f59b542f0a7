/**
 * The part of the kubelet's HTTP API that the API server needs, for `kubectl logs` `GET /containerLogs/{namespace}/{pod}/{container}` with
 * the query of PodLogOptions, for `kubectl top` `GET /stats/summary`, for `kubectl exec` and its like what `reach-proxy.ts` passes on, and
 * `GET /metrics` with its pages for whoever goes through the proxy of a node. Plain HTTP on loopback, or HTTPS where the API server is another's.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { STATUS_CODES, createServer } from "node:http";
import type { ServerOptions } from "node:https";
import { createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { InkubeError } from "../../../protocols/errors.ts";
import { METRICS_TYPES, metricsFormatOf, metricsText } from "../../../runtime/metrics/exposition.ts";
import type { DoorUser } from "../core/door-request.ts";
import type {
  Admission,
  LogRequest,
  LogServer,
  LogSource,
  Served,
  MetricsPage,
  MetricsSource,
  StatsSource,
} from "../kubelet-io.ts";
import type { KubeletDoor } from "../spec.ts";
import { isReachPath, refuseUpgrade, serveReach } from "./reach-proxy.ts";

/** Requests under way at a time: each may hold a followed log or a session open. */
const CONNECTIONS_MAX = 256;
const FALLBACK_HOST = "127.0.0.1";

export async function serveLogs(
  host: string,
  admission: Admission,
  source: LogSource,
  served: Served,
): Promise<LogServer> {
  const whenAdmitted = (request: IncomingMessage, taken: (refused: number | undefined) => void): void => {
    const admitted = admit(request, admission);
    if (admitted instanceof Promise) void admitted.then(taken);
    else taken(admitted);
  };
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    whenAdmitted(request, (refused) => {
      if (refused === undefined) answer(request, response, source, served);
      else refuse(response, refused, STATUS_CODES[refused] ?? "");
    });
  };
  const { door } = admission;
  const server = door === undefined ? createServer(take) : createSecureServer(tlsOptions(door), take);
  const upgrades = new Set<Duplex>();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    upgrades.add(socket);
    socket.once("close", () => upgrades.delete(socket));
    socket.on("error", () => undefined);
    whenAdmitted(request, (refused) => {
      if (refused === undefined) void serveReach(request, urlOf(request), socket, early, served.reach);
      else refuseUpgrade(socket, refused, STATUS_CODES[refused] ?? "");
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  const port = door?.port ?? 0;
  let bound = host;
  try {
    await listen(server, host, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRNOTAVAIL") throw error;
    bound = FALLBACK_HOST;
    await listen(server, bound, port);
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server without an address");
  return {
    host: bound,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgrades) socket.destroy();
      }),
  };
}

/** A client without a certificate is told so by an answer, not by a connection that breaks. */
function tlsOptions({ certificate, key, clientAuthority }: KubeletDoor): ServerOptions {
  return { cert: certificate, key, ca: clientAuthority, requestCert: true, rejectUnauthorized: false };
}

type Admitted = number | undefined;

/** The code of the refusal; undefined for who is let in. */
function admit(request: IncomingMessage, admission: Admission): Admitted | Promise<Admitted> {
  if (admission.door === undefined) {
    const { token } = admission;
    if (token === undefined) return undefined;
    return isSame(request.headers.authorization ?? "", `Bearer ${tokenHere(token, request)}`) ? undefined : 401;
  }
  const user = userOf(request.socket as TLSSocket);
  if (user === undefined) return 401;
  return admission.mayAsk(user, urlOf(request)?.pathname ?? "").then(
    (may) => (may ? undefined : 403),
    // Nobody knows whether it may.
    () => 500,
  );
}

/** CN is the user, O the groups. */
function userOf(socket: TLSSocket): DoorUser | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as { readonly CN?: Names; readonly O?: Names } | undefined;
  const [user] = namesOf(subject?.CN);
  return user === undefined ? undefined : { user, groups: [...namesOf(subject?.O), "system:authenticated"] };
}

type Names = string | readonly string[] | undefined;

function namesOf(names: Names): readonly string[] {
  return names === undefined ? [] : typeof names === "string" ? [names] : names;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answer(request: IncomingMessage, response: ServerResponse, source: LogSource, served: Served): void {
  const url = urlOf(request);
  if (url === undefined) return refuse(response, 400, "400 Bad Request");
  if (url.pathname === "/healthz") return refuse(response, 200, "ok");
  if (request.method === "GET" && url.pathname === "/stats/summary") return void answerStats(response, served.stats);
  const page = request.method === "GET" ? METRICS_PAGES.get(url.pathname) : undefined;
  if (isReachPath(url)) return refuse(response, 400, "Upgrade request required");
  if (page !== undefined) return void answerMetrics(request, response, page, served.metrics);
  const log = request.method === "GET" ? parseRequest(url) : undefined;
  if (log === undefined) return refuse(response, 404, "404 page not found");
  try {
    const stop = source(log, {
      next: (bytes) => {
        if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
        if (response.write(bytes)) return;
        return new Promise((resolve) => {
          response.once("drain", resolve);
          response.once("close", resolve);
        });
      },
      end: (error) => {
        if (error !== undefined && !response.headersSent) return refuse(response, 500, error.message);
        if (error !== undefined) return void response.destroy();
        if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
        response.end();
      },
    });
    response.once("close", stop);
    // Who follows a silent log learns at once that it is there.
    if (log.follow) {
      response.writeHead(200, { "content-type": "text/plain" });
      response.flushHeaders();
    }
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    refuse(response, error.code === "LOG_NOT_FOUND" ? 404 : 400, error.message);
  }
}

const METRICS_PAGES: ReadonlyMap<string, MetricsPage> = new Map([
  ["/metrics", ""],
  ["/metrics/cadvisor", "cadvisor"],
  ["/metrics/probes", "probes"],
  ["/metrics/resource", "resource"],
]);

async function answerMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  page: MetricsPage,
  metrics: MetricsSource,
): Promise<void> {
  const format = metricsFormatOf(request.headers.accept);
  const text = metricsText(await metrics(page), format);
  response.writeHead(200, { "content-type": METRICS_TYPES[format] }).end(text);
}

async function answerStats(response: ServerResponse, stats: StatsSource): Promise<void> {
  try {
    const summary = JSON.stringify(await stats());
    response.writeHead(200, { "content-type": "application/json" }).end(summary);
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    refuse(response, 500, error.message);
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
}

/**
 * API servers make a token of that of the cluster for each address that they ask (`actors/api-server/io/kubelet-token.ts`): whoever has
 * been asked in place of a kubelet has nothing that another one takes.
 */
function tokenHere(token: string, { socket }: IncomingMessage): string {
  return createHmac("sha256", token).update(`${socket.localAddress}:${socket.localPort}`).digest("hex");
}

/** Undefined for what is no path, or has parts that can't be decoded. */
function urlOf({ url = "/" }: IncomingMessage): URL | undefined {
  try {
    const parsed = new URL(url, "http://kubelet");
    decodeURIComponent(parsed.pathname);
    return parsed;
  } catch {
    return undefined;
  }
}

/** Compares in a time that tells nothing about the token. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Undefined when the path is none of ours, or a number is no number. */
function parseRequest(url: URL): LogRequest | undefined {
  const parts = url.pathname.split("/").slice(1).map(decodeURIComponent);
  const [kind, namespace, pod, container, ...rest] = parts;
  if (kind !== "containerLogs" || !namespace || !pod || !container || rest.length > 0) return undefined;
  const query = url.searchParams;
  const flag = (name: string): boolean => query.get(name) === "true" || query.get(name) === "1";
  const number = (name: string): number | undefined => {
    const value = Number(query.get(name) ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const sinceSeconds = number("sinceSeconds");
  const sinceTime = Date.parse(query.get("sinceTime") ?? "");
  return {
    namespace,
    pod,
    container,
    follow: flag("follow"),
    previous: flag("previous"),
    timestamps: flag("timestamps"),
    tailLines: number("tailLines"),
    sinceMs:
      sinceSeconds === undefined
        ? Number.isNaN(sinceTime)
          ? undefined
          : sinceTime
        : Date.now() - sinceSeconds * 1_000,
    limitBytes: number("limitBytes"),
  };
}
