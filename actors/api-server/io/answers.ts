/** Writes answers in the form that the client asked for. */
import { gzip } from "node:zlib";
import { stringify as stringifyYaml } from "yaml";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { statusOf } from "../../../protocols/api-server.ts";
import { encodeList } from "../core/cache/encode-list.ts";
import type { Served } from "../core/catalog/catalog.ts";
import type { IncludeObject } from "../core/machinery/table.ts";
import { toPartialObjectMetadata, toTable } from "../core/machinery/table.ts";
import type { Answer } from "../core/registry/answers.ts";
import { isConverted, toServed } from "../core/registry/present.ts";
import type { Negotiated, Offer } from "../core/rest/negotiation.ts";
import { negotiate } from "../core/rest/negotiation.ts";
import type { Query } from "../core/rest/query.ts";
import { toStatusError } from "../core/store-errors.ts";
import { failure } from "../core/machinery/status.ts";
import { statusError } from "../../../protocols/api-server.ts";
import type { ObjectList } from "../lists.ts";
import { textOf } from "./bodies.ts";
import type { Headers, HttpAnswer, HttpRequest } from "./http-messages.ts";
import { header } from "./http-messages.ts";

const GZIP_LEVEL = 1;
const encoder = new TextEncoder();

const JSON_HEADERS: Headers = { "content-type": "application/json", "cache-control": "no-cache, private" };

export interface Reply {
  readonly request: HttpRequest;
  readonly answer: HttpAnswer;
  readonly query: Query;
}

export function negotiated(request: HttpRequest, offer: Offer): Negotiated {
  const chosen = negotiate(header(request, "accept"), offer);
  if (chosen !== undefined) return chosen;
  const message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml";
  throw statusError(failure(406, "NotAcceptable", message, {}));
}

export function includeObject(query: Query): IncludeObject {
  const value = query.get("includeObject");
  return value === "None" || value === "Object" ? value : "Metadata";
}

export class Replies {
  private readonly gzipBytes: number;
  private readonly nowMs: () => number;

  constructor(gzipBytes: number, nowMs: () => number) {
    this.gzipBytes = gzipBytes;
    this.nowMs = nowMs;
  }

  /** One object. */
  object(reply: Reply, served: Served, answer: Answer, form: Negotiated): void {
    const warnings = warningHeaders(answer.warnings);
    if (form.form === "object" || answer.object.kind === "Status") {
      const { bytes } = answer;
      if (bytes !== undefined) this.bytes(reply, answer.code, bytes, form, warnings);
      else this.value(reply, answer.code, answer.object, form, warnings);
      return;
    }
    const { object } = answer;
    if (form.form === "partial") {
      this.value(reply, answer.code, toPartialObjectMetadata(object), form, warnings);
      return;
    }
    const resourceVersion = object.metadata?.resourceVersion;
    const options = { includeObject: includeObject(reply.query), nowMs: this.nowMs(), columns: true };
    const table = toTable(served, [object], resourceVersion === undefined ? {} : { resourceVersion }, options);
    this.value(reply, answer.code, table, form, warnings);
  }

  list(reply: Reply, served: Served, list: ObjectList, form: Negotiated): void {
    const { info } = served;
    const kind = `${info.kind}List`;
    const { metadata } = list;
    if (form.form === "object" && !isConverted(served)) {
      this.bytes(reply, 200, encodeList(kind, info.apiVersion, metadata, list.items), form);
      return;
    }
    const items = list.items.map((stored) => toServed(served, stored.object));
    if (form.form === "table") {
      const options = { includeObject: includeObject(reply.query), nowMs: this.nowMs(), columns: true };
      this.value(reply, 200, toTable(served, items, metadata, options), form);
    } else if (form.form === "partial") {
      const partial = items.map(toPartialObjectMetadata);
      const typed = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items: partial };
      this.value(reply, 200, typed, form);
    } else {
      // Items carry no kind and apiVersion of their own, as in `encodeList`.
      const plain = items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item);
      this.value(reply, 200, { kind, apiVersion: info.apiVersion, metadata, items: plain }, form);
    }
  }

  value(reply: Reply, code: number, value: object, form: Negotiated, headers: Headers = NO_HEADERS): void {
    this.bytes(reply, code, encoder.encode(JSON.stringify(value)), form, headers);
  }

  /** @param bytes JSON */
  bytes(reply: Reply, code: number, bytes: Uint8Array, form: Negotiated, headers: Headers = NO_HEADERS): void {
    const { request, answer, query } = reply;
    if (form.mediaType === "application/yaml") {
      const yaml = encoder.encode(
        stringifyYaml(JSON.parse(textOf(bytes)) as unknown, { aliasDuplicateObjects: false }),
      );
      this.send(request, answer, code, { ...JSON_HEADERS, ...headers, "content-type": "application/yaml" }, yaml);
      return;
    }
    const body = wantsPretty(request, query) ? indented(bytes) : bytes;
    this.send(request, answer, code, headers === NO_HEADERS ? JSON_HEADERS : { ...JSON_HEADERS, ...headers }, body);
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
    const retry = seconds === undefined || seconds === 0 ? {} : { "retry-after": String(seconds) };
    const body = encoder.encode(JSON.stringify(status));
    answer.send(status.code ?? 500, { ...JSON_HEADERS, ...retry }, body);
  }

  private send(request: HttpRequest, answer: HttpAnswer, code: number, headers: Headers, body: Uint8Array): void {
    const compress = body.length >= this.gzipBytes && (header(request, "accept-encoding") ?? "").includes("gzip");
    if (!compress) {
      answer.send(code, headers, body);
      return;
    }
    gzip(body, { level: GZIP_LEVEL }, (error, compressed) => {
      if (answer.closed) return;
      const encoded = { ...headers, "content-encoding": "gzip", vary: "Accept-Encoding" };
      if (error === null) answer.send(code, encoded, compressed);
      else answer.send(code, headers, body);
    });
  }
}

const NO_HEADERS: Headers = {};

function warningHeaders(warnings: readonly string[]): Headers {
  if (warnings.length === 0) return NO_HEADERS;
  return { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ") };
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
