/** What the API server says about itself: health, version, discovery, OpenAPI. */
import { createHash } from "node:crypto";
import {
  AggregatedDiscovery,
  aggregatedMediaType,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  rootPaths,
  versionDocument,
} from "../core/machinery/discovery.ts";
import type { Aggregation } from "../aggregation.ts";
import type { Remotes } from "../core/aggregation/remote-discovery.ts";
import { discoveryWith, groupListWith, groupWith } from "../core/aggregation/remote-discovery.ts";
import type { Catalog, Served } from "../core/catalog/catalog.ts";
import type { GroupPath } from "../core/rest/path.ts";
import type { Tokens } from "../tokens.ts";
import type { Replies, Reply } from "./answers.ts";
import { negotiated } from "./answers.ts";
import { JSON_OBJECT } from "../core/rest/negotiation.ts";
import type { HttpAnswer, HttpRequest } from "./http-messages.ts";
import type { InPieces } from "./openapi-documents.ts";
import { namesETag, OpenApiDocuments } from "./openapi-documents.ts";

const encoder = new TextEncoder();
/** Keys change with the cluster only. As in kube-apiserver. */
const ISSUER_HEADERS = { "cache-control": "public, max-age=3600" };
const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" };

/** Paths that anyone may read. Source: ClusterRole `system:public-info-viewer`. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set([
  ...["/healthz", "/livez", "/readyz", "/version", "/version/"],
  // By which a node that joins learns whom to trust. Source: kubeadm's Role `kubeadm:bootstrap-signer-clusterinfo`.
  "/api/v1/namespaces/kube-public/configmaps/cluster-info",
]);

interface Document {
  readonly bytes: Uint8Array;
  /** With its quotes. */
  readonly etag: string;
}

export class Documents {
  private readonly replies: Replies;
  private readonly catalog: () => Catalog;
  private readonly remotes: () => Remotes | undefined;
  private readonly tokens: Tokens;
  private readonly issuer: string;
  /** Of the catalog that was there last, and of what others served then. */
  private made:
    | {
        readonly of: Catalog;
        readonly remotes: Remotes | undefined;
        readonly documents: Map<string, Document>;
      }
    | undefined;
  private readonly discovery = new AggregatedDiscovery();
  private readonly openApi: OpenApiDocuments;

  /** @param issuer of the tokens of ServiceAccounts */
  constructor(
    replies: Replies,
    catalog: () => Catalog,
    aggregation: Pick<Aggregation, "all" | "openApiV2">,
    nowMs: () => number,
    tokens: Tokens,
    issuer: string,
    inPieces: InPieces,
  ) {
    this.remotes = () => aggregation.all;
    this.replies = replies;
    this.catalog = catalog;
    this.openApi = new OpenApiDocuments(replies, catalog, aggregation, nowMs, inPieces);
    this.tokens = tokens;
    this.issuer = issuer;
  }

  /** Resources that are served from now on. */
  prepare(served: readonly Served[]): void {
    this.discovery.prepare(this.catalog(), served);
  }

  /** False: there is no such group or version; else it is answered. */
  group(reply: Reply, path: GroupPath): boolean {
    const { request } = reply;
    const catalog = this.catalog();
    const remotes = this.remotes();
    if (path.kind === "groups") {
      const form = negotiated(request, "discovery", "all");
      if (form.form === "discovery-v2" || form.form === "discovery-v2beta1") {
        const version = form.form === "discovery-v2" ? "v2" : "v2beta1";
        const text = (): string =>
          remotes === undefined || path.root === "api"
            ? this.discovery.text(catalog, path.root, version)
            : discoveryWith(catalog, remotes, this.discovery, version);
        const { bytes, etag } = this.document(`${path.root} ${version}`, text);
        const headers = { vary: "Accept", etag, "cache-control": "public" };
        if (namesETag(request, etag) === true) reply.answer.send(304, headers, undefined);
        else {
          const contentType = aggregatedMediaType(version);
          this.replies.bytes(reply, 200, bytes, form, { ...headers, "content-type": contentType });
        }
        return true;
      }
      const value = path.root === "api" ? apiVersions(request.localAddress) : groupListOf(catalog, remotes);
      this.replies.value(reply, 200, value, form, { vary: "Accept" });
      return true;
    }
    const value =
      path.kind === "version"
        ? apiResourceList(catalog, path.group, path.version)
        : remotes === undefined
          ? apiGroup(catalog, path.group)
          : groupWith(catalog, remotes, path.group);
    if (value === undefined) return false;
    this.replies.value(reply, 200, value, negotiated(request, "discovery", "all"));
    return true;
  }

  /** False: the path is none of these. Else it is answered, when the promise resolves at the latest. */
  plain(reply: Reply, segments: readonly string[]): boolean | Promise<void> {
    switch (segments[0]) {
      case undefined:
        this.replies.value(reply, 200, { paths: rootPaths(this.catalog()) }, JSON_OBJECT);
        return true;
      case "version":
        this.replies.value(reply, 200, versionDocument(), JSON_OBJECT);
        return segments.length === 1;
      case "openapi":
        return this.openApi.answer(reply, segments);
      default:
        return false;
    }
  }

  /**
   * How others check tokens of ServiceAccounts: OpenID Connect Discovery 1.0, and the keys (RFC 7517).
   * @returns whether the path is one of these, and then it is answered
   */
  async ofIssuer({ request, answer }: Reply, path: string): Promise<boolean> {
    if (path !== "/openid/v1/jwks" && path !== "/.well-known/openid-configuration") return false;
    const { keys, algorithms } = await this.tokens.published();
    const isKeys = path === "/openid/v1/jwks";
    const value = isKeys
      ? { keys }
      : {
          issuer: this.issuer,
          jwks_uri: `https://${request.localAddress}/openid/v1/jwks`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: algorithms,
        };
    const type = isKeys ? "application/jwk-set+json" : "application/json";
    answer.send(200, { "content-type": type, ...ISSUER_HEADERS }, encoder.encode(JSON.stringify(value)));
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

  /** Source: apiserver `server/filters/maxinflight.go` `tooManyRequests`. */
  tooMany(answer: HttpAnswer): void {
    const headers = { ...TEXT, "x-content-type-options": "nosniff", "retry-after": "1" };
    answer.send(429, headers, encoder.encode("Too many requests, please try again later.\n"));
  }

  notFound(answer: HttpAnswer): void {
    answer.send(404, { ...TEXT, "x-content-type-options": "nosniff" }, encoder.encode("404 page not found\n"));
  }

  private document(name: string, textOf: () => string): Document {
    const catalog = this.catalog();
    const remotes = this.remotes();
    if (this.made?.of !== catalog || this.made.remotes !== remotes) {
      this.made = { of: catalog, remotes, documents: new Map() };
    }
    const { documents } = this.made;
    let document = documents.get(name);
    if (document === undefined) {
      const text = textOf();
      const bytes = encoder.encode(text);
      document = { bytes, etag: `"${createHash("sha512").update(bytes).digest("hex").toUpperCase()}"` };
      documents.set(name, document);
    }
    return document;
  }
}

function groupListOf(catalog: Catalog, remotes: Remotes | undefined): object {
  return remotes === undefined ? apiGroupList(catalog) : groupListWith(catalog, remotes);
}
