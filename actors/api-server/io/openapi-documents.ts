/**
 * `/openapi/v3` and `/openapi/v2`. Documents are large, so each is made when it is first asked for, is named by a hash that is
 * known before, and is not sent to who has it already. Source: kube-openapi `pkg/handler3`, `pkg/handler`.
 */
import type { Catalog, CatalogGroup } from "../core/catalog/catalog.ts";
import { GroupCache } from "../core/catalog/catalog.ts";
import { hash, OpenApiHashes, openApiDocument, openApiIndex } from "../core/machinery/openapi.ts";
import type { Aggregation, ToldOpenApi } from "../aggregation.ts";
import { MergedOpenApi } from "../core/aggregation/remote-openapi.ts";
import { indexWith } from "../core/aggregation/remote-discovery.ts";
import type { OpenApiV2Part, Piece } from "../core/machinery/openapi-v2.ts";
import {
  acceptsOpenApiV2,
  OPENAPI_V2_MEDIA_TYPE,
  openApiV2Json,
  openApiV2Part,
  openApiV2Protobuf,
} from "../core/machinery/openapi-v2.ts";
import { ProtobufWriter } from "../core/machinery/protobuf-writer.ts";
import { JSON_OBJECT, negotiate } from "../core/rest/negotiation.ts";
import type { Replies, Reply } from "./answers.ts";
import type { Headers } from "./http-messages.ts";
import { header } from "./http-messages.ts";

const encoder = new TextEncoder();
const NO_STORE: Headers = { "cache-control": "no-cache, private", vary: "Accept" };
/** A document at an address that holds its hash never changes. */
const FOR_EVER: Headers = { "cache-control": "public, immutable", vary: "Accept" };

interface DocumentV2 {
  readonly of: Catalog;
  readonly elsewhere: string;
  readonly bytes: Map<"json" | "protobuf", Uint8Array>;
}

export class OpenApiDocuments {
  private readonly replies: Replies;
  private readonly catalog: () => Catalog;
  private readonly aggregation: Pick<Aggregation, "all" | "openApiV2">;
  private readonly hashes = new OpenApiHashes();
  /** By version. */
  private readonly documents = new GroupCache(() => new Map<string, Uint8Array>());
  private readonly writer = new ProtobufWriter();
  private readonly shared = new Map<string, Piece>();
  private readonly parts = new GroupCache((group) => openApiV2Part(group, this.writer, this.shared));
  /** Of the catalog that was there last. */
  private v2: DocumentV2 | undefined;

  constructor(replies: Replies, catalog: () => Catalog, aggregation: Pick<Aggregation, "all" | "openApiV2">) {
    this.replies = replies;
    this.aggregation = aggregation;
    this.catalog = catalog;
  }

  /** False: there is no such document. */
  answer(reply: Reply, segments: readonly string[]): boolean | Promise<void> {
    const [, edition, root, group, version] = segments;
    if (edition === "v2" && root === undefined) return this.answerV2(reply);
    if (edition !== "v3") return false;
    if (root === undefined) return this.index(reply);
    if (root === "api" && group !== undefined && segments.length === 4) return this.answerV3(reply, "", group);
    if (root !== "apis" || group === undefined || version === undefined || segments.length !== 5) return false;
    return this.answerV3(reply, group, version);
  }

  private index(reply: Reply): boolean {
    const own = openApiIndex(this.catalog(), (group, version) => this.hashOf(group, version));
    const remotes = this.aggregation.all;
    const value = remotes === undefined ? own : indexWith(own, remotes);
    this.replies.value(reply, 200, value, JSON_OBJECT);
    return true;
  }

  private hashOf(group: CatalogGroup, version: string): string {
    return this.hashes.of(group).get(version) ?? "";
  }

  private answerV3(reply: Reply, name: string, version: string): boolean {
    const { request, answer, query } = reply;
    const group = this.catalog().group(name);
    const of = group?.versions.find((each) => each.version === version);
    if (group === undefined || of === undefined) return false;
    if (negotiate(header(request, "accept"), "plain", "text")?.mediaType !== "application/json") {
      answer.send(406, NO_STORE, undefined);
      return true;
    }
    const known = this.hashOf(group, version);
    const asked = query.get("hash");
    if (asked !== undefined && asked !== known) {
      const path = name === "" ? `api/${version}` : `apis/${name}/${version}`;
      answer.send(301, { ...NO_STORE, location: `/openapi/v3/${path}?hash=${known}` }, undefined);
      return true;
    }
    const headers = { ...(asked === undefined ? NO_STORE : FOR_EVER), etag: `"${known}"` };
    if (this.isKnown(reply, headers)) return true;
    const documents = this.documents.of(group);
    let bytes = documents.get(version);
    if (bytes === undefined) {
      bytes = encoder.encode(JSON.stringify(openApiDocument(name, of)));
      documents.set(version, bytes);
    }
    this.replies.bytes(reply, 200, bytes, JSON_OBJECT, headers);
    return true;
  }

  private async answerV2(reply: Reply): Promise<void> {
    const accept = header(reply.request, "accept");
    const isProtobuf = acceptsOpenApiV2(accept ?? "");
    if (!isProtobuf && negotiate(accept, "plain", "text")?.mediaType !== "application/json") {
      reply.answer.send(406, NO_STORE, undefined);
      return;
    }
    const elsewhere = this.aggregation.all === undefined ? [] : await this.aggregation.openApiV2();
    const catalog = this.catalog();
    const hashes = [...catalog.groups.values()].flatMap((group) => [...this.hashes.of(group).values()]);
    const headers = { ...NO_STORE, etag: `"${hash([...hashes, ...elsewhere.map(({ etag }) => etag)].join())}"` };
    if (this.isKnown(reply, headers)) return;
    const bytes = await this.bytesOfV2(catalog, elsewhere, isProtobuf ? "protobuf" : "json");
    if (isProtobuf) this.replies.encoded(reply, 200, { ...headers, "content-type": OPENAPI_V2_MEDIA_TYPE }, bytes);
    else this.replies.bytes(reply, 200, bytes, JSON_OBJECT, headers);
  }

  private async bytesOfV2(
    catalog: Catalog,
    remotes: readonly ToldOpenApi[],
    encoding: "json" | "protobuf",
  ): Promise<Uint8Array> {
    const elsewhere = remotes.map(({ etag }) => etag).join();
    if (this.v2?.of !== catalog || this.v2.elsewhere !== elsewhere) {
      this.v2 = { of: catalog, elsewhere, bytes: new Map() };
    }
    const { bytes } = this.v2;
    const known = bytes.get(encoding);
    if (known !== undefined) return known;
    const parts: OpenApiV2Part[] = [];
    for (const group of catalog.groups.values()) {
      parts.push(this.parts.of(group));
      // Others are answered meanwhile: all groups take some hundred milliseconds.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const all = remotes.length === 0 ? parts : this.merged(parts, remotes);
    const made = encoding === "json" ? encoder.encode(openApiV2Json(all)) : openApiV2Protobuf(all);
    bytes.set(encoding, made);
    return made;
  }

  private merged(own: readonly OpenApiV2Part[], remotes: readonly ToldOpenApi[]): readonly OpenApiV2Part[] {
    const merged = new MergedOpenApi(own, this.writer);
    for (const { document } of remotes) merged.add(document);
    return merged.parts;
  }

  /** Whether the client has this document, and then is told so. */
  private isKnown({ request, answer }: Reply, headers: Headers & { readonly etag: string }): boolean {
    const tags = header(request, "if-none-match")?.split(",") ?? [];
    if (!tags.some((tag) => tag.trim().replace(/^W\//, "") === headers.etag)) return false;
    answer.send(304, headers, undefined);
    return true;
  }
}
