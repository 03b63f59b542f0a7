/** Writes answers in the form that the client asked for. */
import { gzip } from "node:zlib";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { statusError, statusOf } from "../../../protocols/api-server.ts";
import { encodeList } from "../core/cache/encode-list.ts";
import type { Pieces } from "../core/machinery/pieces.ts";
import type { ProtobufObjects } from "../core/cache/protobuf-objects.ts";
import type { Served } from "../core/catalog/catalog.ts";
import { PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import { inEnvelope } from "../core/machinery/encode-protobuf.ts";
import type { Listing } from "../core/machinery/list-text.ts";
import { listBytes } from "../core/machinery/list-text.ts";
import type { IncludeObject } from "../core/machinery/table.ts";
import { toPartialObjectMetadata, toTable } from "../core/machinery/table.ts";
import { toYaml } from "../core/machinery/yaml-text.ts";
import type { Answer } from "../core/registry/answers.ts";
import { WarnedError } from "../core/registry/answers.ts";
import { scaleRows } from "../core/registry/scale.ts";
import { isConverted } from "../core/registry/present.ts";
import type { Encodings, Negotiated, Offer } from "../core/rest/negotiation.ts";
import { CUSTOM_NOT_ACCEPTABLE, JSON_OBJECT, negotiate, notAcceptable } from "../core/rest/negotiation.ts";
import type { Listed } from "../core/rest/listings.ts";
import { listingOf, listKindOf, messagesOf, metadataMessagesOf, metadataOf, tableOf } from "../core/rest/listings.ts";
import type { RemoteRequest } from "../core/rest/remote-request.ts";
import type { Held } from "../core/rest/held.ts";
import { keptWarnings, warningValue } from "../core/rest/warning-header.ts";
import type { Target } from "../core/rest/target.ts";
import type { Query } from "../core/rest/query.ts";
import { parseQuery } from "../core/rest/query.ts";
import { toStatusError } from "../core/store-errors.ts";
import { badRequest, failure, tooManyRequests } from "../core/machinery/status.ts";
import type { Steps } from "../core/steps.ts";
import type { ObjectList } from "../lists.ts";
import type { RequestScope } from "../registry.ts";
import { textOf } from "./bodies.ts";
import type { Body, Headers, HttpAnswer, HttpRequest } from "./http-messages.ts";
import { bytesOfBody, header } from "./http-messages.ts";

const GZIP_LEVEL = 1;
const encoder = new TextEncoder();

const JSON_HEADERS: Headers = { "content-type": "application/json", "cache-control": "no-cache, private" };
const YAML_HEADERS: Headers = { ...JSON_HEADERS, "content-type": "application/yaml" };
const PROTOBUF_HEADERS: Headers = { ...JSON_HEADERS, "content-type": PROTOBUF_MEDIA_TYPE };

export interface Reply {
  readonly request: HttpRequest;
  readonly answer: HttpAnswer;
  readonly query: Query;
  /** What it is counted as; filled in when that is known. */
  readonly counted: {
    verb?: string;
    target?: Target;
    remote?: RemoteRequest;
    dryRun?: string | undefined;
    /** Another server answers it: it is counted when that is over. */
    isPassedOn?: true;
    /** This server has answered in its place. */
    terminated?: true;
    /** It is under way until its client has read the answer. */
    lasts?: true;
  };
}

/**
 * @param goType by which kube-apiserver calls what is asked for
 * @throws Status 406
 */
export function negotiated(
  request: HttpRequest,
  offer: Offer,
  encodings: Encodings,
  goType: () => string = () => "",
): Negotiated {
  const accept = header(request, "accept");
  const chosen = negotiate(accept, offer, encodings);
  if (chosen !== undefined) return chosen;
  if (encodings === "text") throw statusError(failure(406, "NotAcceptable", CUSTOM_NOT_ACCEPTABLE));
  throw notAcceptable(accept ?? "", offer, goType());
}

/** @throws Status 400 */
export function includeObject(query: Query): IncludeObject {
  const value = query.get("includeObject") || "Metadata";
  if (value === "None" || value === "Object" || value === "Metadata") return value;
  const why = `Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw badRequest(`Unable to convert to Table as requested: includeObject: ${why}`);
}

/** Answers from so many bytes on are held until they are read: the window of a connection has room for smaller ones. */
const HELD_BYTES_MIN = 65_536;

/** Of what is on its way to clients. */
export interface Sending {
  readonly held: Held;
  /** Runs `action` when a client has taken too long. */
  readonly late: (action: () => void) => { cancel(): void };
  /** What takes long, in pieces: in the time of the request that it is for, and as long as somebody waits for it. */
  readonly inPieces: <T>(work: Steps<T>, scope: RequestScope) => T | Promise<T>;
}

export class Replies {
  private readonly sending: Sending;
  private readonly gzipBytes: number;
  private readonly nowMs: () => number;
  private readonly protobuf: ProtobufObjects;

  constructor(gzipBytes: number, nowMs: () => number, protobuf: ProtobufObjects, sending: Sending) {
    this.sending = sending;
    this.gzipBytes = gzipBytes;
    this.nowMs = nowMs;
    this.protobuf = protobuf;
  }

  /** One object. */
  object(reply: Reply, served: Served, answer: Answer, form: Negotiated): void {
    const warnings = warningHeaders(answer.warnings);
    if (form.form === "object" || answer.object.kind === "Status") {
      const { json, stored } = answer;
      if (form.mediaType === PROTOBUF_MEDIA_TYPE && stored !== undefined) {
        this.protobufBytes(reply, answer.code, this.protobuf.of(served, stored), warnings);
      } else if (form.mediaType === PROTOBUF_MEDIA_TYPE) this.value(reply, answer.code, answer.object, form, warnings);
      else if (json !== undefined) this.bytes(reply, answer.code, json, form, warnings);
      else this.value(reply, answer.code, answer.object, form, warnings);
      return;
    }
    const { object } = answer;
    if (form.form === "partial") {
      this.value(reply, answer.code, toPartialObjectMetadata(served, object), form, warnings);
      return;
    }
    const resourceVersion = object.metadata?.resourceVersion;
    const options = { includeObject: includeObject(reply.query), nowMs: this.nowMs(), columns: true };
    const shown = isScale(object) ? scaleRows(served.openApiSchema !== undefined) : served;
    const table = toTable(shown, [object], resourceVersion === undefined ? {} : { resourceVersion }, options);
    this.value(reply, answer.code, table, form, warnings);
  }

  /** @throws Status 504, and CANCELLED once nobody waits for it any more: as `InPieces` */
  list(reply: Reply, served: Served, list: ObjectList, form: Negotiated, scope: RequestScope): void | Promise<void> {
    const { request, query } = reply;
    const isTyped = served.openApiSchema !== undefined;
    // Lists of custom resources always say whether there is more.
    const metadata = isTyped && form.form === "object" ? { continue: "", ...list.metadata } : list.metadata;
    const listed = { served, metadata, items: list.items };
    if (form.mediaType === PROTOBUF_MEDIA_TYPE) {
      const work = form.form === "object" ? messagesOf(listed, this.protobuf) : metadataMessagesOf(listed);
      return this.whenDone(reply, work, scope, (encoded) => {
        if (!this.pour(reply, PROTOBUF_HEADERS, encoded)) this.protobufBytes(reply, 200, encoded.bytes);
      });
    }
    const isYaml = form.mediaType === "application/yaml";
    const writing = isYaml ? "yaml" : wantsPretty(request, query) ? "pretty" : "json";
    if (form.form === "object" && writing === "json" && !isConverted(served)) {
      const encoded = encodeList(listKindOf(served), served.info.apiVersion, metadata, list.items, isTyped);
      if (!this.pour(reply, JSON_HEADERS, encoded)) this.bytes(reply, 200, encoded.bytes, form);
      return;
    }
    const bytes = listBytes(this.listing(listed, form, query), writing);
    const headers = isYaml ? YAML_HEADERS : JSON_HEADERS;
    return this.whenDone(reply, bytes, scope, (made) => this.send(request, reply.answer, 200, headers, made));
  }

  private listing(listed: Listed, { form }: Negotiated, query: Query): Listing {
    if (form === "table") {
      return tableOf(listed, { includeObject: includeObject(query), nowMs: this.nowMs(), columns: true });
    }
    return form === "partial" ? metadataOf(listed) : listingOf(listed);
  }

  private whenDone<T>(
    { answer }: Reply,
    work: Steps<T>,
    scope: RequestScope,
    send: (made: T) => void,
  ): void | Promise<void> {
    const made = this.sending.inPieces(work, scope);
    if (!(made instanceof Promise)) return send(made);
    return made.then((later) => {
      if (!answer.closed) send(later);
    });
  }

  /** @param value of a kind that has a message, where protobuf is asked for */
  value(reply: Reply, code: number, value: object, form: Negotiated, headers: Headers = NO_HEADERS): void {
    if (form.mediaType === PROTOBUF_MEDIA_TYPE) this.protobufBytes(reply, code, inEnvelope(value), headers);
    else this.bytes(reply, code, encoder.encode(JSON.stringify(value)), form, headers);
  }

  private protobufBytes(reply: Reply, code: number, bytes: Uint8Array, headers: Headers = NO_HEADERS): void {
    this.encoded(reply, code, { ...headers, ...PROTOBUF_HEADERS }, bytes);
  }

  /** @param headers with the media type of `bytes` */
  encoded({ request, answer }: Reply, code: number, headers: Headers, bytes: Uint8Array): void {
    this.send(request, answer, code, headers, bytes);
  }

  /** @param bytes JSON */
  bytes(reply: Reply, code: number, bytes: Body, form: Negotiated, headers: Headers = NO_HEADERS): void {
    const { request, answer, query } = reply;
    if (form.mediaType === "application/yaml") {
      const yaml = encoder.encode(toYaml(JSON.parse(textOf(bytesOfBody(bytes)))));
      this.send(request, answer, code, { ...headers, ...YAML_HEADERS }, yaml);
      return;
    }
    const body = wantsPretty(request, query) ? indented(bytesOfBody(bytes)) : bytes;
    this.send(request, answer, code, headers === NO_HEADERS ? JSON_HEADERS : { ...JSON_HEADERS, ...headers }, body);
  }

  /**
   * A large list is put together as fast as its client reads it.
   * @returns false: it is not large, or to be compressed, and is not answered here
   */
  private pour({ request, answer, counted }: Reply, headers: Headers, list: Pieces): boolean {
    const { sizeBytes } = list;
    if (sizeBytes < HELD_BYTES_MIN || this.compresses(request, sizeBytes)) return false;
    if (this.isRefused(request, answer, sizeBytes) || answer.closed) return true;
    this.hold(answer, sizeBytes);
    counted.lasts = true;
    const body = answer.open(200, headers);
    const pieces = list.each();
    const proceed = (): void => {
      while (!answer.closed) {
        const { value: piece } = pieces.next();
        if (piece === undefined) return body.end();
        if (!body.writeKept(piece)) return body.onceDrained(proceed);
      }
    };
    proceed();
    return true;
  }

  /** The Status of an error. What is no answer is thrown on. */
  error(request: HttpRequest, answer: HttpAnswer, thrown: unknown): void {
    const status = statusOf(toStatusError(thrown));
    if (answer.closed || status === undefined) return;
    if (answer.begun) {
      // Too late for another answer: the client sees that this one broke off.
      answer.destroy();
      return;
    }
    const seconds = status.details?.retryAfterSeconds;
    const warnings = warningHeaders(thrown instanceof WarnedError ? thrown.warnings : []);
    const retry: Headers = seconds === undefined || seconds === 0 ? NO_HEADERS : { "retry-after": String(seconds) };
    const form = negotiate(header(request, "accept"), "plain", "all") ?? JSON_OBJECT;
    this.value({ request, answer, query: NO_QUERY, counted: {} }, status.code ?? 500, status, form, {
      ...retry,
      ...warnings,
    });
  }

  private send(request: HttpRequest, answer: HttpAnswer, code: number, headers: Headers, body: Body): void {
    if (this.isRefused(request, answer, body.length)) return;
    if (!this.compresses(request, body.length)) return this.sendHeld(answer, code, headers, body);
    const release = this.sending.held.hold(body.length);
    gzip(bytesOfBody(body), { level: GZIP_LEVEL }, (error, compressed) => {
      release();
      if (answer.closed) return;
      const vary =
        "vary" in headers && headers.vary !== undefined ? `Accept-Encoding, ${headers.vary}` : "Accept-Encoding";
      const encoded = { ...headers, "content-encoding": "gzip", vary };
      if (error === null) this.sendHeld(answer, code, encoded, compressed);
      else this.sendHeld(answer, code, headers, body);
    });
  }

  private sendHeld(answer: HttpAnswer, code: number, headers: Headers, body: Body): void {
    if (body.length >= HELD_BYTES_MIN && !answer.closed) this.hold(answer, body.length);
    answer.send(code, headers, body);
  }

  /** Whether there is no room for so large an answer. What was written was written, and its writer is told. */
  private isRefused(request: HttpRequest, answer: HttpAnswer, bytes: number): boolean {
    if (request.method !== "GET" || bytes < HELD_BYTES_MIN || !this.sending.held.isFullWith(bytes)) return false;
    this.error(request, answer, tooManyRequests("too many requests, please try again later", 1));
    return true;
  }

  private compresses(request: HttpRequest, bytes: number): boolean {
    return bytes >= this.gzipBytes && (header(request, "accept-encoding") ?? "").includes("gzip");
  }

  /** Until its client has read it, or is given up. */
  private hold(answer: HttpAnswer, bytes: number): void {
    const release = this.sending.held.hold(bytes);
    const late = this.sending.late(() => answer.destroy());
    answer.onClose(() => {
      late.cancel();
      release();
    });
  }
}

/** The subresource of any kind. */
function isScale({ apiVersion, kind }: KubernetesObject): boolean {
  return apiVersion === "autoscaling/v1" && kind === "Scale";
}

const NO_HEADERS: Headers = {};
const NO_QUERY: Query = parseQuery("");

function warningHeaders(warnings: readonly string[]): Headers {
  if (warnings.length === 0) return NO_HEADERS;
  return { warning: keptWarnings(warnings).map(warningValue).join(", ") };
}

/** Asked for, or asked by what people type at a terminal. */
function wantsPretty(request: HttpRequest, query: Query): boolean {
  const asked = query.get("pretty");
  if (asked !== undefined) return asked !== "false" && asked !== "0";
  const agent = header(request, "user-agent");
  return agent !== undefined && /^(curl|Wget|Mozilla\/5\.0)/.test(agent);
}

function indented(bytes: Uint8Array): Uint8Array {
  return encoder.encode(JSON.stringify(JSON.parse(textOf(bytes)) as unknown, null, 2));
}
