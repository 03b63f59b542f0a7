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
  return url.startsWith("/api/v1/") && PROXY.test(url);
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

/**
 * The address of a redirect, so that it leads through us again.
 * @param prefix of our own path
 * @param from what was asked of the server, absolute
 */
export function rewrittenLocation(location: string, prefix: string, from: string): string {
  let target: URL;
  try {
    target = new URL(location, from);
  } catch {
    return location;
  }
  if (target.host !== new URL(from).host) return location;
  const behind = `${target.search}${target.hash}`;
  return target.pathname.startsWith(`${prefix}/`) || target.pathname === prefix
    ? `${target.pathname}${behind}`
    : `${prefix}${target.pathname}${behind}`;
}
