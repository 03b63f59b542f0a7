/** An API server over a plain map, with the troubles that a client has to live with, on demand. */
import type { ApiRequest, ApiServerMethods, ApiWatchEvent, KubernetesObject } from "../../../protocols/api-server.ts";
import { apiServerProtocol, statusError } from "../../../protocols/api-server.ts";
import type { Seen } from "../../../protocols/api-witness.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { ActorDefinition, Sink } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";

/** What all fake servers of one test share, as real ones share etcd. */
export class FakeStore {
  readonly objects: Map<string, KubernetesObject> = new Map();
  readonly log: ApiWatchEvent[] = [];
  /** Revisions below are compacted. */
  compacted: number = 0;
  revision: number = 0;
  /** The next so many requests are answered with 503. */
  unavailable: number = 0;
  /** The next so many creations are carried out, and their answers lost with the server. */
  loseAnswers: number = 0;
  requests: number = 0;
  readonly sinks: Set<Sink<ApiWatchEvent>> = new Set();
  readonly witnesses: Set<Sink<Seen>> = new Set();

  put(name: string, extra: object = {}): KubernetesObject {
    const type = this.objects.has(name) ? "MODIFIED" : "ADDED";
    const resourceVersion = String(++this.revision);
    const object = { metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion }, ...extra };
    this.objects.set(name, object);
    this.publish({ type, object });
    return object;
  }

  remove(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.objects.delete(name);
    const metadata = { ...object.metadata, resourceVersion: String(++this.revision) };
    this.publish({ type: "DELETED", object: { ...object, metadata } });
  }

  /** Ends every watch, as a server does that falls behind. */
  endWatches(): void {
    for (const sink of this.sinks) sink.end();
    this.sinks.clear();
  }

  private publish(event: ApiWatchEvent): void {
    this.log.push(event);
    for (const sink of this.sinks) sink.push(event);
  }
}

function status(code: number, reason: string): InkubeError {
  return statusError({ status: "Failure", code, reason, message: reason });
}

export function fakeApiServer(store: FakeStore): ActorDefinition<ApiServerMethods, null> {
  return defineActor(apiServerProtocol, () => ({
    handlers: {
      request: async (request) => {
        store.requests++;
        if (store.unavailable > 0) {
          store.unavailable--;
          throw status(503, "ServiceUnavailable");
        }
        const object = answer(store, request);
        if (request.verb === "create" && store.loseAnswers > 0) {
          store.loseAnswers--;
          await new Promise<never>(() => undefined);
        }
        return { object };
      },
      watch: (request, sink) => {
        const from = Number(request.resourceVersion ?? 0);
        if (from < store.compacted) {
          sink.end(status(410, "Expired"));
          return;
        }
        for (const event of store.log) if (Number(event.object.metadata?.resourceVersion) > from) sink.push(event);
        store.sinks.add(sink);
        sink.signal.addEventListener("abort", () => store.sinks.delete(sink));
      },
      serve: () => ({ port: 0 }),
      withdraw: () => null,
      witness: (_request, sink) => {
        store.witnesses.add(sink);
        sink.signal.addEventListener("abort", () => store.witnesses.delete(sink));
      },
      readiness: (_request, sink) => sink.push({ ready: true }),
      ready: () => ({ resourceVersion: String(store.revision) }),
    },
  }));
}

function answer(store: FakeStore, request: ApiRequest): KubernetesObject {
  const name = request.target.name ?? "";
  switch (request.verb) {
    case "list": {
      const all = [...store.objects.values()];
      const start = Number(request.options?.continue ?? 0);
      const end = start + (request.options?.limit ?? all.length);
      const more = end < all.length ? { continue: String(end) } : {};
      const list = { metadata: { resourceVersion: String(store.revision), ...more }, items: all.slice(start, end) };
      return list;
    }
    case "get": {
      const found = store.objects.get(name);
      if (found === undefined) throw status(404, "NotFound");
      return found;
    }
    case "create": {
      const wanted = request.object.metadata?.name ?? "";
      if (store.objects.has(wanted)) throw status(409, "AlreadyExists");
      return store.put(wanted);
    }
    case "update":
    case "patch":
      return store.put(name);
    case "delete":
    case "deletecollection":
      store.remove(name);
      return { kind: "Status" };
  }
}
