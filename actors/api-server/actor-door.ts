/** The door for the cluster's own actors: requests and watches as messages. Who asks, the link vouches for. */
import type {
  ApiRequest,
  ApiTarget,
  ApiWatchEvent,
  ApiWatchRequest,
  KubernetesObject,
  ListOptions,
} from "../../protocols/api-server.ts";
import { statusOf } from "../../protocols/api-server.ts";
import type { Incoming, Sink } from "../../runtime/actor.ts";
import type { AuditTrail } from "./audit.ts";
import type { Backend } from "./backend.ts";
import { Caller } from "./caller.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { managerOfActor, userOfActor } from "./core/identity.ts";
import { APPLY_TYPE } from "./core/machinery/patch/apply-patch.ts";
import { methodNotAllowed } from "./core/machinery/status.ts";
import type { Answer } from "./core/registry/answers.ts";
import { COUNTED_VERBS } from "./core/telemetry/counted-request.ts";
import type { Given } from "./core/rest/options.ts";
import { checkDeleteOptions, checkListOptions, checkNames, checkWriteOptions } from "./core/rest/options.ts";
import type { Target, Verb } from "./core/rest/target.ts";
import { resolveTarget } from "./core/rest/target.ts";
import { isFault, toStatusError } from "./core/store-errors.ts";
import type { Call, Input } from "./dispatch.ts";
import type { ObjectList } from "./lists.ts";
import type { RequestScope } from "./registry.ts";
import { ServedObjects } from "./served-objects.ts";
import type { OpenWatch } from "./watches.ts";

/** How long the form in which several actors have read an object is kept for more of them, once to twice. */
const SHARED_FOR_MS = 30_000;
const MS_PER_SECOND = 1_000;
const HTTP_OK = 200;
const HTTP_SERVER_ERROR = 500;

/** What a door knows of the message that it answers. */
type Sender = Pick<Incoming, "from" | "timeoutMs" | "cause" | "signal">;

/** Who sent a message, and may have withdrawn it. */
function callerOf(sender: Sender): Caller {
  return new Caller({
    get closed() {
      return sender.signal.aborted;
    },
    onClose: (listener) => sender.signal.addEventListener("abort", listener),
  });
}

export class ActorDoor {
  private readonly backend: Backend;
  private readonly objects = new ServedObjects();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  start(): void {
    this.backend.every(SHARED_FOR_MS, () => this.objects.age());
  }

  request(request: ApiRequest, message: Incoming): Promise<{ readonly object: KubernetesObject }> {
    const { verb, target } = request;
    const what = `${verb} ${target.resource} ${target.namespace ?? ""}/${target.name ?? ""} for ${message.from}`;
    const scope = this.scope(message);
    const counting = new Counting(this.backend, verb);
    const work = async (): Promise<{ readonly object: KubernetesObject }> => {
      const resolved = await this.resolve(scope, target, verb);
      counting.target = resolved;
      const input = new MessageInput(request, message);
      const call = { scope, target: resolved, input };
      const { views } = this.backend;
      if (!views.on) return counting.answered(await this.carryOut(verb, call));
      const name = "object" in request ? (request.object.metadata?.name ?? "") : "";
      const asked = {
        verb,
        call,
        name,
        // Made for the few that are never answered: it costs as much as the message.
        get signal() {
          return message.signal;
        },
      };
      return counting.answered(await views.request(asked, (seen) => this.carryOut(verb, seen), revisionOf));
    };
    return this.answering(message, what, work, counting, this.trail(message, verb, target, request));
  }

  async watch(request: ApiWatchRequest, sink: Sink<ApiWatchEvent>): Promise<void> {
    const { labelSelector, fieldSelector, resourceVersion } = request;
    const what = `watch ${request.target.resource} for ${sink.from}`;
    const scope = this.scope(sink);
    const counting = new Counting(this.backend, "watch");
    const work = async (): Promise<OpenWatch> => {
      const target = await this.resolve(scope, request.target, "watch");
      counting.target = target;
      const { served, namespace, name } = target;
      const { events } = this.backend.requestMetrics.watched(served.info);
      const query = { served, namespace, name, labelSelector, fieldSelector, resourceVersion, bookmarks: true };
      return this.backend.views.open(scope, query, {
        event: (type, stored, cause) => {
          const object = this.objects.forReader(served, stored);
          events.inc();
          sink.push(cause === undefined || cause === "" ? { type, object } : { type, object, cause });
        },
        bookmark: (object) => {
          events.inc();
          sink.push({ type: "BOOKMARK", object });
        },
        end: (error) => {
          trail?.completed();
          counting.over();
          sink.end(error === undefined ? undefined : toStatusError(this.backend.explained(error, what)));
        },
      });
    };
    const trail = this.trail(sink, "watch", request.target, undefined);
    const opened = await this.answering(sink, what, work, counting, trail);
    counting.opened();
    trail?.answered(HTTP_OK);
    const close = (): void => {
      trail?.completed();
      counting.over();
      opened.close();
    };
    if (sink.signal.aborted) close();
    else sink.signal.addEventListener("abort", close);
  }

  /** Runs `work` for a message; what it throws is a Status, or a fault of ours that has been recorded. */
  async answering<T>(
    sender: Sender,
    what: string,
    work: () => Promise<T>,
    counting?: Counting,
    trail?: AuditTrail,
  ): Promise<T> {
    const asked = { verb: "", path: what, target: undefined };
    const arrival = {
      user: userOfActor(sender.from),
      auditId: sender.cause,
      isPublic: false,
      rawHeaders: [],
      asked: () => asked,
      enter: () => undefined,
      trail,
    };
    try {
      const answer = await this.backend.pipeline.run(arrival, work);
      if (trail !== undefined && counting?.audited !== undefined) {
        trail.answered(counting.audited.code, counting.audited.body());
        trail.completed();
      }
      return answer;
    } catch (error) {
      if (isFault(error)) trail?.panicked(String(error));
      const told = toStatusError(this.backend.explained(error, what));
      counting?.failed(told);
      trail?.answered(statusOf(told)?.code ?? HTTP_SERVER_ERROR, statusOf(told));
      trail?.completed();
      throw told;
    }
  }

  private trail(
    { cause, from }: Sender,
    verb: Verb,
    target: ApiTarget,
    request: ApiRequest | undefined,
  ): AuditTrail | undefined {
    const { auditor } = this.backend;
    if (auditor === undefined) return undefined;
    const { group, version, resource, namespace = "", name = "", subresource = "" } = target;
    const path = pathOf(target);
    return auditor.trail({
      auditId: cause,
      requestURI: verb === "watch" ? `${path}?watch=true` : path,
      userAgent: from,
      // A message comes from no address.
      sourceIPs: () => [],
      request: () => ({ verb, path, resource: { group, version, resource, subresource, namespace, name } }),
      isLong: verb === "watch",
      body: () => bodyOf(request),
    });
  }

  scope(sender: Sender): RequestScope {
    const { from, timeoutMs, cause } = sender;
    const asker = { timeoutMs, caller: callerOf(sender) };
    return { ...this.backend.pipeline.scope(userOfActor(from), "", "", cause, asker), cause };
  }

  /** What is not known here may have been defined a moment ago, through another server: then it is in what a quorum has. */
  private async resolve(scope: RequestScope, target: ApiTarget, verb: Verb): Promise<Target> {
    const { group, version, resource } = target;
    if (this.backend.catalog.find(group, version, resource) === undefined) {
      await this.backend.store.consistent(scope.deadlineMs);
    }
    return resolveTarget(this.backend.catalog, target, verb);
  }

  private async carryOut(verb: Verb, call: Call): Promise<Carried> {
    const { dispatch } = this.backend;
    const { served } = call.target;
    switch (verb) {
      case "list": {
        const listed = await dispatch.list(call);
        return { code: HTTP_OK, object: this.listObject(served, listed), listed };
      }
      case "deletecollection": {
        const listed = await dispatch.deleteCollection(call);
        return { code: HTTP_OK, object: this.listObject(served, listed), listed };
      }
      case "get":
      case "create":
      case "update":
      case "patch":
      case "delete":
        return await this.single(verb, call);
      case "watch":
        throw methodNotAllowed();
    }
  }

  private single(verb: "get" | "create" | "update" | "patch" | "delete", call: Call): Promise<Answer> {
    return this.backend.dispatch[verb](call);
  }

  private listObject(served: Served, list: ObjectList): KubernetesObject {
    const { info } = served;
    const items = list.items.map((stored) => this.objects.forReader(served, stored));
    return {
      kind: info.listKind ?? `${info.kind}List`,
      apiVersion: info.apiVersion,
      metadata: list.metadata,
      items,
    } as KubernetesObject;
  }
}

interface Carried extends Pick<Answer, "code" | "object"> {
  readonly listed?: ObjectList;
}

/** The path at which the same would be asked over HTTP. */
function pathOf({ group, version, resource, namespace, name, subresource }: ApiTarget): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [...(namespace ? ["namespaces", namespace] : []), resource, name ?? "", subresource ?? ""];
  return [root, ...parts.filter((part) => part !== "")].join("/");
}

function bodyOf(request: ApiRequest | undefined): unknown {
  if (request === undefined) return undefined;
  return "object" in request ? request.object : "patch" in request ? request.patch : undefined;
}

function revisionOf({ object: { metadata } }: Pick<Answer, "object">): number {
  return Number(metadata?.resourceVersion ?? 0);
}

/** Counts one message as the request over HTTP is counted that would ask the same. */
class Counting {
  target: Target | undefined;
  private readonly backend: Backend;
  private readonly verb: string;
  private readonly beganMs: number;
  private close: (() => void) | undefined;
  private isOver = false;

  constructor(backend: Backend, verb: Verb) {
    this.backend = backend;
    this.verb = COUNTED_VERBS[verb];
    this.beganMs = backend.monotonicMs();
  }

  /** What the audit log tells of the answer. */
  audited: { readonly code: number; readonly body: () => unknown } | undefined;

  answered({ code, object, listed }: Carried): { readonly object: KubernetesObject } {
    this.count(code);
    if (this.backend.auditor !== undefined) {
      // The objects of a list may be on their way to their reader already.
      const body = (): unknown =>
        listed === undefined ? object : { ...object, items: listed.items.map((stored) => stored.object) };
      this.audited = { code, body };
    }
    return { object };
  }

  failed(error: unknown): void {
    this.count(statusOf(error)?.code ?? HTTP_SERVER_ERROR);
  }

  /** The watch is open, if it has not ended while it opened. */
  opened(): void {
    this.count(HTTP_OK);
    if (!this.isOver) this.close = this.backend.requestMetrics.begin({ verb: this.verb, target: this.target });
  }

  over(): void {
    this.isOver = true;
    this.close?.();
    this.close = undefined;
  }

  private count(code: number): void {
    const { backend, verb, target } = this;
    const seconds = verb === "WATCH" ? undefined : (backend.monotonicMs() - this.beganMs) / MS_PER_SECOND;
    backend.requestMetrics.count({ verb, target }, code, seconds);
  }
}

class MessageInput implements Input {
  private readonly request: ApiRequest;
  private readonly message: Pick<Incoming, "from" | "signal">;

  constructor(request: ApiRequest, message: Pick<Incoming, "from" | "signal">) {
    this.request = request;
    this.message = message;
  }

  writeOptions(kind: Parameters<Input["writeOptions"]>[0]): ReturnType<Input["writeOptions"]> {
    const { request } = this;
    const given = ("object" in request || "patch" in request ? request.options : undefined) ?? {};
    checkNames(given as Given, kind);
    const fieldManager = managerOfActor(this.message.from);
    const applies = request.verb === "patch" && request.patchType === APPLY_TYPE;
    return { fieldValidation: "Ignore", fieldManager, ...checkWriteOptions(given as Given, kind, applies) };
  }

  deleteOptions(): ReturnType<Input["deleteOptions"]> {
    const { request } = this;
    const deletes = request.verb === "delete" || request.verb === "deletecollection";
    const given = (deletes ? request.options : undefined) ?? {};
    checkNames(given as Given, "DeleteOptions");
    return checkDeleteOptions(given as Given);
  }

  listOptions(): ListOptions {
    const { request } = this;
    const given =
      (request.verb === "list" ? request.options : request.verb === "deletecollection" ? request.list : undefined) ??
      {};
    checkNames(given as Given, "ListOptions");
    return checkListOptions(given as Given);
  }

  resourceVersion(): string | undefined {
    return this.request.verb === "get" ? this.request.resourceVersion : undefined;
  }

  body(...[form, validation]: Parameters<Input["body"]>): ReturnType<Input["body"]> {
    const value = "object" in this.request ? this.request.object : undefined;
    return form.decode({ value, duplicates: [] }, validation);
  }

  patchType(): ReturnType<Input["patchType"]> {
    return this.patch().type;
  }

  configuration(): ReturnType<Input["configuration"]> {
    return { value: this.patch().patch, duplicates: [] };
  }

  patch(): ReturnType<Input["patch"]> {
    const { request } = this;
    if (request.verb !== "patch") throw methodNotAllowed();
    return { type: request.patchType, patch: request.patch };
  }

  abandoned(): boolean {
    return this.message.signal.aborted;
  }
}
