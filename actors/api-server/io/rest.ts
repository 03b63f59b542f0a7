/** The REST API: from a request's method and path to the dispatch, and back. One for HTTP/1.1 and HTTP/2. */
import type { DeleteOptions, KubernetesObject, ListOptions, PatchType } from "../../../protocols/api-server.ts";
import { hasReason, statusError } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Value } from "../../../runtime/metrics/metrics.ts";
import type { Backend } from "../backend.ts";
import { ProtobufObjects } from "../core/cache/protobuf-objects.ts";
import type { Decoded } from "../core/machinery/decode-object.ts";
import { PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import { readJson } from "../core/machinery/json.ts";
import { messageType } from "../core/machinery/encode-protobuf.ts";
import { APPLY_TYPE, MERGED_TYPES, PATCH_TYPES, parsePatch } from "../core/machinery/patch/apply-patch.ts";
import {
  badRequest,
  failure,
  methodNotAllowed,
  noSuchResource,
  unsupportedMediaType,
} from "../core/machinery/status.ts";
import { isWatched } from "../core/rest/asked.ts";
import { customRequest, isCustomGroup, noSubresource } from "../core/rest/custom-requests.ts";
import { isFault, REPLY_LOST } from "../core/store-errors.ts";
import { Held } from "../core/rest/held.ts";
import { logOptions } from "../core/rest/log-options.ts";
import type { Served } from "../core/catalog/catalog.ts";
import type { Encodings, Offer } from "../core/rest/negotiation.ts";
import type { WriteKind } from "../core/rest/options.ts";
import type { GroupPath, ResourcePath } from "../core/rest/path.ts";
import { Location, parseGroupPath, parseResourcePath } from "../core/rest/path.ts";
import type { Query } from "../core/rest/query.ts";
import {
  deleteOptions,
  isWatch,
  listOptions,
  parseQuery,
  timeoutMsOf,
  watchOptions,
  writeOptions,
} from "../core/rest/query.ts";
import { countedVerb } from "../core/rest/remote-request.ts";
import { warningValue } from "../core/rest/warning-header.ts";
import { managerOfUserAgent } from "../core/rest/user-agent.ts";
import type { Verb } from "../core/rest/target.ts";
import { checkVerb } from "../core/rest/target.ts";
import { verbOfNamed } from "../core/rest/verbs.ts";
import type { Answer } from "../core/registry/answers.ts";
import type { Call, Input } from "../dispatch.ts";
import { placeOf } from "../dispatch.ts";
import type { ObjectList } from "../lists.ts";
import type { Steps } from "../core/steps.ts";
import type { RequestScope } from "../registry.ts";
import type { AuditTrail } from "../audit.ts";
import { AuditedAnswer, requestValue } from "./audited-answer.ts";
import type { Reply } from "./answers.ts";
import { includeObject, negotiated, Replies } from "./answers.ts";
import {
  decodeBody,
  decodeConfiguration,
  decodeDeleteOptions,
  configurationInSteps,
  decodeInSteps,
  isLarge,
  mediaTypeOf,
  textOf,
} from "./bodies.ts";
import type { Counted } from "../core/telemetry/counted-request.ts";
import { COUNTED_VERBS } from "../core/telemetry/counted-request.ts";
import type { ZPage } from "../core/telemetry/zpages.ts";
import { isZPage } from "../core/telemetry/zpages.ts";
import { ZPages } from "./zpages.ts";
import { METRICS_PATH, metricsPage } from "./metrics-page.ts";
import { Documents } from "./documents.ts";
import { HttpArrival, MAY_LAST } from "./http-arrival.ts";
import type { ArrivedRequest, HttpAnswer, HttpRequest, RawHandler } from "./http-messages.ts";
import { header } from "./http-messages.ts";
import type { Turns } from "../flow-control.ts";
import { FlowControl, TooManyRequests } from "../flow-control.ts";
import { Caller } from "../caller.ts";
import type { RequestInfo } from "../core/rest/request-info.ts";
import { auditedRequest, isUncounted, requestInfo } from "../core/rest/request-info.ts";
import { PassedOn } from "./passed-on.ts";
import { streamLogs } from "./pod-logs.ts";
import { WarnedAnswer } from "./warned-answer.ts";
import { jsonLine, protobufLine, WatchLines, WatchStream } from "./watch-stream.ts";

/** A watch that names no timeout ends after half an hour to an hour, so that clients spread over the servers again. */
const WATCH_SECONDS_MIN = 1_800;

/** What has been asked for as protobuf stays so for one or two of these periods. */
const PROTOBUF_FOR_MS = 30_000;
const MS_PER_SECOND = 1_000;
const HTTP_OK = 200;

export class Rest {
  private readonly backend: Backend;
  private readonly raw: ReadonlyMap<string, RawHandler>;
  readonly held: Held;
  private readonly replies: Replies;
  private readonly documents: Documents;
  private readonly passedOn: PassedOn;
  private readonly protobuf = new ProtobufObjects();
  private readonly lines = new WatchLines(jsonLine);
  private readonly frames = new WatchLines(protobufLine(this.protobuf));
  private readonly watching = new Set<WatchStream>();
  private readonly zPages: ZPages;
  private readonly flowControl: FlowControl;
  private watchSpread = 0;

  /** @param raw handlers of paths outside of the API, by path */
  constructor(backend: Backend, raw: ReadonlyMap<string, RawHandler>, turns: Turns) {
    this.flowControl = new FlowControl(backend, turns);
    this.backend = backend;
    this.raw = new Map([...raw, [METRICS_PATH, metricsPage(backend.metrics)]]);
    const { gzipBytes, heldBytesMax, answerTimeoutMs } = backend.options;
    this.held = new Held(heldBytesMax);
    this.replies = new Replies(gzipBytes, () => backend.nowMs(), this.protobuf, {
      held: this.held,
      late: (action) => backend.after(answerTimeoutMs, action),
      inPieces: (work, scope) => backend.inPieces(work, scope),
    });
    backend.every(PROTOBUF_FOR_MS, () => this.protobuf.age());
    this.passedOn = new PassedOn(backend, this.replies);
    this.documents = new Documents(
      this.replies,
      () => backend.catalog,
      backend.aggregation,
      () => backend.nowMs(),
      backend.tokens,
      backend.options.serviceAccounts.issuer,
      (work) => backend.inPieces(work),
    );
    this.zPages = new ZPages(this.replies, backend.options, () => backend.nowMs());
    backend.onServed((served) => this.documents.prepare(served));
  }

  /** Answers every request; what it throws is a broken invariant. */
  async handle(arrived: ArrivedRequest, given: HttpAnswer): Promise<void> {
    const beganMs = this.backend.monotonicMs();
    const counted: Reply["counted"] = {};
    let inFlight: Value | undefined;
    let answer = given;
    let trail: AuditTrail | undefined;
    try {
      const identified = arrived.identify();
      const user = identified instanceof Promise ? await identified : identified;
      const { url } = arrived;
      const mark = url.indexOf("?");
      const query = parseQuery(mark < 0 ? "" : url.slice(mark + 1));
      const path = mark < 0 ? url : url.slice(0, mark);
      const location = new Location(path, this.backend);
      if (!MAY_LAST.test(path) && !isWatch(query)) {
        inFlight = this.backend.requestMetrics.inFlight(arrived.method === "GET" || arrived.method === "HEAD");
        inFlight.inc();
      }
      trail = this.trail(arrived, location, query);
      if (trail !== undefined) answer = new AuditedAnswer(given, trail);
      const { store, pipeline } = this.backend;
      const arrival = new HttpArrival(arrived, answer, user, { location, query }, store, this.flowControl, trail);
      const entering = pipeline.enter(arrival);
      const entered = entering instanceof Promise ? await entering : entering;
      try {
        arrived.user = entered.user;
        await this.route({ request: arrived, answer, query, counted }, location);
        if (counted.lasts === true) await new Promise<void>((resolve) => answer.onClose(resolve));
      } finally {
        entered.leave();
      }
    } catch (error) {
      if (hasCode(error, REPLY_LOST)) answer.destroy();
      else if (error instanceof TooManyRequests) this.documents.tooMany(answer);
      else {
        const explained = this.backend.explained(error, `${arrived.method} ${arrived.url}`);
        if (isFault(error)) trail?.panicked(String(error));
        this.replies.error(arrived, answer, explained);
      }
    }
    inFlight?.dec();
    if (trail !== undefined) answer.onClose(() => trail?.completed());
    const { method } = arrived;
    if (counted.isPassedOn === true) answer.onClose(() => this.count(counted, method, answer, beganMs));
    else this.count(counted, method, answer, beganMs);
  }

  /** Where the request is told of in the audit log, if there is one. */
  private trail(arrived: ArrivedRequest, location: Location, query: Query): AuditTrail | undefined {
    const { method, url, auditId, remoteAddress } = arrived;
    const info = (): RequestInfo => requestInfo(method, location, query);
    const kindOf = (): KubernetesObject => {
      const { kind, apiVersion } = location.target?.served.info ?? {};
      return kind === undefined || apiVersion === undefined ? {} : { kind, apiVersion };
    };
    let body: { readonly value: unknown } | undefined;
    return this.backend.auditor?.trail({
      auditId,
      requestURI: url,
      userAgent: header(arrived as HttpRequest, "user-agent") ?? "",
      sourceIPs: () => [remoteAddress()],
      request: () => auditedRequest(info()),
      isLong: (method === "GET" && isWatch(query)) || (MAY_LAST.test(location.path) && isUncounted(info())),
      body: () => (body ??= { value: requestValue(arrived as HttpRequest, kindOf) }).value,
    });
  }

  /** What is compressed is answered a little later, and well. */
  private count(counted: Reply["counted"], method: string, answer: HttpAnswer, beganMs: number): void {
    const { verb = countedVerb(method), target, remote, dryRun } = counted;
    const seconds = verb === "WATCH" ? undefined : (this.backend.monotonicMs() - beganMs) / MS_PER_SECOND;
    const code = answer.begun ? answer.status : HTTP_OK;
    const { requestMetrics } = this.backend;
    const asked: Counted = { verb, target, remote, dryRun };
    requestMetrics.count(asked, code, seconds);
    if (counted.terminated === true) requestMetrics.terminated(asked, code);
  }

  /** Ends all watches, so that their clients go elsewhere. */
  endWatches(): void {
    for (const stream of this.watching) stream.end();
  }

  close(): void {
    this.passedOn.close();
  }

  /** Of a request whose body is not taken. */
  refuse(request: HttpRequest, answer: HttpAnswer, error: InkubeError): void {
    this.replies.error(request, answer, error);
  }

  /** Whether a request is passed on with its body as it comes. */
  passesOn(url: string): boolean {
    return this.passedOn.includes(url);
  }

  private route(reply: Reply, location: Location): Promise<void> | void {
    const { request, answer } = reply;
    const { path, segments } = location;
    const connected = this.passedOn.connect(reply);
    if (connected !== undefined) return connected;
    if (segments === undefined) throw badRequest(`invalid URL escape in ${JSON.stringify(path)}`);
    const remote = this.passedOn.remoteOf(segments);
    if (remote !== undefined) return this.passedOn.aggregated(reply, remote, segments);
    const { target } = location;
    if (target !== undefined) return this.found(reply, target);
    const raw = this.raw.get(path);
    if (raw !== undefined) return raw(request, answer);
    const [first] = segments;
    if (first === "livez" || first === "healthz" || first === "readyz") return this.health(request, answer, first);
    if (isZPage(path.slice(1))) return this.zPages.answer(reply, path.slice(1) as ZPage);
    if (first === "apis" || first === "openapi") return this.mayBeNew(reply, path, segments);
    return this.other(reply, path, segments);
  }

  private scope({ request, answer }: Reply, verb: Verb, timeoutMs?: number): RequestScope {
    const { user = { user: "", groups: [] }, url, auditId } = request;
    const traceparent = header(request, "traceparent");
    const asker = { caller: new Caller(answer), ...(timeoutMs === undefined ? {} : { timeoutMs }), traceparent };
    return this.backend.pipeline.scope(user, verb, url, auditId, asker);
  }

  private found(reply: Reply, resource: ResourcePath): Promise<void> | void {
    const { deprecated, orphans } = resource.served.rules;
    if (deprecated !== undefined) {
      // Methods and patches that nobody takes are refused before it counts what they are about.
      checkVerb(resource, verbOfNamed(reply.request.method, resource.name !== undefined, false));
      if (reply.request.method === "PATCH") patchTypeOf(reply.request, resource);
      return this.warned(reply, resource, deprecated);
    }
    const deletes = reply.request.method === "DELETE" && resource.subresource === undefined;
    if (!deletes || orphans?.warning === undefined) return this.resource(reply, resource);
    const isAsked = deleteOptionsOf(reply).propagationPolicy !== undefined;
    return isAsked ? this.resource(reply, resource) : this.warned(reply, resource, orphans.warning);
  }

  /** What is not known here may have been defined a moment ago, through another server: then it is in what a quorum has. */
  private async mayBeNew(reply: Reply, path: string, segments: readonly string[]): Promise<void> {
    const { store } = this.backend;
    const { deadlineMs } = this.scope(reply, "get");
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
    const remote = this.passedOn.remoteOf(segments);
    if (remote !== undefined) return this.passedOn.aggregated(reply, remote, segments);
    if (first === "openapi" && this.openApiElsewhere(reply, segments)) return;
    return this.other(reply, path, segments);
  }

  /** Whether the document is another server's: that one is asked. */
  private openApiElsewhere(reply: Reply, [, edition, ...path]: readonly string[]): boolean {
    const remote = edition === "v3" && path.length === 3 ? this.passedOn.remoteOf(path) : undefined;
    if (remote === undefined) return false;
    this.passedOn.aggregated(reply, remote, []);
    return true;
  }

  /** What is no resource. */
  private async other(reply: Reply, path: string, segments: readonly string[]): Promise<void> {
    const { request, answer } = reply;
    const [first] = segments;
    const { catalog } = this.backend;
    const unknown = noSubresource(catalog, segments);
    if (unknown !== undefined) throw unknown;
    if (isCustomGroup(catalog, segments)) {
      const documented = parseGroupPath(segments);
      if (documented === undefined || !this.documents.group(reply, documented)) this.documents.notFound(answer);
      return;
    }
    const group = parseGroupPath(segments);
    if (group !== undefined) return this.group(reply, group);
    const isHead = request.method === "HEAD" && first === "openapi";
    if (request.method !== "GET" && !isHead) {
      if (first === "api" || first === "apis") throw noSuchResource();
      return this.documents.notFound(answer);
    }
    const plain = this.documents.plain(reply, segments);
    if (plain !== false) return plain === true ? undefined : plain;
    if (await this.documents.ofIssuer(reply, path)) return;
    if (first === "api" || first === "apis") throw noSuchResource();
    this.documents.notFound(answer);
  }

  /** The documents of the groups, and of one, are the same whatever the method; all others are for GET alone. */
  private group(reply: Reply, path: GroupPath): void {
    const isFree = path.kind === "group" || (path.kind === "groups" && path.root === "apis");
    const isKnown = path.kind !== "version" || this.backend.catalog.version(path.group, path.version) !== undefined;
    if (!isFree && isKnown && reply.request.method !== "GET") throw methodNotAllowed();
    if (!this.documents.group(reply, path)) throw noSuchResource();
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

  private resource(reply: Reply, path: ResourcePath): Promise<void> | void {
    const { request, query } = reply;
    const { served, name } = path;
    const watch = request.method === "GET" && isWatched(path, query);
    if (served.openApiSchema !== undefined) {
      if (request.method === "PATCH") patchTypeOf(request, path);
      const custom = customRequest(path, request.method, watch);
      return custom === undefined
        ? this.documents.notFound(reply.answer)
        : this.carryOut(reply, custom.path, custom.verb);
    }
    return this.carryOut(reply, path, checkVerb(path, verbOfNamed(request.method, name !== undefined, watch)));
  }

  private async carryOut(reply: Reply, path: ResourcePath, verb: Verb): Promise<void> {
    const { request, query } = reply;
    const { served, subresource } = path;
    const applies = verb === "patch" && mediaTypeOf(request) === APPLY_TYPE;
    reply.counted.verb = applies ? "APPLY" : COUNTED_VERBS[verb];
    reply.counted.target = path;
    if (verb !== "get" && verb !== "list" && verb !== "watch") reply.counted.dryRun = query.get("dryRun");
    const isLong = verb === "watch" || subresource?.name === "log";
    const scope = this.scope(reply, verb, isLong ? undefined : timeoutMsOf(query));
    const input = new HttpInput(reply, path, (work) => this.backend.later(work, scope));
    const call = { scope, target: path, input };
    const { dispatch } = this.backend;
    const { info } = served;
    switch (verb) {
      case "watch":
        return this.watch(reply, path, call.scope);
      case "list":
      case "deletecollection": {
        const form = negotiated(request, "list", encodingsOf(path), () =>
          goTypeOf(served, info.listKind ?? `${info.kind}List`),
        );
        const carryOut = (seen: Call): Promise<ObjectList> =>
          verb === "list" ? dispatch.list(seen) : dispatch.deleteCollection(seen);
        const list = await this.viewed(reply, verb, call, carryOut, ({ metadata }) => Number(metadata.resourceVersion));
        return this.replies.list(reply, served, list, form, call.scope);
      }
      case "get":
      case "create":
      case "update":
      case "patch":
      case "delete": {
        if (subresource?.name === "log") return this.logs(reply, path, call.scope);
        const form = negotiated(request, offerOf(path), encodingsOf(path), () => goTypeOf(served, info.kind));
        const revisionOf = ({ stored }: Answer): number => stored?.revision ?? 0;
        const answer = await this.viewed(reply, verb, call, (seen) => dispatch[verb](seen), revisionOf);
        this.replies.object(reply, served, answer, form);
      }
    }
  }

  /** As the client is to see it. */
  private viewed<T>(
    { request, answer }: Reply,
    verb: Exclude<Verb, "watch">,
    call: Call,
    carryOut: (call: Call) => Promise<T>,
    revisionOf: (answer: T) => number,
  ): Promise<T> {
    const { views } = this.backend;
    if (!views.on) return carryOut(call);
    const gone = new AbortController();
    answer.onClose(() => gone.abort());
    const name = verb === "create" ? nameInBody(request) : "";
    return views.request({ verb, call, name, signal: gone.signal }, carryOut, revisionOf);
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
    await streamLogs(pod, node, options, asked, reply.answer);
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
        series: backend.requestMetrics.watched(served.info),
        nowMs: () => backend.nowMs(),
      };
      const opened = new WatchStream(body, isProtobuf ? this.frames : this.lines, settings, () => close());
      stream = opened;
      this.watching.add(opened);
      const over = backend.requestMetrics.begin({ verb: COUNTED_VERBS.watch, target: path });
      body.onClose(() => {
        over();
        this.watching.delete(opened);
        close();
      });
      return opened;
    };
    let close = (): void => {};
    try {
      const watch = await backend.views.open(
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

/** The type in which kube-apiserver holds it: its packages are named by the beginning of the group. */
function goTypeOf({ info, openApiSchema, stored }: Served, kind: string): string {
  if (openApiSchema !== undefined) return `*unstructured.Unstructured${kind === info.kind ? "" : "List"}`;
  const [of = ""] = stored.info.group.split(".");
  return `*${of === "" ? "core" : of}.${kind}`;
}

/** Of an object that is to be created: its name, or what that is to begin with; "" where the body is no JSON. */
function nameInBody(request: HttpRequest): string {
  if (mediaTypeOf(request) !== "application/json") return "";
  const read = readJson(textOf(request.body));
  if ("problem" in read) return "";
  const { metadata } = (read.value ?? {}) as KubernetesObject;
  const name = metadata?.name ?? metadata?.generateName;
  return typeof name === "string" ? name : "";
}

function offerOf(path: ResourcePath): Offer {
  const name = path.subresource?.name;
  return name === undefined || name === "status" || name === "scale" ? "object" : "plain";
}

/** Source: apiextensions' handler, which writes custom resources as JSON and YAML alone. */
function encodingsOf({ served, subresource }: ResourcePath): Encodings {
  if (served.openApiSchema !== undefined) return "text";
  const { apiVersion } = served.info;
  const type =
    subresource === undefined || subresource.kind === served.info.kind
      ? served.form.type
      : messageType(subresource.apiVersion ?? apiVersion, subresource.kind);
  return type === undefined ? "text" : "all";
}

/** @throws Status 415 */
function patchTypeOf(request: HttpRequest, { served }: ResourcePath): PatchType {
  const type = mediaTypeOf(request) as PatchType;
  const isCustom = served.openApiSchema !== undefined;
  if ((isCustom ? MERGED_TYPES : PATCH_TYPES).includes(type)) return type;
  if (isCustom) throw unsupportedMediaType(MERGED_TYPES);
  throw statusError(failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {}));
}

/** @throws Status 400 */
function deleteOptionsOf({ query, request }: Reply): DeleteOptions {
  return deleteOptions(query, decodeDeleteOptions(request));
}

/** Does what takes more than a turn may: when it is its turn. */
type Later = <T>(work: Steps<T>) => Promise<T>;

/** Of one request over HTTP: its query and its body. */
class HttpInput implements Input {
  private readonly reply: Reply;
  private readonly path: ResourcePath;
  private readonly later: Later;

  constructor(reply: Reply, path: ResourcePath, later: Later) {
    this.reply = reply;
    this.path = path;
    this.later = later;
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
    return deleteOptionsOf(this.reply);
  }

  listOptions(): ListOptions {
    return listOptions(this.reply.query);
  }

  resourceVersion(): string | undefined {
    return this.reply.query.get("resourceVersion");
  }

  body(...[form, validation]: Parameters<Input["body"]>): Decoded | Promise<Decoded> {
    const { request } = this.reply;
    return isLarge(request)
      ? this.later(decodeInSteps(request, form, validation))
      : decodeBody(request, form, validation);
  }

  patchType(): PatchType {
    return patchTypeOf(this.reply.request, this.path);
  }

  patch(): ReturnType<Input["patch"]> {
    return { type: this.patchType(), patch: parsePatch(textOf(this.reply.request.body)) };
  }

  configuration(): ReturnType<Input["configuration"]> {
    const { request } = this.reply;
    return isLarge(request) ? this.later(configurationInSteps(request)) : decodeConfiguration(request);
  }

  abandoned(): boolean {
    return this.reply.answer.closed;
  }
}
