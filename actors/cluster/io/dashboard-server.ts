/**
 * A page that shows a cluster while it runs, and can kill its parts. Who has its address has the token that is in it, and nobody else gets
 * anything: each request of the page brings the token in a header of its own, which no other site's page can send here.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { InkubeError } from "../../../protocols/errors.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import type { TraceEvent } from "../../../runtime/trace/event.ts";
import { formatEvent } from "../../../runtime/trace/event.ts";
import type { ActorStatus, Cluster } from "../cluster.ts";
import { dashboardPage } from "./dashboard-page.ts";
import type { LoopbackServer } from "./loopback-server.ts";
import { answer, serveLoopback } from "./loopback-server.ts";

export interface Dashboard extends LoopbackServer {
  /** With the token. */
  readonly url: string;
}

type Shown = Pick<
  Cluster,
  "name" | "server" | "token" | "authority" | "actors" | "kill" | "restore" | "inspector" | "trace"
>;

const TOKEN_HEADER = "x-inkube-token";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";
/** Messages between actors, of which there are thousands a second; what they do is told by the other events. */
const MESSAGES: readonly string[] = ["call", "cast", "stream", "timer", "log.debug"];
/** Of one look: more can't be read. */
const EVENTS_MAX = 40;
const LOOK_MS = 250;
const BODY_BYTES_MAX = 1_024;

/** Errors: those of `serveLoopback`. */
export async function serveDashboard(port: number, cluster: Shown): Promise<Dashboard> {
  const token = randomBytes(24).toString("base64url");
  const server = await serveLoopback(port, (request, url, response) => handle(cluster, token, request, url, response));
  return { ...server, url: `http://${server.address}/?token=${token}` };
}

async function handle(
  cluster: Shown,
  token: string,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  const isPage = url.pathname === "/";
  const given = isPage ? url.searchParams.get("token") : request.headers[TOKEN_HEADER];
  if (typeof given !== "string" || !isSame(given, token))
    return answer(response, 401, "the address of this page has a token at its end, and it is another one");
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${url.host}`)
    return answer(response, 403, "only for this page itself");
  switch (`${request.method} ${url.pathname}`) {
    case "GET /":
      return sendPage(cluster, response);
    case "GET /state":
      return json(response, await stateOf(cluster));
    case "GET /objects":
      return json(response, await objectsOf(cluster, url.searchParams.get("resource") ?? ""));
    case "GET /trace":
      return sendTrace(cluster, response);
    case "POST /kill":
      await cluster.kill(await nameIn(request));
      return json(response, {});
    case "POST /restore":
      await cluster.restore(await nameIn(request));
      return json(response, {});
    default:
      return answer(response, 404, "there is no such page");
  }
}

function sendPage(cluster: Shown, response: ServerResponse): void {
  const nonce = randomBytes(16).toString("base64");
  const kinds = RESOURCES.filter(
    ({ verbs, storageApiVersion }) => verbs.includes("list") && storageApiVersion === undefined,
  );
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(dashboardPage(cluster, kinds.map(pathOf), nonce));
}

/** `apps/v1/deployments`; `v1/pods`. */
function pathOf({ group, version, resource }: (typeof RESOURCES)[number]): string {
  return [...(group === "" ? [] : [group]), version, resource].join("/");
}

interface ShownActor {
  readonly name: string;
  readonly isNode: boolean;
  readonly state: ActorStatus["state"];
  readonly restarts: number;
  /** Of the last two seconds or so, from 0 to 1; absent of what is down. */
  readonly loop?: number;
  readonly heapBytes?: number;
  readonly lastEnd?: { readonly reason: string; readonly message: string; readonly atMs: number };
}

async function stateOf(cluster: Shown): Promise<{ readonly actors: readonly ShownActor[] }> {
  const shown = cluster.actors().filter(({ name }) => name !== "root" && !/\/(control-plane|agents)$/.test(name));
  return { actors: await Promise.all(shown.map((status) => actorOf(cluster, status))) };
}

async function actorOf(cluster: Shown, { name, state, restarts, lastDown }: ActorStatus): Promise<ShownActor> {
  const isNode = /^(master|worker)-\d+$/.test(name);
  const end = lastDown === undefined ? {} : { lastEnd: { ...lastDown, message: lastDown.message ?? "" } };
  const status = { name, isNode, state, restarts, ...end };
  if (isNode || state !== "up") return status;
  try {
    const { eventLoopUtilization: loop = 0, heapUsedBytes: heapBytes = 0 } = await cluster.inspector.statistics(name);
    return { ...status, loop, heapBytes };
  } catch (error) {
    // It has died meanwhile, or hangs.
    if (!(error instanceof InkubeError)) throw error;
    return status;
  }
}

/** As kubectl shows them. Errors: UNKNOWN_KIND, CONNECTION_FAILED. */
function objectsOf({ server, token, authority }: Shown, path: string): Promise<unknown> {
  if (!RESOURCES.some((resource) => pathOf(resource) === path))
    throw new InkubeError("UNKNOWN_KIND", `there are no ${path}`);
  const url = `${server}/${path.split("/").length === 2 ? "api" : "apis"}/${path}?limit=500`;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: TABLE };
    const asked = httpsRequest(url, { headers, ca: authority }, (answered) => {
      const chunks: Buffer[] = [];
      answered.on("data", (chunk: Buffer) => chunks.push(chunk));
      answered.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    asked.on("error", (error) => reject(new InkubeError("CONNECTION_FAILED", error.message, { retryable: true })));
    asked.end();
  });
}

/** A line of JSON an event, until the page is closed. */
function sendTrace({ trace }: Shown, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  response.flushHeaders();
  const send = (events: readonly TraceEvent[]): void => {
    const told = events.filter(({ kind }) => !MESSAGES.includes(kind));
    for (const event of told.slice(-EVENTS_MAX)) {
      response.write(`${JSON.stringify({ actor: event.actor, kind: event.kind, text: formatEvent(event) })}\n`);
    }
  };
  const following = trace.follow({}, send, LOOK_MS);
  response.once("close", () => following.stop());
}

async function nameIn(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new InkubeError("INVALID_ARGUMENT", "the name is too long");
  }
  return text;
}

function json(response: ServerResponse, value: unknown): void {
  answer(response, 200, JSON.stringify(value), "application/json");
}

/** Compares in a time that tells nothing about the token. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
