/** The REST API: from a request's method and path to the dispatch, and back. One for HTTP/1.1 and HTTP/2. */
import type { DeleteOptions, ListOptions, PatchType } from "../../../protocols/api-server.ts";
import { hasReason, statusError } from "../../../protocols/api-server.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { APIService } from "../../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Backend } from "../backend.ts";
import type { Served } from "../core/catalog/catalog.ts";
import { ProtobufObjects } from "../core/cache/protobuf-objects.ts";
import type { Decoded } from "../core/machinery/decode-object.ts";
import { PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import { messageType } from "../core/machinery/encode-protobuf.ts";
import { APPLY_TYPE, PATCH_TYPES, parsePatch } from "../core/machinery/patch/apply-patch.ts";
import { badRequest, failure, noSuchResource, notFound } from "../core/machinery/status.ts";
import { Held } from "../core/rest/held.ts";
import { logOptions } from "../core/rest/log-options.ts";
import type { Encodings, Offer } from "../core/rest/negotiation.ts";
import type { WriteKind } from "../core/rest/options.ts";
import type { ResourcePath } from "../core/rest/path.ts";
import { parseGroupPath, parseResourcePath, splitPath } from "../core/rest/path.ts";
import { isProxyPath, parseProxyPath } from "../core/rest/proxying.ts";
import type { Asked } from "../core/rest/asked.ts";
import type { Query } from "../core/rest/query.ts";
import { deleteOptions, isWatch, listOptions, parseQuery, watchOptions, writeOptions } from "../core/rest/query.ts";
import { warningValue } from "../core/rest/warning-header.ts";
import { managerOfUserAgent } from "../core/rest/user-agent.ts";
import type { Verb } from "../core/rest/target.ts";
import { checkVerb } from "../core/rest/target.ts";
import type { Input } from "../dispatch.ts";
import { placeOf } from "../dispatch.ts";
import type { RequestScope } from "../registry.ts";
import type { Reply } from "./answers.ts";
import { includeObject, negotiated, Replies } from "./answers.ts";
import { decodeBody, decodeConfiguration, decodeDeleteOptions, mediaTypeOf, textOf } from "./bodies.ts";
import type { Family } from "../core/telemetry/request-figures.ts";
import { RequestFigures } from "../core/telemetry/request-figures.ts";
import { figures, FIGURES_PATH } from "./figures.ts";
import { Documents, PUBLIC_PATHS } from "./documents.ts";
import type { ArrivedRequest, HttpAnswer, HttpRequest, RawHandler } from "./http-messages.ts";
import { header } from "./http-messages.ts";
import { Proxies } from "./proxies.ts";
import { streamLogs } from "./pod-logs.ts";
import { WarnedAnswer } from "./warned-answer.ts";
import { jsonLine, protobufLine, WatchLines, WatchStream } from "./watch-stream.ts";

/** A watch that names no timeout ends after half an hour to an hour, so that clients spread over the servers again. */
const WATCH_SECONDS_MIN = 1_800;

/** What has been asked for as protobuf stays so for one or two of these periods. */
const PROTOBUF_FOR_MS = 30_000;
const MS_PER_SECOND = 1_000;
const HTTP_OK = 200;
/** Not counted. */
const PASSED_ON = "CONNECT";

export class Rest {
  private readonly backend: Backend;
  private readonly raw: ReadonlyMap<string, RawHandler>;
  readonly held: Held;
  private readonly replies: Replies;
  private readonly documents: Documents;
  private readonly figures = new RequestFigures();
  private readonly proxies: Proxies;
  private readonly protobuf = new ProtobufObjects();
  private readonly lines = new WatchLines(jsonLine);
  private readonly frames = new WatchLines(protobufLine(this.protobuf));
  private readonly watching = new Set<WatchStream>();
  private watchSpread = 0;

  /** @param raw handlers of paths outside of the API, by path */
  constructor(backend: Backend, raw: ReadonlyMap<string, RawHandler>) {
    this.backend = backend;
    this.raw = new Map([...raw, [FIGURES_PATH, figures(backend, this.figures, () => this.watchFigures())]]);
    const { gzipBytes, heldBytesMax, answerTimeoutMs } = backend.options;
    this.held = new Held(heldBytesMax);
    this.replies = new Replies(gzipBytes, () => backend.nowMs(), this.protobuf, {
      held: this.held,
      late: (action) => backend.after(answerTimeoutMs, action),
    });
    backend.every(PROTOBUF_FOR_MS, () => this.protobuf.age());
    this.proxies = new Proxies(backend);
    this.documents = new Documents(
      this.replies,
      () => backend.catalog,
      () => backend.aggregation.all,
      backend.tokens,
      backend.options.serviceAccounts.issuer,
    );
    backend.onServed((served) => this.documents.prepare(served));
  }

  /** Answers every request; what it throws is a broken invariant. */
  async handle(arrived: ArrivedRequest, answer: HttpAnswer): Promise<void> {
    let request: HttpRequest = { ...arrived, user: undefined };
    const beganMs = this.backend.monotonicMs();
    const counted: Reply["counted"] = {};
    try {
      const identified = arrived.identify();
      request = { ...arrived, user: identified instanceof Promise ? await identified : identified };
      const mark = request.url.indexOf("?");
      const path = mark < 0 ? request.url : request.url.slice(0, mark);
      const query = parseQuery(mark < 0 ? "" : request.url.slice(mark + 1));
      const { user, rawHeaders, method } = request;
      const asked = (): Asked => this.asked(method, path, query);
      const arrival = { user, rawHeaders, asked, isPublic: PUBLIC_PATHS.has(path), limited: true };
      await this.backend.pipeline.run(arrival, (actsFor) => {
        if (actsFor !== user) request = { ...request, user: actsFor };
        return this.route({ request, answer, query, counted }, path);
      });
    } catch (error) {
      this.replies.error(request, answer, this.backend.explained(error, `${request.method} ${request.url}`));
    }
    this.count(counted, request, answer, beganMs);
  }

  /** What is compressed is answered a little later, and well. */
  private count({ verb, target }: Reply["counted"], request: HttpRequest, answer: HttpAnswer, beganMs: number): void {
    // What is passed on is not answered yet.
    if (verb === PASSED_ON) return;
    const seconds = verb === "WATCH" ? undefined : (this.backend.monotonicMs() - beganMs) / MS_PER_SECOND;
    this.figures.count({ verb: verb ?? request.method, target }, answer.begun ? answer.status : HTTP_OK, seconds);
  }

  private watchFigures(): Family {
    const counts = new Map<Served, number>();
    for (const { served } of this.watching) counts.set(served, (counts.get(served) ?? 0) + 1);
    return {
      name: "apiserver_longrunning_requests",
      type: "gauge",
      help: "Watches that are open.",
      samples: [...counts].map(
        ([
          {
            info: { group, version, resource },
          },
          value,
        ]) => ({
          labels: { verb: "WATCH", group, version, resource, component: "apiserver" },
          value,
        }),
      ),
    };
  }

  private asked(method: string, path: string, query: Query): Asked {
    const target = parseResourcePath(this.backend.catalog, splitPath(path) ?? []);
    const other = { verb: method.toLowerCase(), path, target: undefined };
    if (target === undefined) return other;
    const watch = target.subresource === undefined && (target.watch || isWatch(query));
    const verb = verbOf(method, target.name !== undefined, watch);
    return verb === undefined ? other : { verb, path, target };
  }

  /** Ends all watches, so that their clients go elsewhere. */
  endWatches(): void {
    for (const stream of this.watching) stream.end();
  }

  /** Of a request whose body is not taken. */
  refuse(request: HttpRequest, answer: HttpAnswer, error: InkubeError): void {
    this.replies.error(request, answer, error);
  }

  /** Whether a request is passed on with its body as it comes. */
  passesOn(url: string): boolean {
    if (isProxyPath(url)) return true;
    if (!url.startsWith("/apis/") || this.backend.aggregation.all === undefined) return false;
    const segments = splitPath(url.replace(/\?.*$/s, ""));
    return segments !== undefined && this.remoteOf(segments) !== undefined;
  }

  private remoteOf([root, group = "", version]: readonly string[]): APIService | undefined {
    return root === "apis" && version !== undefined ? this.backend.aggregation.find(group, version) : undefined;
  }

  private passOn(reply: Reply, remote: APIService): void {
    reply.counted.verb = PASSED_ON;
    this.proxies.aggregated(reply, remote, reply.request.url);
  }

  private connect(reply: Reply): Promise<void> | undefined {
    const { request, answer } = reply;
    const proxied = isProxyPath(request.url) ? parseProxyPath(request.url) : undefined;
    if (proxied === undefined) return undefined;
    reply.counted.verb = PASSED_ON;
    const scope = this.backend.pipeline.scope(request.user ?? { user: "", groups: [] }, "get", request.url);
    return this.proxies.connect(reply, proxied, scope, (error) => this.replies.error(request, answer, error));
  }

  private async route(reply: Reply, path: string): Promise<void> {
    const { request, answer } = reply;
    const connected = this.connect(reply);
    if (connected !== undefined) return connected;
    const segments = splitPath(path);
    const remote = segments === undefined ? undefined : this.remoteOf(segments);
    if (remote !== undefined) return this.passOn(reply, remote);
    if (segments === undefined) throw badRequest(`invalid URL escape in ${JSON.stringify(path)}`);
    const resource = parseResourcePath(this.backend.catalog, segments);
    if (resource !== undefined) return this.found(reply, resource);
    const raw = this.raw.get(path);
    if (raw !== undefined) return raw(request, answer);
    const [first] = segments;
    if (first === "livez" || first === "healthz" || first === "readyz") return this.health(request, answer, first);
    if (first === "apis" || first === "openapi") return this.mayBeNew(reply, path, segments);
    return this.other(reply, path, segments);
  }

  private found(reply: Reply, resource: ResourcePath): Promise<void> {
    const { deprecated } = resource.served.rules;
    return deprecated === undefined ? this.resource(reply, resource) : this.warned(reply, resource, deprecated);
  }

  /** What is not known here may have been defined a moment ago, through another server: then it is in what a quorum has. */
  private async mayBeNew(reply: Reply, path: string, segments: readonly string[]): Promise<void> {
    const { store, pipeline } = this.backend;
    const { request } = reply;
    const { deadlineMs } = pipeline.scope(request.user ?? { user: "", groups: [] }, "get", request.url);
    const [first, group, version] = segments;
    const { catalog } = this.backend;
    const isKnown =
      first === "openapi" ||
      group === undefined ||
      (segments.length === 2 && catalog.group(group) !== undefined) ||
      (segments.length === 3 && catalog.version(group, version ?? "") !== undefined);
    // Definitions count once they are loaded.
    await (isKnown ? store.waitFor(0, deadlineMs) : store.consistent(deadlineMs));
    const resource = parseResourcePath(this.backend.catalog, segments);
    if (resource !== undefined) return this.found(reply, resource);
    const remote = this.remoteOf(segments);
    if (remote !== undefined) return this.passOn(reply, remote);
    if (first === "openapi" && this.openApiElsewhere(reply, segments)) return;
    return this.other(reply, path, segments);
  }

  /** Whether the document is another server's: that one is asked. */
  private openApiElsewhere(reply: Reply, [, edition, root, group = "", version = ""]: readonly string[]): boolean {
    if (edition !== "v3" || root !== "apis") return false;
    const remote = this.backend.aggregation.find(group, version);
    if (remote === undefined) return false;
    this.passOn(reply, remote);
    return true;
  }

  /** What is no resource. */
  private async other(reply: Reply, path: string, segments: readonly string[]): Promise<void> {
    const { request, answer } = reply;
    const [first] = segments;
    const parent = parseResourcePath(this.backend.catalog, segments.slice(0, -1));
    if (parent?.name !== undefined && parent.served.openApiSchema !== undefined) {
      // A subresource that the definition does not have.
      throw notFound(parent.served.info, parent.name);
    }
    if (request.method !== "GET") {
      if (first === "api" || first === "apis") throw noSuchResource();
      return this.documents.notFound(answer);
    }
    const group = parseGroupPath(segments);
    if (group !== undefined) return this.documents.group(reply, group);
    const plain = this.documents.plain(reply, segments);
    if (plain !== false) return plain === true ? undefined : plain;
    if (await this.documents.ofIssuer(reply, path)) return;
    const known = first === "apis" && this.backend.catalog.group(segments[1] ?? "") !== undefined;
    if (first === "api" || known) throw noSuchResource();
    this.documents.notFound(answer);
  }

  private health(request: HttpRequest, answer: HttpAnswer, name: string): void {
    const quorum = name === "livez" ? undefined : this.backend.store.ready;
    this.documents.health(answer, request, name, quorum);
  }

  private async warned({ request, answer, query, counted }: Reply, path: ResourcePath, warning: string): Promise<void> {
    const warned = new WarnedAnswer(answer, warningValue(warning));
    try {
      await this.resource({ request, answer: warned, query, counted }, path);
    } catch (error) {
      this.replies.error(request, warned, this.backend.explained(error, `${request.method} ${request.url}`));
    }
  }

  private async resource(reply: Reply, path: ResourcePath): Promise<void> {
    const { request, query } = reply;
    const { served, name, subresource } = path;
    const watch = request.method === "GET" && subresource === undefined && (path.watch || isWatch(query));
    const verb = checkVerb(path, verbOf(request.method, name !== undefined, watch));
    reply.counted.verb = COUNTED_VERBS[verb];
    reply.counted.target = path;
    const user = request.user ?? { user: "", groups: [] };
    const call = {
      scope: this.backend.pipeline.scope(user, verb, request.url),
      target: path,
      input: new HttpInput(reply),
    };
    const { dispatch } = this.backend;
    switch (verb) {
      case "watch":
        return this.watch(reply, path, call.scope);
      case "list":
      case "deletecollection": {
        const form = negotiated(request, "list", encodingsOf(path));
        const list = await (verb === "list" ? dispatch.list(call) : dispatch.deleteCollection(call));
        return this.replies.list(reply, served, list, form);
      }
      case "get":
      case "create":
      case "update":
      case "patch":
      case "delete": {
        if (subresource?.name === "log") return this.logs(reply, path, call.scope);
        const form = negotiated(request, offerOf(path), encodingsOf(path));
        this.replies.object(reply, served, await dispatch[verb](call), form);
      }
    }
  }

  private async logs(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<void> {
    const { registry, options, catalog } = this.backend;
    const asked = {
      container: reply.query.get("container"),
      options: logOptions(path.name ?? "", reply.query),
    };
    const pod = (await registry.get(scope, placeOf(path), "0")).object as Pod;
    const nodeName = pod.spec?.nodeName;
    let node: Node | undefined;
    if (nodeName) {
      const place = { served: catalog.required("", "v1", "nodes"), namespace: undefined, name: nodeName };
      try {
        node = (await registry.get(scope, place, "0")).object as Node;
      } catch (error) {
        if (!hasReason(error, "NotFound")) throw error;
      }
    }
    await streamLogs(pod, node, options.kubeletToken, asked, reply.answer);
  }

  private async watch(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<void> {
    const { request, answer, query } = reply;
    const { backend } = this;
    const { served, namespace, name } = path;
    const form = negotiated(request, "watch", encodingsOf(path));
    const options = watchOptions(query);
    const { timeoutSeconds, bookmarks, ...rest } = options;
    let stream: WatchStream | undefined;
    const started = (): WatchStream => {
      if (stream !== undefined) return stream;
      const isProtobuf = form.mediaType === PROTOBUF_MEDIA_TYPE;
      const contentType = isProtobuf ? `${PROTOBUF_MEDIA_TYPE};stream=watch` : "application/json";
      const body = answer.open(200, { "content-type": contentType, "cache-control": "no-cache, private" });
      const settings = {
        served,
        form,
        includeObject: includeObject(query),
        bufferBytesMax: backend.options.watchBufferBytes,
        held: this.held,
        nowMs: () => backend.nowMs(),
      };
      const opened = new WatchStream(body, isProtobuf ? this.frames : this.lines, settings, () => close());
      stream = opened;
      this.watching.add(opened);
      body.onClose(() => {
        this.watching.delete(opened);
        close();
      });
      return opened;
    };
    let close = (): void => {};
    try {
      const watch = await backend.watches.open(
        scope,
        { served, namespace, name, bookmarks, ...rest },
        {
          event: (type, stored) => started().event(type, stored),
          bookmark: (object) => started().bookmark(object),
          end: (error) =>
            started().end(
              error === undefined ? undefined : (this.backend.explained(error, `watch ${request.url}`) as Error),
            ),
        },
      );
      const running = started();
      const timer = backend.after((timeoutSeconds ?? this.watchSeconds()) * 1_000, () => {
        if (bookmarks) watch.bookmark();
        watch.close();
        running.end();
      });
      close = () => {
        timer.cancel();
        watch.close();
      };
      if (answer.closed) close();
    } catch (error) {
      // A revision that is gone is told inside the stream, as kube-apiserver's watch cache does.
      if (!hasReason(error, "Expired")) throw error;
      started().fail(error as Error);
    }
  }

  private watchSeconds(): number {
    this.watchSpread = (this.watchSpread + 619) % WATCH_SECONDS_MIN;
    return WATCH_SECONDS_MIN + this.watchSpread;
  }
}

/** Source: apiserver `endpoints/metrics` `cleanVerb`. */
const COUNTED_VERBS: Readonly<Record<Verb, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};

function verbOf(method: string, named: boolean, watch: boolean): Verb | undefined {
  switch (method) {
    case "GET":
      return watch ? "watch" : named ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return named ? "update" : undefined;
    case "PATCH":
      return named ? "patch" : undefined;
    case "DELETE":
      return named ? "delete" : "deletecollection";
    default:
      return undefined;
  }
}

function offerOf(path: ResourcePath): Offer {
  return path.subresource === undefined || path.subresource.name === "status" ? "object" : "plain";
}

/** Source: apiextensions' handler, which writes custom resources as JSON and YAML alone. */
function encodingsOf({ served, subresource }: ResourcePath): Encodings {
  const { apiVersion } = served.info;
  const type =
    subresource === undefined || subresource.kind === served.info.kind
      ? served.form.type
      : messageType(subresource.apiVersion ?? apiVersion, subresource.kind);
  return type === undefined ? "text" : "all";
}

/** Of one request over HTTP: its query and its body. */
class HttpInput implements Input {
  private readonly reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
  }

  writeOptions(kind: WriteKind): ReturnType<Input["writeOptions"]> {
    const { query, request } = this.reply;
    const applies = kind === "PatchOptions" && this.patchType() === APPLY_TYPE;
    // Node reads a header byte by byte; clients write UTF-8.
    const userAgent = Buffer.from(header(request, "user-agent") ?? "", "latin1").toString("utf8");
    const fieldManager = managerOfUserAgent(userAgent);
    return { fieldManager, ...writeOptions(query, kind, applies) };
  }

  deleteOptions(): DeleteOptions {
    return deleteOptions(this.reply.query, decodeDeleteOptions(this.reply.request));
  }

  listOptions(): ListOptions {
    return listOptions(this.reply.query);
  }

  resourceVersion(): string | undefined {
    return this.reply.query.get("resourceVersion");
  }

  body(...[form, validation]: Parameters<Input["body"]>): Decoded {
    return decodeBody(this.reply.request, form, validation);
  }

  patchType(): PatchType {
    const type = mediaTypeOf(this.reply.request) as PatchType;
    if (PATCH_TYPES.includes(type)) return type;
    throw statusError(failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {}));
  }

  patch(): ReturnType<Input["patch"]> {
    return { type: this.patchType(), patch: parsePatch(textOf(this.reply.request.body)) };
  }

  configuration(): ReturnType<Input["configuration"]> {
    return decodeConfiguration(this.reply.request);
  }

  abandoned(): boolean {
    return this.reply.answer.closed;
  }
}
