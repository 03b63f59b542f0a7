/** The door for the cluster's own actors: requests and watches as messages. Who asks, the link vouches for. */
import type {
  ApiRequest,
  ApiTarget,
  ApiWatchEvent,
  ApiWatchRequest,
  KubernetesObject,
  ListOptions,
} from "../../protocols/api-server.ts";
import type { Incoming, Sink } from "../../runtime/actor.ts";
import type { Backend } from "./backend.ts";
import { Caller } from "./caller.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { managerOfActor, userOfActor } from "./core/identity.ts";
import { APPLY_TYPE } from "./core/machinery/patch/apply-patch.ts";
import { methodNotAllowed } from "./core/machinery/status.ts";
import type { Answer } from "./core/registry/answers.ts";
import type { Given } from "./core/rest/options.ts";
import { checkDeleteOptions, checkListOptions, checkNames, checkWriteOptions } from "./core/rest/options.ts";
import type { Target, Verb } from "./core/rest/target.ts";
import { resolveTarget } from "./core/rest/target.ts";
import { toStatusError } from "./core/store-errors.ts";
import type { Call, Input } from "./dispatch.ts";
import type { ObjectList } from "./lists.ts";
import type { RequestScope } from "./registry.ts";
import { ServedObjects } from "./served-objects.ts";

/** How long the form in which several actors have read an object is kept for more of them, once to twice. */
const SHARED_FOR_MS = 30_000;

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
    return this.answering(message, what, async () => {
      const resolved = await this.resolve(scope, target, verb);
      const input = new MessageInput(request, message);
      const call = { scope, target: resolved, input };
      const { views } = this.backend;
      if (!views.on) return { object: await this.carryOut(verb, call) };
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
      return { object: await views.request(asked, (seen) => this.carryOut(verb, seen), revisionOf) };
    });
  }

  async watch(request: ApiWatchRequest, sink: Sink<ApiWatchEvent>): Promise<void> {
    const { labelSelector, fieldSelector, resourceVersion } = request;
    const what = `watch ${request.target.resource} for ${sink.from}`;
    const scope = this.scope(sink);
    const opened = await this.answering(sink, what, async () => {
      const { served, namespace, name } = await this.resolve(scope, request.target, "watch");
      const query = { served, namespace, name, labelSelector, fieldSelector, resourceVersion, bookmarks: true };
      return this.backend.views.open(scope, query, {
        event: (type, stored, cause) => {
          const object = this.objects.forReader(served, stored);
          sink.push(cause === undefined || cause === "" ? { type, object } : { type, object, cause });
        },
        bookmark: (object) => sink.push({ type: "BOOKMARK", object }),
        end: (error) => sink.end(error === undefined ? undefined : toStatusError(this.backend.explained(error, what))),
      });
    });
    if (sink.signal.aborted) opened.close();
    else sink.signal.addEventListener("abort", () => opened.close());
  }

  /** Runs `work` for a message; what it throws is a Status, or a fault of ours that has been recorded. */
  async answering<T>(sender: Sender, what: string, work: () => Promise<T>): Promise<T> {
    const asked = { verb: "", path: what, target: undefined };
    const arrival = {
      user: userOfActor(sender.from),
      auditId: sender.cause,
      isPublic: false,
      rawHeaders: [],
      asked: () => asked,
      enter: () => undefined,
    };
    try {
      return await this.backend.pipeline.run(arrival, work);
    } catch (error) {
      throw toStatusError(this.backend.explained(error, what));
    }
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

  private async carryOut(verb: Verb, call: Call): Promise<KubernetesObject> {
    const { dispatch } = this.backend;
    const { served } = call.target;
    switch (verb) {
      case "list":
        return this.listObject(served, await dispatch.list(call));
      case "deletecollection":
        return this.listObject(served, await dispatch.deleteCollection(call));
      case "get":
      case "create":
      case "update":
      case "patch":
      case "delete":
        return (await this.single(verb, call)).object;
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

function revisionOf({ metadata }: KubernetesObject): number {
  return Number(metadata?.resourceVersion ?? 0);
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
