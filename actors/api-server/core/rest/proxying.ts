/**
 * Requests that are passed on: which they are, to what path, with which headers, and what becomes of the addresses in the answer.
 * Source: kube-aggregator `pkg/apiserver/handler_proxy.go`, apimachinery `pkg/util/proxy`, kube-apiserver `pkg/registry/core/{pod,service,node}`.
 */
import type { UserInfo } from "../identity.ts";
import { badRequest } from "../machinery/status.ts";

/** `services/https:web:8443/proxy/a/b`, as far as it says where to. */
export interface ProxyPath {
  readonly resource: "nodes" | "pods" | "services";
  readonly namespace: string | undefined;
  readonly name: string;
  readonly scheme: "http" | "https";
  /** Number or name; "" when none is given. */
  readonly port: string;
  /** Up to and with `/proxy`, as it came. */
  readonly prefix: string;
  /** Behind it, with the query, as it came: "" or beginning with a slash or a question mark. */
  readonly rest: string;
}

const PROXY = /^(\/api\/v1\/(?:namespaces\/([^/?]+)\/(pods|services)|(nodes))\/([^/?]+)\/proxy)(?=$|[/?])(.*)$/s;

export function isProxyPath(url: string): boolean {
  return url.startsWith("/api/v1/") && url.includes("/proxy") && PROXY.test(url);
}

/** Undefined for any other path. @throws Status 400 */
export function parseProxyPath(url: string): ProxyPath | undefined {
  const match = PROXY.exec(url);
  if (match === null) return undefined;
  const [, prefix = "", namespace, resource, nodes, target = "", rest = ""] = match;
  const kind = (nodes ?? resource) as ProxyPath["resource"];
  const decoded = decode(target);
  const parts = decoded.split(":");
  if (parts.length > 3) throw badRequest(`invalid ${kind.slice(0, -1)} request ${JSON.stringify(decoded)}`);
  const [scheme = "", name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  if ((scheme !== "" && scheme !== "http" && scheme !== "https") || name === "") {
    throw badRequest(`invalid ${kind.slice(0, -1)} request ${JSON.stringify(decoded)}`);
  }
  return {
    resource: kind,
    namespace: namespace === undefined ? undefined : decode(namespace),
    name,
    scheme: scheme === "https" ? "https" : "http",
    port,
    prefix,
    rest,
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(segment)}`);
  }
}

/** What is between two ends of a connection only (RFC 9110, section 7.6.1), and who it was that asked us. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function isPassedOn(name: string): boolean {
  return !name.startsWith(":") && !OWN_HEADERS.has(name) && !/^x-remote-|^impersonate-/.test(name);
}

/** The headers that `Connection` names are for the next hop alone, too. */
function connectionOnly(raw: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== "connection") continue;
    for (const name of (raw[i + 1] ?? "").split(",")) names.add(name.trim().toLowerCase());
  }
  return names;
}

type HeaderLists = Readonly<Record<string, readonly string[]>>;

/** @param raw names and values in turn */
export function passedOn(raw: readonly string[]): HeaderLists {
  const headers: Record<string, string[]> = {};
  const dropped = connectionOnly(raw);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toLowerCase() ?? "";
    if (isPassedOn(name) && !dropped.has(name)) (headers[name] ??= []).push(raw[i + 1] ?? "");
  }
  return headers;
}

/** Who asks, for a server that trusts us. Each character of a value is a byte of UTF-8, as headers are written. */
export function remoteUserHeaders({ user, groups, uid, extra = {} }: UserInfo): HeaderLists {
  const headers: Record<string, readonly string[]> = {
    "x-remote-user": [bytesOf(user)],
    "x-remote-group": groups.map(bytesOf),
  };
  if (uid !== undefined) headers["x-remote-uid"] = [bytesOf(uid)];
  for (const [key, values] of Object.entries(extra)) {
    headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = values.map(bytesOf);
  }
  return headers;
}

function bytesOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** What other origins may read is for this server to say. Source: apimachinery `upgradeaware.go` `removeCORSHeaders`. */
const ORIGIN_HEADERS = [
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
];

/** The headers of an answer. @param raw names and values in turn */
export function passedBack(raw: readonly string[]): Record<string, readonly string[]> {
  const headers: Record<string, readonly string[]> = { ...passedOn(raw) };
  for (const name of ORIGIN_HEADERS) delete headers[name];
  return headers;
}

/** Where what was passed on came from and went to. */
export interface ProxiedPlace {
  /** Of this server's own path, up to where that of the other one begins. */
  readonly prefix: string;
  /** `host:port` of the other server, and as its client calls this one. */
  readonly authority: string;
  readonly clientAuthority: string;
}

const LINK = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/([^/?#]*)(\/.*)|(\/(?!\/).*))$/is;
const DEFAULT_PORT = /:(?:80|443)$/;

/**
 * A link or a redirect of the other server, so that it leads through this one; what leads elsewhere, or on from the page, as it is.
 * Source: apimachinery `transport.go` `rewriteURL`.
 */
export function rewrittenLink(link: string, { prefix, authority, clientAuthority }: ProxiedPlace): string {
  const [, host, pathOfHost, path = pathOfHost] = LINK.exec(link) ?? [];
  if (path === undefined) return link;
  const isClients = host === clientAuthority;
  const isOwn = host === authority || host === authority.replace(DEFAULT_PORT, "");
  if (host !== undefined && !isClients && !isOwn) return link;
  const whole = path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path;
  return isClients ? link.slice(0, link.length - path.length) + whole : whole;
}
