/** What is passed on: groups that another server answers for, and the `proxy` of pods, services and nodes. */
import type { RequestOptions } from "node:https";
import { hasReason, statusError } from "../../../protocols/api-server.ts";
import type { APIService } from "../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { isAvailable } from "../core/aggregation/availability.ts";
import { servicePort } from "../core/aggregation/service-endpoints.ts";
import type { Backend } from "../backend.ts";
import { badRequest, failure, internalError, notFound, requestTimeout } from "../core/machinery/status.ts";
import { checkProxyable, isProxyable } from "../core/rest/proxied-address.ts";
import type { ProxyPath } from "../core/rest/proxying.ts";
import { remoteUserHeaders, rewrittenLink } from "../core/rest/proxying.ts";
import type { RemoteRequest } from "../core/rest/remote-request.ts";
import { patienceFor } from "../core/rest/remote-request.ts";
import type { StreamPath } from "../core/rest/streaming.ts";
import { kubeletStreamPath } from "../core/rest/streaming.ts";
import { UnderWay } from "../core/rest/under-way.ts";
import type { RequestScope } from "../registry.ts";
import type { Reply } from "./answers.ts";
import type { Upstream } from "./forward.ts";
import { Connections, forward } from "./forward.ts";
import { tlsOptions } from "./https-client.ts";
import type { HttpAnswer, HttpRequest } from "./http-messages.ts";
import { AUDIT_ID } from "./http-messages.ts";
import type { KubeletAddress } from "./kubelet-address.ts";
import { kubeletAddress, kubeletCredentials } from "./kubelet-address.ts";

/** Under way to one other server at a time, watches included: a slow one holds up nobody but its own. */
const UNDER_WAY_MAX = 1_000;

const encoder = new TextEncoder();
const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" };
const ERROR_TEXT = { ...TEXT, "x-content-type-options": "nosniff" };

export class Proxies {
  private readonly backend: Backend;
  private readonly underWay = new UnderWay(UNDER_WAY_MAX);

  private readonly connections = new Connections();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  close(): void {
    this.connections.close();
  }

  /**
   * To the server behind an APIService. Answers with 503 in kube-aggregator's words while it is away, and with 504 when it is too slow.
   * @throws Status 400 and 429
   */
  aggregated(reply: Reply, service: APIService, asked: RemoteRequest): void {
    const { request, answer, query, counted } = reply;
    const { aggregation, options } = this.backend;
    const peer = isAvailable(service) ? aggregation.peerOf(service) : undefined;
    if (peer === undefined) {
      request.stream?.resume();
      counted.terminated = true;
      return unavailable(answer, "service unavailable");
    }
    const patience = patienceFor(asked, query, options.remoteTimeoutMs);
    const name = service.metadata?.name ?? "";
    const over = this.underWay.begin(name);
    const authority = `${peer.serverName}:${peer.port}`;
    const headers = {
      ...remoteUserHeaders(request.user ?? { user: "", groups: [] }),
      host: [authority],
      ...forwardedHeaders(request, request.url),
      "x-forwarded-host": [authority],
      "x-forwarded-proto": ["https"],
      [AUDIT_ID]: [request.auditId],
    };
    const { host, port } = peer;
    const upstream = { secure: true, options: { ...tlsOptions(peer), host, port, path: request.url }, headers };
    const failed = (why: string): void => {
      unavailable(answer, notReached(why));
      aggregation.look(name);
    };
    const timer = patience && this.backend.after(patience.timeoutMs, () => late(patience.isDiscovery));
    const ended = (): void => {
      timer?.cancel();
      over();
    };
    const giveUp = forward(request, answer, upstream, { failed, ended }, this.connections);
    const late = (isDiscovery: boolean): void => {
      if (answer.begun) answer.destroy();
      else if (isDiscovery) unavailable(answer, notReached("context deadline exceeded"));
      else {
        counted.terminated = true;
        tooLate(answer);
      }
      giveUp();
    };
  }

  /** @throws Status 400, 404, 429 and 503 */
  async connect(reply: Reply, path: ProxyPath, scope: RequestScope, refuse: (error: unknown) => void): Promise<void> {
    const { request, answer } = reply;
    const { prefix, rest, scheme } = path;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isRead && request.upgrade === undefined && !rest.startsWith("/")) {
      request.stream?.resume();
      return answer.send(301, { location: `${prefix}/${rest}` }, undefined);
    }
    const { host, port, token, tls } = await this.addressOf(path, scope);
    const ended = this.underWay.begin(`${host}:${port}`);
    const upstreamPath = rest.startsWith("/") ? rest : `/${rest}`;
    const authority = `${host}:${port}`;
    const place = { prefix, authority, clientAuthority: request.localAddress };
    const headers = {
      host: [request.localAddress],
      ...forwardedHeaders(request, prefix + upstreamPath),
      ...(token === undefined ? {} : { authorization: [`Bearer ${token}`] }),
    };
    const upstream: Upstream = {
      secure: tls !== undefined || scheme === "https",
      // As kube-apiserver, which does not know whose certificate it should be.
      options: { ...tls, host, port, path: upstreamPath, rejectUnauthorized: false },
      headers,
      rewrite: (link) => rewrittenLink(link, place),
    };
    const failed = (why: string): void => refuse(serviceUnavailable(notReached(why)));
    forward(request, answer, upstream, { failed, ended }, this.connections);
  }

  /**
   * Into a pod: its kubelet answers.
   * @throws Status 400, 404 and 429
   */
  async stream(reply: Reply, path: StreamPath, scope: RequestScope, refuse: (error: unknown) => void): Promise<void> {
    const { request, answer, query } = reply;
    const pod = (await this.object(scope, "pods", path.namespace, path.name)) as Pod;
    const streamPath = kubeletStreamPath(pod, path, query);
    const nodeName = pod.spec?.nodeName ?? "";
    if (nodeName === "") throw badRequest(`pod ${path.name} does not have a host assigned`);
    const kubelet = await this.kubeletOf(scope, nodeName);
    const { host, port, secure } = kubelet;
    if (request.upgrade === undefined) {
      request.stream?.resume();
      throw badRequest("Upgrade request required");
    }
    const ended = this.underWay.begin(`${host}:${port}`);
    const { tls, token } = kubeletCredentials(kubelet, this.backend.options);
    const headers = {
      host: [`${host}:${port}`],
      ...(token === undefined ? {} : { authorization: [`Bearer ${token}`] }),
    };
    const upstream: Upstream = { secure, options: { ...tls, host, port, path: streamPath }, headers };
    const failed = (why: string): void => refuse(internalError(`error dialing backend: ${why}`));
    forward(request, answer, upstream, { failed, ended }, this.connections);
  }

  /** @throws Status 404, in the words of kube-apiserver, which looks for the node as if it were a pod */
  private async kubeletOf(scope: RequestScope, nodeName: string): Promise<KubeletAddress> {
    let node: Node;
    try {
      node = (await this.object(scope, "nodes", undefined, nodeName)) as Node;
    } catch (error) {
      throw hasReason(error, "NotFound") ? notFound({ group: "", resource: "pods" }, nodeName) : error;
    }
    const address = kubeletAddress(node);
    checkProxyable(address.host);
    return address;
  }

  private addressOf(path: ProxyPath, scope: RequestScope): Promise<Address & KubeletSecrets> {
    switch (path.resource) {
      case "pods":
        return this.podAddress(path, scope);
      case "services":
        return this.serviceAddress(path, scope);
      case "nodes":
        return this.nodeAddress(path, scope);
    }
  }

  private async podAddress({ namespace, name, port, scheme }: ProxyPath, scope: RequestScope): Promise<Address> {
    const pod = (await this.object(scope, "pods", namespace, name)) as Pod;
    const host = pod.status?.podIP;
    checkProxyable(host ?? "");
    const first = (pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports)[0]?.containerPort;
    const asked = port === "" ? (first ?? (scheme === "https" ? 443 : 80)) : portNumber(port);
    return { host: host ?? "", port: movedPort(pod, asked) };
  }

  private async serviceAddress({ namespace = "", name, port }: ProxyPath, scope: RequestScope): Promise<Address> {
    const { resolver } = this.backend.aggregation;
    if (/^\d+$/.test(port)) {
      await this.object(scope, "services", namespace, name);
      const service = resolver.service(namespace, name);
      if (service !== undefined && servicePort(service, port) === undefined) {
        throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
      }
    }
    await this.backend.store.consistent(scope.deadlineMs);
    const endpoint = resolver.podEndpoint(namespace, name, port);
    if (endpoint === undefined || !isProxyable(endpoint.host))
      throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
    return endpoint;
  }

  private async nodeAddress({ name, port }: ProxyPath, scope: RequestScope): Promise<Address & KubeletSecrets> {
    const node = (await this.object(scope, "nodes", undefined, name)) as Node;
    const kubelet = kubeletAddress(node);
    checkProxyable(kubelet.host);
    if (port !== "" && port !== String(kubelet.port)) return { host: kubelet.host, port: portNumber(port) };
    const { tls, token } = kubeletCredentials(kubelet, this.backend.options);
    const { host } = kubelet;
    return {
      host,
      port: kubelet.port,
      ...(token === undefined ? {} : { token }),
      ...(kubelet.secure ? { tls } : {}),
    };
  }

  private async object(
    scope: RequestScope,
    resource: string,
    namespace: string | undefined,
    name: string,
  ): Promise<object> {
    const { registry, catalog } = this.backend;
    const place = { served: catalog.required("", "v1", resource), namespace, name };
    return (await registry.get(scope, place, undefined)).object;
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** By which a kubelet lets us in. `tls`: only over HTTPS. */
interface KubeletSecrets {
  readonly token?: string;
  readonly tls?: RequestOptions;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw badRequest(`invalid port ${JSON.stringify(text)}`);
}

/** Where the machine has refused a pod its port, another one listens. */
function movedPort({ metadata }: Pod, port: number): number {
  const text = metadata?.annotations?.[PORTS_ANNOTATION];
  if (text === undefined) return port;
  try {
    const moved = (JSON.parse(text) as Readonly<Record<string, unknown>> | null)?.[String(port)];
    return typeof moved === "number" ? moved : port;
  } catch {
    return port;
  }
}

const PORTS_ANNOTATION = "inkube.dev/ports";

function serviceUnavailable(message: string): Error {
  return statusError(failure(503, "ServiceUnavailable", message));
}

function unavailable(answer: HttpAnswer, why: string): void {
  answer.send(503, ERROR_TEXT, encoder.encode(`${why}\n`));
}

/** As the filter of kube-apiserver writes it, which knows of no media types and no kinds. */
function tooLate(answer: HttpAnswer): void {
  const { kind: _kind, apiVersion: _apiVersion, ...status } = requestTimeout();
  answer.send(504, TEXT, encoder.encode(`${JSON.stringify(status)}\n`));
}

/** Source: apimachinery `transport.go`, for aggregated APIs and proxies alike. */
function notReached(why: string): string {
  return `error trying to reach service: ${why}`;
}

/** Who has asked, and for what of this server. */
function forwardedHeaders({ headers, remoteAddress }: HttpRequest, uri: string): Record<string, readonly string[]> {
  const before = headers["x-forwarded-for"] ?? [];
  const chain = [...(typeof before === "string" ? [before] : before), remoteAddress()].filter((each) => each !== "");
  return { "x-forwarded-for": [chain.join(", ")], "x-forwarded-uri": [uri.replace(/\?.*$/s, "")] };
}
