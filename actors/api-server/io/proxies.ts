/** What is passed on: groups that another server answers for, and the `proxy` of pods, services and nodes. */
import { statusError } from "../../../protocols/api-server.ts";
import type { APIService } from "../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { isAvailable } from "../core/aggregation/availability.ts";
import { servicePort } from "../core/aggregation/service-endpoints.ts";
import type { Backend } from "../backend.ts";
import { badRequest, failure } from "../core/machinery/status.ts";
import { checkProxyable, isProxyable } from "../core/rest/proxied-address.ts";
import type { ProxyPath } from "../core/rest/proxying.ts";
import { remoteUserHeaders, rewrittenLocation } from "../core/rest/proxying.ts";
import { UnderWay } from "../core/rest/under-way.ts";
import type { RequestScope } from "../registry.ts";
import type { Reply } from "./answers.ts";
import type { Upstream } from "./forward.ts";
import { forward } from "./forward.ts";
import { peerOptions } from "./https-peer.ts";
import type { HttpAnswer } from "./http-messages.ts";
import { kubeletAddress } from "./pod-logs.ts";

/** Under way to one other server at a time, watches included: a slow one holds up nobody but its own. */
const UNDER_WAY_MAX = 1_000;

const encoder = new TextEncoder();
const TEXT = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-cache, private",
  "x-content-type-options": "nosniff",
};

export class Proxies {
  private readonly backend: Backend;
  private readonly underWay = new UnderWay(UNDER_WAY_MAX);

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /**
   * To the server behind an APIService. Answers with 503 in kube-aggregator's words while it is away.
   * @param path with the query
   * @throws Status 429
   */
  aggregated({ request, answer }: Reply, service: APIService, path: string): void {
    const { aggregation, options } = this.backend;
    const peer = isAvailable(service) ? aggregation.peerOf(service) : undefined;
    if (peer === undefined) return unavailable(answer, "service unavailable");
    const name = service.metadata?.name ?? "";
    const ended = this.underWay.begin(name);
    const headers = {
      ...remoteUserHeaders(request.user ?? { user: "", groups: [] }),
      host: [`${peer.serverName}:${peer.port}`],
    };
    const upstream: Upstream = { secure: true, options: { ...peerOptions(peer, options.proxyClient), path }, headers };
    const failed = (why: string): void => {
      unavailable(answer, why);
      aggregation.look(name);
    };
    forward(request, answer, upstream, { failed, ended });
  }

  /** @throws Status 400, 404, 429 and 503 */
  async connect(reply: Reply, path: ProxyPath, scope: RequestScope, refuse: (error: unknown) => void): Promise<void> {
    const { request, answer } = reply;
    const { prefix, rest, scheme } = path;
    if (rest === "" || rest.startsWith("?")) {
      if (request.upgrade === undefined) {
        request.stream?.resume();
        return answer.send(301, { location: `${prefix}/${rest}` }, undefined);
      }
    }
    const { host, port, token } = await this.addressOf(path, scope);
    const ended = this.underWay.begin(`${host}:${port}`);
    const upstreamPath = rest.startsWith("/") ? rest : `/${rest}`;
    const authority = `${host}:${port}`;
    const forwarded = {
      host: [authority],
      "x-forwarded-host": [request.localAddress],
      "x-forwarded-proto": ["https"],
      "x-forwarded-uri": [prefix + upstreamPath.replace(/\?.*$/s, "")],
      ...(token === undefined ? {} : { authorization: [`Bearer ${token}`] }),
    };
    const upstream: Upstream = {
      secure: scheme === "https",
      // As kube-apiserver, which does not know whose certificate it should be.
      options: { host, port, path: upstreamPath, rejectUnauthorized: false },
      headers: forwarded,
      rewrite: (headers) => {
        const [location] = headers["location"] ?? [];
        if (location === undefined) return;
        headers["location"] = [rewrittenLocation(location, prefix, `${scheme}://${authority}${upstreamPath}`)];
      },
    };
    const failed = (why: string): void => refuse(serviceUnavailable(`error trying to reach service: ${why}`));
    forward(request, answer, upstream, { failed, ended });
  }

  private addressOf(
    path: ProxyPath,
    scope: RequestScope,
  ): Promise<{ readonly host: string; readonly port: number; readonly token?: string }> {
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

  private async nodeAddress({ name, port }: ProxyPath, scope: RequestScope): Promise<Address & { token?: string }> {
    const node = (await this.object(scope, "nodes", undefined, name)) as Node;
    const kubelet = kubeletAddress(node);
    checkProxyable(kubelet.host);
    if (port !== "" && port !== String(kubelet.port)) return { host: kubelet.host, port: portNumber(port) };
    return { ...kubelet, token: this.backend.options.kubeletToken };
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
  answer.send(503, TEXT, encoder.encode(`${why}\n`));
}
