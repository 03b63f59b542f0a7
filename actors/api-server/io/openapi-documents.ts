/**
 * `/openapi/v3` and `/openapi/v2`. Documents are large, so each is made when it is first asked for, is named by a hash that is
 * known before, and is not sent to who has it already. Source: kube-openapi `pkg/handler3`, `pkg/handler`.
 */
import type { Catalog, CatalogGroup } from "../core/catalog/catalog.ts";
import { GroupCache } from "../core/catalog/catalog.ts";
import type { OpenApiDocument } from "../core/machinery/openapi.ts";
import {
  hash,
  hashOfRoot,
  OpenApiHashes,
  openApiDocument,
  openApiIndex,
  openApiJson,
} from "../core/machinery/openapi.ts";
import type { Aggregation, ToldOpenApi } from "../aggregation.ts";
import type { Remotes } from "../core/aggregation/remote-discovery.ts";
import { MergedOpenApi } from "../core/aggregation/remote-openapi.ts";
import { indexWith } from "../core/aggregation/remote-discovery.ts";
import type { OpenApiV2Part, Piece } from "../core/machinery/openapi-v2.ts";
import {
  OPENAPI_V2_ASKED,
  OPENAPI_V2_MEDIA_TYPE,
  openApiV2Json,
  openApiV2Part,
  openApiV2Protobuf,
} from "../core/machinery/openapi-v2.ts";
import { openApiRootDocument, openApiRoots } from "../core/machinery/openapi-roots.ts";
import { OPENAPI_V3_ASKED, OPENAPI_V3_MEDIA_TYPE, openApiV3Protobuf } from "../core/machinery/openapi-v3-protobuf.ts";
import { ProtobufWriter } from "../core/machinery/protobuf-writer.ts";
import type { Steps } from "../core/steps.ts";
import { preferredType } from "../core/rest/negotiation.ts";
import type { Replies, Reply } from "./answers.ts";
import type { Headers, HttpRequest } from "./http-messages.ts";
import { header } from "./http-messages.ts";

/** Does what comes in pieces. */
export type InPieces = <T>(work: Steps<T>) => T | Promise<T>;

const encoder = new TextEncoder();
const JSON_TYPE = "application/json";
const NO_STORE: Headers = { "cache-control": "no-cache, private" };
/** A document at an address that holds its hash never changes. */
const FOR_EVER = "public, immutable";
const YEAR_MS = 31_536_000_000;
const MS_PER_SECOND = 1_000;

type Encoding = "json" | "protobuf";

/** One document, in the encodings in which somebody has asked for it: those that are there, and those that are being made. */
interface Made {
  readonly sinceMs: number;
  readonly bytes: Map<Encoding, Uint8Array | Promise<Uint8Array>>;
}

export class OpenApiDocuments {
  private readonly replies: Replies;
  private readonly catalog: () => Catalog;
  private readonly aggregation: Pick<Aggregation, "all" | "openApiV2">;
  private readonly nowMs: () => number;
  private readonly inPieces: InPieces;
  private readonly hashes = new OpenApiHashes();
  /** By version. */
  private readonly documents = new GroupCache(() => new Map<string, Made>());
  private readonly writer = new ProtobufWriter();
  private readonly shared = new Map<string, Piece>();
  private readonly parts = new GroupCache((): { made?: OpenApiV2Part } => ({}));
  /** By path, of those of no version: they are the same whatever is served. */
  private readonly roots = new Map<string, Made>();
  /** Of the catalog, and of what others told, that were there last. */
  private v2: (Made & { readonly of: Catalog; readonly elsewhere: string }) | undefined;
  /** Of the catalog, and of what others served, that were there last. */
  private v3: { readonly of: Catalog; readonly remotes: Remotes | undefined; readonly sinceMs: number } | undefined;

  constructor(
    replies: Replies,
    catalog: () => Catalog,
    aggregation: Pick<Aggregation, "all" | "openApiV2">,
    nowMs: () => number,
    inPieces: InPieces,
  ) {
    this.inPieces = inPieces;
    this.replies = replies;
    this.aggregation = aggregation;
    this.catalog = catalog;
    this.nowMs = nowMs;
  }

  /** False: there is no such document. */
  answer(reply: Reply, segments: readonly string[]): boolean | Promise<void> {
    const [, edition, root, group = "", version = ""] = segments;
    if (edition === "v2" && root === undefined) return this.answerV2(reply);
    if (edition !== "v3") return false;
    if (root === "api" && segments.length === 4) return this.answerV3(reply, "", group);
    if (root === "apis" && segments.length === 5) return this.answerV3(reply, group, version);
    const path = segments.slice(2).join("/");
    if (openApiRoots(this.catalog()).includes(path)) return this.answerRoot(reply, path);
    if (root === undefined) this.index(reply);
    else reply.answer.send(404, NO_STORE, undefined);
    return true;
  }

  private index(reply: Reply): void {
    const of = this.catalog();
    const remotes = this.aggregation.all;
    if (this.v3?.of !== of || this.v3.remotes !== remotes) this.v3 = { of, remotes, sinceMs: this.nowMs() };
    const headers = { ...NO_STORE, "last-modified": httpDate(this.v3.sinceMs), "content-type": JSON_TYPE };
    if (isUnchanged(reply, undefined, this.v3.sinceMs)) return reply.answer.send(304, NO_STORE, undefined);
    const own = openApiIndex(of, (group, version) => this.hashOf(group, version));
    const value = remotes === undefined ? own : indexWith(own, remotes);
    this.replies.encoded(reply, 200, headers, encoder.encode(JSON.stringify(value)));
  }

  private hashOf(group: CatalogGroup, version: string): string {
    return this.hashes.of(group).get(version) ?? "";
  }

  private answerRoot(reply: Reply, path: string): Promise<void> {
    let made = this.roots.get(path);
    if (made === undefined) this.roots.set(path, (made = { sinceMs: this.nowMs(), bytes: new Map() }));
    return this.document(reply, { path, known: hashOfRoot(path), made, make: () => openApiRootDocument(path) });
  }

  private async answerV3(reply: Reply, name: string, version: string): Promise<void> {
    const group = this.catalog().group(name);
    const of = group?.versions.find((each) => each.version === version);
    if (group === undefined || of === undefined) return reply.answer.send(404, NO_STORE, undefined);
    const path = name === "" ? `api/${version}` : `apis/${name}/${version}`;
    const made = this.madeOf(group, version);
    return this.document(reply, {
      path,
      known: this.hashOf(group, version),
      made,
      make: () => openApiDocument(name, of),
    });
  }

  /** @param known its hash */
  private async document(
    reply: Reply,
    { path, known, made, make }: { path: string; known: string; made: Made; make: () => OpenApiDocument },
  ): Promise<void> {
    const { request, answer, query } = reply;
    const vary = { vary: "Accept" };
    const type = preferredType(header(request, "accept"), [JSON_TYPE, ...OPENAPI_V3_ASKED]);
    if (type === undefined) return answer.send(406, { ...NO_STORE, ...vary }, undefined);
    const isProtobuf = type !== JSON_TYPE;
    const contentType = { "content-type": isProtobuf ? OPENAPI_V3_MEDIA_TYPE : JSON_TYPE };
    const etag = { etag: `"${known}"` };
    const asked = query.get("hash") ?? "";
    if (asked !== "" && asked !== known) {
      const location = `/openapi/v3/${path}?hash=${known}`;
      return answer.send(301, { ...NO_STORE, ...vary, ...contentType, ...etag, location }, undefined);
    }
    const kept = asked === "" ? NO_STORE : { "cache-control": FOR_EVER, expires: httpDate(this.nowMs() + YEAR_MS) };
    const headers = { ...kept, ...vary, ...etag };
    if (isUnchanged(reply, etag.etag, made.sinceMs)) return answer.send(304, headers, undefined);
    const encoding = isProtobuf ? "protobuf" : "json";
    const bytes = await this.bytesOf(made, encoding, () => this.inPieces(documentIn(encoding, make())));
    const whole = { ...headers, ...contentType, "last-modified": httpDate(made.sinceMs) };
    this.replies.encoded(reply, 200, whole, bytes);
  }

  private madeOf(group: CatalogGroup, version: string): Made {
    const documents = this.documents.of(group);
    let made = documents.get(version);
    if (made === undefined) documents.set(version, (made = { sinceMs: this.nowMs(), bytes: new Map() }));
    return made;
  }

  private async answerV2(reply: Reply): Promise<void> {
    const shared = { ...NO_STORE, vary: "Accept-Encoding, Accept" };
    const type = preferredType(header(reply.request, "accept"), [JSON_TYPE, ...OPENAPI_V2_ASKED]);
    if (type === undefined) return reply.answer.send(406, shared, undefined);
    const told = this.aggregation.all === undefined ? [] : await this.aggregation.openApiV2();
    const elsewhere = told.map(({ etag }) => etag).join();
    const catalog = this.catalog();
    const hashes = [...catalog.groups.values()].flatMap((group) => [...this.hashes.of(group).values()]);
    const etag = `"${hash([...hashes, elsewhere].join())}"`;
    if (this.v2?.of !== catalog || this.v2.elsewhere !== elsewhere) {
      this.v2 = { of: catalog, elsewhere, sinceMs: this.nowMs(), bytes: new Map() };
    }
    const { v2 } = this;
    if (isUnchanged(reply, etag, v2.sinceMs)) return reply.answer.send(304, { ...shared, etag }, undefined);
    const isProtobuf = type !== JSON_TYPE;
    const encoding = isProtobuf ? "protobuf" : "json";
    const bytes = await this.bytesOf(v2, encoding, () => this.makeV2(catalog, told, encoding));
    const contentType = isProtobuf ? OPENAPI_V2_MEDIA_TYPE : JSON_TYPE;
    const own = { etag, "content-type": contentType, "last-modified": httpDate(v2.sinceMs) };
    this.replies.encoded(reply, 200, { ...shared, ...own }, bytes);
  }

  /** Who asks for it while it is being made gets the same: made once for each, a flood of requests would hold the thread for seconds. */
  private bytesOf(
    { bytes }: Made,
    encoding: Encoding,
    make: () => Uint8Array | Promise<Uint8Array>,
  ): Uint8Array | Promise<Uint8Array> {
    const known = bytes.get(encoding);
    if (known !== undefined) return known;
    const making = make();
    bytes.set(encoding, making);
    if (making instanceof Promise) {
      making.then(
        (made) => bytes.set(encoding, made),
        () => bytes.delete(encoding),
      );
    }
    return making;
  }

  private async makeV2(catalog: Catalog, told: readonly ToldOpenApi[], encoding: Encoding): Promise<Uint8Array> {
    const parts: OpenApiV2Part[] = [];
    for (const group of catalog.groups.values()) {
      const part = this.parts.of(group);
      parts.push((part.made ??= await this.inPieces(openApiV2Part(group, this.writer, this.shared))));
    }
    const all = told.length === 0 ? parts : this.merged(parts, told);
    return this.inPieces(encoding === "json" ? openApiV2Json(all) : openApiV2Protobuf(all));
  }

  private merged(own: readonly OpenApiV2Part[], told: readonly ToldOpenApi[]): readonly OpenApiV2Part[] {
    const merged = new MergedOpenApi(own, this.writer);
    for (const { document } of told) merged.add(document);
    return merged.parts;
  }
}

function documentIn(encoding: Encoding, document: OpenApiDocument): Steps<Uint8Array> {
  return encoding === "json" ? openApiJson(document) : openApiV3Protobuf(document);
}

/** Whether the client says that it has this one; undefined when it says of none what it has. */
export function namesETag(request: HttpRequest, etag: string): boolean | undefined {
  const match = header(request, "if-none-match");
  return match?.split(",").some((tag) => [etag, "*"].includes(tag.trim().replace(/^W\//, "")));
}

/**
 * Whether the client has the document as it is: by its ETag, or, if it names none, by when it has got it (RFC 9110, section 13.2.2).
 * @param etag undefined: it has none
 */
function isUnchanged({ request }: Reply, etag: string | undefined, sinceMs: number): boolean {
  const named = etag === undefined ? undefined : namesETag(request, etag);
  if (named !== undefined) return named;
  const seenMs = Date.parse(header(request, "if-modified-since") ?? "");
  return seenMs >= Math.floor(sinceMs / MS_PER_SECOND) * MS_PER_SECOND;
}

function httpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}
