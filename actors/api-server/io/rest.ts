/** The REST API: from a request's method and path to the registry, and back. One for HTTP/1.1 and HTTP/2. */
import type { DeleteOptions, PatchType, WriteOptions } from "../../../protocols/api-server.ts";
import type { Binding, Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Backend } from "../backend.ts";
import { PATCH_TYPES, parsePatch } from "../core/machinery/patch/apply-patch.ts";
import {
  badRequest,
  failure,
  methodNotAllowed,
  noSuchResource,
  requestEntityTooLarge,
  tooManyRequests,
  unauthorized,
} from "../core/machinery/status.ts";
import type { Answer, Eviction } from "../core/registry/answers.ts";
import { answerOf, plainAnswer } from "../core/registry/answers.ts";
import type { Offer } from "../core/rest/negotiation.ts";
import { refuseImpersonation } from "../core/rest/impersonation.ts";
import { logOptions } from "../core/rest/log-options.ts";
import type { ResourcePath } from "../core/rest/path.ts";
import { parseGroupPath, parseResourcePath, splitPath } from "../core/rest/path.ts";
import { deleteOptions, isWatch, listOptions, parseQuery, watchOptions, writeOptions } from "../core/rest/query.ts";
import type { ObjectPlace, RequestScope } from "../registry.ts";
import { statusError, hasReason } from "../../../protocols/api-server.ts";
import { requiredInfo } from "../resource-lookup.ts";
import type { Reply } from "./answers.ts";
import { includeObject, negotiated, Replies } from "./answers.ts";
import { decodeBody, decodeDeleteOptions, mediaTypeOf, textOf } from "./bodies.ts";
import { Documents, PUBLIC_PATHS } from "./documents.ts";
import type { HttpAnswer, HttpRequest, RawHandler } from "./http-messages.ts";
import { streamLogs } from "./pod-logs.ts";
import { WatchLines, WatchStream } from "./watch-stream.ts";

/** A watch that names no timeout ends after half an hour to an hour, so that clients spread over the servers again. */
const WATCH_SECONDS_MIN = 1_800;

export class Rest {
  private readonly backend: Backend;
  private readonly raw: ReadonlyMap<string, RawHandler>;
  private readonly replies: Replies;
  private readonly documents: Documents;
  private readonly lines = new WatchLines();
  private readonly watching = new Set<WatchStream>();
  private watchSpread = 0;
  private underWay = 0;

  /** @param raw handlers of paths outside of the API, by path */
  constructor(backend: Backend, raw: ReadonlyMap<string, RawHandler>) {
    this.backend = backend;
    this.raw = raw;
    this.replies = new Replies(backend.options.gzipBytes, () => backend.nowMs());
    this.documents = new Documents(this.replies);
  }

  /** Answers every request; what it throws is a broken invariant. */
  async handle(request: HttpRequest, answer: HttpAnswer): Promise<void> {
    this.underWay++;
    try {
      if (this.underWay > this.backend.options.requestsMax) {
        throw tooManyRequests("too many requests, please try again later", 1);
      }
      await this.route(request, answer);
    } catch (error) {
      this.replies.error(request, answer, this.backend.explained(error, `${request.method} ${request.url}`));
    } finally {
      this.underWay--;
    }
  }

  /** Ends all watches, so that their clients go elsewhere. */
  endWatches(): void {
    for (const stream of this.watching) stream.end();
  }

  tooLarge(request: HttpRequest, answer: HttpAnswer): void {
    this.replies.error(request, answer, requestEntityTooLarge(this.backend.options.bodyBytesMax));
  }

  private route(request: HttpRequest, answer: HttpAnswer): Promise<void> | void {
    const mark = request.url.indexOf("?");
    const path = mark < 0 ? request.url : request.url.slice(0, mark);
    const query = parseQuery(mark < 0 ? "" : request.url.slice(mark + 1));
    if (request.user === undefined && !PUBLIC_PATHS.has(path)) throw unauthorized();
    refuseImpersonation(request.headers, request.user?.user ?? "system:anonymous");
    const segments = splitPath(path);
    if (segments === undefined) throw badRequest(`invalid URL escape in ${JSON.stringify(path)}`);
    const resource = parseResourcePath(segments);
    const reply = { request, answer, query };
    if (resource !== undefined) return this.resource(reply, resource);
    const raw = this.raw.get(path);
    if (raw !== undefined) return raw(request, answer);
    const [first] = segments;
    if (first === "livez" || first === "healthz" || first === "readyz") return this.health(request, answer, first);
    if (request.method !== "GET") {
      if (first === "api" || first === "apis") throw noSuchResource();
      return this.documents.notFound(answer);
    }
    const group = parseGroupPath(segments);
    if (group !== undefined) return this.documents.group(reply, group);
    if (this.documents.plain(reply, segments)) return;
    if (first === "api" || first === "apis") throw noSuchResource();
    this.documents.notFound(answer);
  }

  private health(request: HttpRequest, answer: HttpAnswer, name: string): void {
    const quorum = name === "livez" ? undefined : this.backend.store.ready;
    this.documents.health(answer, request, name, quorum);
  }

  private async resource(reply: Reply, path: ResourcePath): Promise<void> {
    const { request, query } = reply;
    const { info, name } = path;
    const watch = request.method === "GET" && path.subresource === undefined && (path.watch || isWatch(query));
    const verb = verbOf(request.method, name !== undefined, watch);
    const verbs = path.subresource?.verbs ?? info.verbs;
    if (verb === "deletecollection" && info.namespaced && path.namespace === undefined) throw methodNotAllowed();
    if (verb === undefined || !verbs.includes(verb)) throw methodNotAllowed();
    const scope = this.backend.scope(request.user ?? { user: "", groups: [] }, verb, request.url);
    switch (verb) {
      case "watch":
        return this.watch(reply, path, scope);
      case "list": {
        const form = negotiated(request, "list");
        const list = await this.backend.lists.list(scope, info, path.namespace, listOptions(query));
        return this.replies.list(reply, info, list, form);
      }
      case "deletecollection":
        return this.deleteCollection(reply, path, scope);
      case "get":
      case "create":
      case "update":
      case "patch":
      case "delete": {
        if (path.subresource?.name === "log") return this.logs(reply, path, scope);
        const form = negotiated(request, offerOf(path));
        const answer = await this.single(reply, path, scope, verb);
        this.replies.object(reply, info, answer, form);
      }
    }
  }

  private single(reply: Reply, path: ResourcePath, scope: RequestScope, verb: SingleVerb): Promise<Answer> {
    switch (verb) {
      case "get":
        return this.get(reply, path, scope);
      case "create":
        return this.create(reply, path, scope);
      case "update":
        return this.update(reply, path, scope);
      case "patch":
        return this.patch(reply, path, scope);
      case "delete":
        return this.backend.registry.delete(scope, placeOf(path), this.deletion(reply));
    }
  }

  private async get(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<Answer> {
    const { registry } = this.backend;
    if (path.subresource?.name === "scale") return registry.getScale(scope, placeOf(path));
    const stored = await registry.get(scope, placeOf(path), reply.query.get("resourceVersion"));
    return answerOf(path.info, stored, 200);
  }

  private async create(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<Answer> {
    const { request, query } = reply;
    const { registry } = this.backend;
    const { info, namespace, name = "" } = path;
    const options = writeOptions(query, "CreateOptions");
    const validation = options.fieldValidation ?? "Warn";
    if (path.subresource?.name === "binding" || info.resource === "bindings") {
      const binding = decodeBody(request, { apiVersion: "v1", kind: "Binding" }, validation).object as Binding;
      return registry.bind(scope, namespace ?? "", name || (binding.metadata?.name ?? ""), binding, options);
    }
    if (path.subresource?.name === "eviction") {
      const eviction = decodeBody(request, { apiVersion: "policy/v1", kind: "Eviction" }, validation)
        .object as Eviction;
      return registry.evict(scope, namespace ?? "", name, eviction, options);
    }
    if (path.subresource !== undefined) throw noSuchResource();
    const { object, warnings } = decodeBody(request, info, validation);
    return withWarnings(await registry.create(scope, info, createNamespace(path), object, options), warnings);
  }

  private async update(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<Answer> {
    const { request, query } = reply;
    const { registry } = this.backend;
    const options = writeOptions(query, "UpdateOptions");
    const place = placeOf(path);
    const subresource = path.subresource?.name;
    const expected = subresource === "scale" ? { apiVersion: "autoscaling/v1", kind: "Scale" } : path.info;
    const { object, warnings } = decodeBody(request, expected, options.fieldValidation ?? "Warn");
    const answer =
      subresource === "scale"
        ? registry.updateScale(scope, place, object, options)
        : subresource === "finalize"
          ? registry.finalize(scope, place.name, object, options)
          : registry.update(scope, place, subresource, object, options);
    return withWarnings(await answer, warnings);
  }

  private patch(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<Answer> {
    const { request, query } = reply;
    const type = mediaTypeOf(request);
    if (!PATCH_TYPES.includes(type as PatchType)) {
      throw statusError(failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {}));
    }
    const options: WriteOptions = writeOptions(query, "PatchOptions");
    const patch = parsePatch(textOf(request.body));
    const { registry } = this.backend;
    return registry.patch(scope, placeOf(path), path.subresource?.name, type as PatchType, patch, options);
  }

  private deletion(reply: Reply): DeleteOptions {
    return deleteOptions(reply.query, decodeDeleteOptions(reply.request));
  }

  private async deleteCollection(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<void> {
    const { registry, lists } = this.backend;
    const { info, namespace } = path;
    const form = negotiated(reply.request, "list");
    const options = this.deletion(reply);
    const found = await lists.list(scope, info, namespace, listOptions(reply.query));
    await registry.deleteAll(scope, info, found.items, options, () => reply.answer.closed);
    this.replies.list(reply, info, found, form);
  }

  private async logs(reply: Reply, path: ResourcePath, scope: RequestScope): Promise<void> {
    const { registry, options } = this.backend;
    const asked = {
      container: reply.query.get("container"),
      options: logOptions(path.name ?? "", reply.query),
    };
    const pod = (await registry.get(scope, placeOf(path), "0")).object as Pod;
    const nodeName = pod.spec?.nodeName;
    let node: Node | undefined;
    if (nodeName) {
      const place = { info: requiredInfo("", "v1", "nodes"), namespace: undefined, name: nodeName };
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
    const { info, namespace, name } = path;
    const form = negotiated(request, "watch");
    const options = watchOptions(query);
    const { timeoutSeconds, bookmarks, ...rest } = options;
    let stream: WatchStream | undefined;
    const started = (): WatchStream => {
      if (stream !== undefined) return stream;
      const body = answer.open(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
      const settings = {
        info,
        form: form.form,
        includeObject: includeObject(query),
        bufferBytesMax: backend.options.watchBufferBytes,
        nowMs: () => backend.nowMs(),
      };
      const opened = new WatchStream(body, this.lines, settings, () => close());
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
        { info, namespace, name, bookmarks, ...rest },
        {
          event: (type, stored) => started().event(type, stored),
          bookmark: (object) => started().bookmark(object),
          end: (error) => started().end(this.backend.explained(error, `watch ${request.url}`) as Error),
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

type SingleVerb = "get" | "create" | "update" | "patch" | "delete";
type Verb = SingleVerb | "list" | "watch" | "deletecollection";

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

/** @throws Status 405 for a path that names no object */
function placeOf(path: ResourcePath): ObjectPlace {
  if (path.name === undefined) throw methodNotAllowed();
  return { info: path.info, namespace: path.namespace, name: path.name };
}

/** @throws Status 405 for a POST to an object, or to a resource in all namespaces */
function createNamespace(path: ResourcePath): string | undefined {
  const { info, namespace, name } = path;
  if (name !== undefined) throw methodNotAllowed();
  if (info.namespaced && namespace === undefined) {
    throw methodNotAllowed();
  }
  return namespace;
}

function withWarnings(answer: Answer, warnings: readonly string[]): Answer {
  if (warnings.length === 0) return answer;
  const { code, object, bytes } = answer;
  const all = [...warnings, ...answer.warnings];
  return bytes === undefined ? { ...plainAnswer(object, code), warnings: all } : { code, object, bytes, warnings: all };
}
