/** Which requests other servers answer, and what they are counted as. */
import type { APIService } from "../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Backend } from "../backend.ts";
import type { ProxyPath } from "../core/rest/proxying.ts";
import { isProxyPath, parseProxyPath } from "../core/rest/proxying.ts";
import { splitPath } from "../core/rest/path.ts";
import { countedVerb, isLongRunning, remoteRequest } from "../core/rest/remote-request.ts";
import { isStreamPath, parseStreamPath } from "../core/rest/streaming.ts";
import type { RequestScope } from "../registry.ts";
import type { Replies, Reply } from "./answers.ts";
import { Proxies } from "./proxies.ts";

export class PassedOn {
  private readonly backend: Backend;
  private readonly replies: Replies;
  private readonly proxies: Proxies;

  constructor(backend: Backend, replies: Replies) {
    this.backend = backend;
    this.replies = replies;
    this.proxies = new Proxies(backend);
  }

  /** Whether a request is passed on with its body as it comes. */
  includes(url: string): boolean {
    if (isProxyPath(url) || isStreamPath(url)) return true;
    if (!url.startsWith("/apis/") || this.backend.aggregation.all === undefined) return false;
    const segments = splitPath(url.replace(/\?.*$/s, ""));
    return segments !== undefined && this.remoteOf(segments) !== undefined;
  }

  /** Whatever is still passed on breaks off. */
  close(): void {
    this.proxies.close();
  }

  remoteOf([root, group = "", version]: readonly string[]): APIService | undefined {
    return root === "apis" && version !== undefined ? this.backend.aggregation.find(group, version) : undefined;
  }

  /** @throws as `Proxies.aggregated` */
  aggregated(reply: Reply, service: APIService, segments: readonly string[]): void {
    const { request, counted, query } = reply;
    const asked = remoteRequest(request.method, segments, query);
    counted.remote = this.backend.aggregation.told(service, asked);
    counted.verb = countedVerb(request.method, asked);
    this.begin(reply, isLongRunning(asked));
    this.proxies.aggregated(reply, service, asked);
  }

  /**
   * What the proxy of a pod, a Service or a node answers, or the kubelet of a pod into which somebody reaches; undefined: it is none.
   * @throws Status 400
   */
  connect(reply: Reply): Promise<void> | undefined {
    const { request, answer } = reply;
    const { url, method } = request;
    const refuse = (error: unknown): void => this.replies.error(request, answer, error);
    const proxied = isProxyPath(url) ? parseProxyPath(url) : undefined;
    if (proxied !== undefined) {
      const scope = this.connected(reply, proxied, "proxy");
      return this.proxies.connect(reply, proxied, scope, refuse);
    }
    const streamed = parseStreamPath(method, url);
    if (streamed === undefined) return undefined;
    const scope = this.connected(reply, { ...streamed, resource: "pods" }, streamed.subresource);
    return this.proxies.stream(reply, streamed, scope, refuse);
  }

  private connected(
    reply: Reply,
    path: Pick<ProxyPath, "resource" | "name" | "namespace">,
    subresourceName: string,
  ): RequestScope {
    const { request, counted } = reply;
    const served = this.backend.catalog.required("", "v1", path.resource);
    const { namespace, name } = path;
    const subresource = served.info.subresources.find((each) => each.name === subresourceName);
    counted.target = { served, namespace, name, subresource };
    counted.verb = "CONNECT";
    this.begin(reply, true);
    const user = request.user ?? { user: "", groups: [] };
    return this.backend.pipeline.scope(user, "get", request.url, request.auditId);
  }

  private begin({ answer, counted }: Reply, isLong: boolean): void {
    counted.isPassedOn = true;
    if (!isLong) {
      counted.lasts = true;
      return;
    }
    const { verb = "", target, remote } = counted;
    answer.onClose(this.backend.requestMetrics.begin({ verb, target, remote }));
  }
}
