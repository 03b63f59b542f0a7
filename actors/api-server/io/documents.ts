/** What the API server says about itself: health, version, discovery, OpenAPI. */
import {
  aggregatedDiscovery,
  aggregatedMediaType,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  rootPaths,
  versionDocument,
} from "../core/machinery/discovery.ts";
import { openApiDocument, openApiIndex } from "../core/machinery/openapi.ts";
import { acceptsOpenApiV2, OPENAPI_V2_MEDIA_TYPE, openApiV2 } from "../core/machinery/openapi-v2.ts";
import type { GroupPath } from "../core/rest/path.ts";
import { noSuchResource } from "../core/machinery/status.ts";
import type { Replies, Reply } from "./answers.ts";
import { negotiated } from "./answers.ts";
import { negotiate } from "../core/rest/negotiation.ts";
import type { HttpAnswer, HttpRequest } from "./http-messages.ts";
import { header } from "./http-messages.ts";

const encoder = new TextEncoder();
const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" };

/** Paths that anyone may read. Source: ClusterRole `system:public-info-viewer`. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz", "/version", "/version/"]);

export class Documents {
  private readonly replies: Replies;
  private readonly made = new Map<string, Uint8Array>();

  constructor(replies: Replies) {
    this.replies = replies;
  }

  group(reply: Reply, path: GroupPath): void {
    const { request } = reply;
    if (path.kind === "groups") {
      const form = negotiated(request, "discovery");
      if (form.form === "discovery-v2" || form.form === "discovery-v2beta1") {
        const version = form.form === "discovery-v2" ? "v2" : "v2beta1";
        const bytes = this.document(`${path.root} ${version}`, () => aggregatedDiscovery(path.root, version));
        const headers = { "content-type": aggregatedMediaType(version), vary: "Accept" };
        this.replies.bytes(reply, 200, bytes, form, headers);
        return;
      }
      const value = path.root === "api" ? apiVersions(request.localAddress) : apiGroupList();
      this.replies.value(reply, 200, value, form, { vary: "Accept" });
      return;
    }
    const value = path.kind === "group" ? apiGroup(path.group) : apiResourceList(path.group, path.version);
    if (value === undefined) throw noSuchResource();
    this.replies.value(reply, 200, value, negotiated(request, "plain"));
  }

  /** Whether the path is one of these, and then it is answered. */
  plain(reply: Reply, segments: readonly string[]): boolean {
    const json = { mediaType: "application/json", form: "object" } as const;
    switch (segments[0]) {
      case undefined:
        this.replies.value(reply, 200, { paths: rootPaths() }, json);
        return true;
      case "version":
        this.replies.value(reply, 200, versionDocument(), json);
        return segments.length === 1;
      case "openapi":
        return this.openApi(reply, segments);
      default:
        return false;
    }
  }

  /** Only JSON: a client that wants protobuf alone is told so, and falls back. */
  private openApi(reply: Reply, segments: readonly string[]): boolean {
    if (segments[1] === "v2" && segments.length === 2) return this.openApiV2(reply);
    if (segments[1] !== "v3") return false;
    const [, , root, group, version] = segments;
    const core = root === "api" && group !== undefined && segments.length === 4;
    const named = root === "apis" && group !== undefined && version !== undefined && segments.length === 5;
    const bytes =
      root === undefined
        ? openApiIndex()
        : core
          ? openApiDocument("", group)
          : named
            ? openApiDocument(group, version)
            : undefined;
    if (bytes === undefined) return false;
    const form = negotiate(header(reply.request, "accept"), "plain") ?? {
      mediaType: "application/json",
      form: "object",
    };
    this.replies.bytes(reply, 200, bytes, { ...form, mediaType: "application/json" });
    return true;
  }

  private openApiV2({ request, answer }: Reply): boolean {
    if (!acceptsOpenApiV2(header(request, "accept") ?? "")) return false;
    answer.send(200, { "content-type": OPENAPI_V2_MEDIA_TYPE, "cache-control": "no-cache, private" }, openApiV2());
    return true;
  }

  /** `/livez`, `/healthz`, `/readyz`, with `?verbose`. `quorum` undefined: not asked. */
  health(answer: HttpAnswer, request: HttpRequest, name: string, quorum: boolean | undefined): void {
    const good = quorum !== false;
    const checks = [
      `[+]ping ok`,
      ...(quorum === undefined ? [] : [quorum ? "[+]etcd ok" : "[-]etcd failed: reason withheld"]),
    ];
    const verbose = !good || /[?&]verbose/.test(request.url);
    const last = `${name} check ${good ? "passed" : "failed"}`;
    answer.send(good ? 200 : 500, TEXT, encoder.encode(verbose ? `${[...checks, last].join("\n")}\n` : "ok"));
  }

  notFound(answer: HttpAnswer): void {
    answer.send(404, { ...TEXT, "x-content-type-options": "nosniff" }, encoder.encode("404 page not found\n"));
  }

  private document(name: string, make: () => object): Uint8Array {
    let bytes = this.made.get(name);
    if (bytes === undefined) {
      bytes = encoder.encode(JSON.stringify(make()));
      this.made.set(name, bytes);
    }
    return bytes;
  }
}
