/** From what a configuration says of a webhook to the request that reaches it. Source: apiserver `util/webhook/client.go`. */
import type { WebhookClientConfig } from "../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { Address, ServicePlace } from "./service-address.ts";

/** Whom to ask: as it is named, and where that is. */
export interface WebhookTarget {
  /** `https://host[:port]/path`, as messages name it. */
  readonly url: string;
  /** Where it is; of a Service that is yet to be found out. */
  readonly place: Address | ServicePlace;
  /** Whom its certificate must name. */
  readonly serverName: string;
  /** Of the header `Host`. */
  readonly authority: string;
  readonly path: string;
  /** PEM; undefined: whom this machine trusts. */
  readonly ca: string | undefined;
}

const HTTPS_PORT = 443;

/** @returns a text when the URL is none to this side, though it is one to Kubernetes */
export function targetOf({ url, service, caBundle = "" }: WebhookClientConfig): WebhookTarget | string {
  const pem = caBundle === "" ? "" : atob(caBundle.replaceAll(/\s/g, ""));
  const ca = pem.trim() === "" ? undefined : pem;
  if (service !== undefined) {
    const { namespace, name, path = "", port = HTTPS_PORT } = service;
    const serverName = `${name}.${namespace}.svc`;
    const authority = `${serverName}:${port}`;
    const rooted = path.startsWith("/") ? path : `/${path}`;
    const place = { namespace, name, port };
    return { url: `https://${authority}${rooted}`, place, serverName, authority, path: rooted, ca };
  }
  if (url === undefined || !URL.canParse(url)) return `Unparsable URL: ${JSON.stringify(url ?? "")}`;
  const { hostname, host, port, pathname } = new URL(url);
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    url: `https://${host}${pathname}`,
    place: { host: bare, port: port === "" ? HTTPS_PORT : Number(port) },
    serverName: bare,
    authority: host,
    path: pathname,
    ca,
  };
}

/** Tells a webhook how long it is waited for, as Kubernetes' client does. */
export function timeoutQuery(timeoutMs: number): string {
  return `?timeout=${Math.ceil(timeoutMs / 1_000)}s`;
}

/** Of one that was not reached, as Go's client says it. */
export function notReached({ url }: WebhookTarget, timeoutMs: number, why: string): string {
  return `Post ${JSON.stringify(url + timeoutQuery(timeoutMs))}: ${why}`;
}
