/** Which requests other servers answer, and what they are counted as. */
import type { APIService } from "../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Backend } from "../backend.ts";
import { isProxyPath, parseProxyPath } from "../core/rest/proxying.ts";
import { splitPath } from "../core/rest/path.ts";
import { countedVerb, isLongRunning, remoteRequest } from "../core/rest/remote-request.ts";
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
    if (isProxyPath(url)) return true;
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
   * What the proxy of a pod, a Service or a node answers; undefined: it is none.
   * @throws Status 400
   */
  connect(reply: Reply): Promise<void> | undefined {
    const { request, answer, counted } = reply;
    const path = isProxyPath(request.url) ? parseProxyPath(request.url) : undefined;
    if (path === undefined) return undefined;
    const served = this.backend.catalog.required("", "v1", path.resource);
    const { namespace, name } = path;
    const subresource = served.info.subresources.find((each) => each.name === "proxy");
    counted.target = { served, namespace, name, subresource };
    counted.verb = "CONNECT";
    this.begin(reply, true);
    const scope = this.backend.pipeline.scope(
      request.user ?? { user: "", groups: [] },
      "get",
      request.url,
      request.auditId,
    );
    return this.proxies.connect(reply, path, scope, (error) => this.replies.error(request, answer, error));
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
