/**
 * What happened in a run: every revision of etcd with who wrote it, every request and delivery of the controllers under
 * test, every fault that struck. It is taken from what passes the API servers and etcd, so nothing is missed between two looks.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { WatchResponse } from "../../../protocols/etcd.ts";
import type { SeenBookmark, SeenDelivery, SeenRequest, SeenWatch, Witness } from "../../../protocols/api-witness.ts";
import type { Resource } from "../../client/resources.ts";
import { apiVersionOf } from "../../client/resources.ts";

/** A revision of one object. */
export interface Change {
  readonly revision: number;
  /** Virtual time since the start of the run at which it was learnt of. */
  readonly atMs: number;
  readonly type: "created" | "updated" | "deleted";
  /** `ConfigMap default/web`. */
  readonly subject: string;
  /** As the trace names it: `configmaps/default/web`. */
  readonly place: string;
  /** Of a deletion: the last state. */
  readonly object: KubernetesObject;
  readonly previous: KubernetesObject | undefined;
  /** User who wrote it; empty for what the API server does of its own accord. */
  readonly by: string;
  /** The trace event that caused it. */
  readonly cause: string;
}

/** A fault that struck. */
export interface Struck {
  readonly atMs: number;
  readonly fault: string;
  readonly kind: string;
  readonly what: string;
}

/** A line that a controller under test has printed. */
export interface Printed {
  readonly atMs: number;
  readonly by: string;
  readonly line: string;
}

/** All objects as of a revision. */
export class State {
  private readonly objects = new Map<string, Change>();

  get<T extends KubernetesObject>(resource: Resource<T>, name: string, namespace?: string): T | undefined {
    return this.objects.get(subjectOf(resource.kind, name, namespace, apiVersionOf(resource)))?.object as T | undefined;
  }

  /** In order of their creation. */
  list<T extends KubernetesObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const apiVersion = apiVersionOf(resource);
    const found: T[] = [];
    for (const { object } of this.objects.values()) {
      if (object.kind !== resource.kind || object.apiVersion !== apiVersion) continue;
      if (namespace === undefined || object.metadata?.namespace === namespace) found.push(object as T);
    }
    return found;
  }

  /** Newest change of each object that is there. */
  changes(): Iterable<Change> {
    return this.objects.values();
  }

  apply(change: Change): void {
    const { metadata, kind = "", apiVersion = "" } = change.object;
    const key = subjectOf(kind, metadata?.name ?? "", metadata?.namespace, apiVersion);
    if (change.type === "deleted") this.objects.delete(key);
    else this.objects.set(key, change);
  }
}

const decoder = new TextDecoder();
const OBJECTS = "/registry/";
/** Lines of output that are kept. */
const PRINTED_MAX = 1_000;
/** What clusters write all the time, whatever anybody wants of them. */
const RESTLESS: readonly string[] = ["Event", "Lease", "Node"];

export class History implements Witness {
  readonly requests: SeenRequest[] = [];
  readonly deliveries: SeenDelivery[] = [];
  readonly watches: SeenWatch[] = [];
  readonly bookmarks: SeenBookmark[] = [];
  readonly struck: Struck[] = [];
  /** The newest output of controllers that are programs. */
  readonly printed: Printed[] = [];
  readonly changes: Change[] = [];
  /** Newest revision that is known. */
  revision = 0;
  /** When the workload began, and when the last fault was ended: virtual time; Infinity before. */
  beganMs: number = Infinity;
  healedMs: number = Infinity;
  /** Names of the controllers under test. */
  private readonly controllers: ReadonlySet<string>;
  private readonly writers = new Map<number, string>();
  /** By key of etcd. */
  private readonly newest = new Map<string, KubernetesObject>();
  private newestActivityMs = 0;

  constructor(controllers: readonly string[]) {
    this.controllers = new Set(controllers);
  }

  /** When last something changed that is not restless, or a controller under test wrote. Virtual time. */
  get lastActivityMs(): number {
    return this.newestActivityMs;
  }

  /** State right after that revision; default: the newest. */
  stateAt(revision: number = this.revision): State {
    const state = new State();
    for (const change of this.changes) {
      if (change.revision > revision) break;
      state.apply(change);
    }
    return state;
  }

  /** Those of a controller under test since the workload began. */
  requestsOf(name: string): readonly SeenRequest[] {
    return this.requests.filter(({ by, atMs }) => by === name && atMs >= this.beganMs);
  }

  /** Whether a controller under test asked for it. */
  isOfControllers({ by }: SeenRequest): boolean {
    return this.controllers.has(by);
  }

  /** User who wrote a revision; empty for what the API server does of its own accord. */
  writerOf(revision: number): string {
    return this.writers.get(revision) ?? "";
  }

  // What the run writes down.

  request(seen: SeenRequest): void {
    const isWrite = seen.verb !== "get" && seen.verb !== "list";
    const isOurs = this.controllers.has(seen.by);
    if (isWrite || isOurs) this.requests.push(seen);
    if (isWrite && isOurs && seen.resource !== "leases.coordination.k8s.io") this.newestActivityMs = seen.atMs;
  }

  delivery(seen: SeenDelivery): void {
    if (this.controllers.has(seen.by)) this.deliveries.push(seen);
  }

  watch(seen: SeenWatch): void {
    if (this.controllers.has(seen.by)) this.watches.push(seen);
  }

  bookmark(seen: SeenBookmark): void {
    if (this.controllers.has(seen.by)) this.bookmarks.push(seen);
  }

  prints(printed: Printed): void {
    this.printed.push(printed);
    if (this.printed.length > PRINTED_MAX) this.printed.shift();
  }

  wrote(revision: number, user: string): void {
    this.writers.set(revision, user);
  }

  take({ header, events }: WatchResponse, nowMs: number): void {
    for (const { type, kv, cause } of events) {
      this.revision = Math.max(this.revision, kv.modRevision);
      if (!kv.key.startsWith(OBJECTS)) continue;
      const previous = this.newest.get(kv.key);
      const object = type === "delete" ? previous : objectOf(kv.value);
      if (object === undefined) continue;
      if (type === "delete") this.newest.delete(kv.key);
      else this.newest.set(kv.key, object);
      const how = type === "delete" ? "deleted" : kv.version > 1 ? "updated" : "created";
      const { writers } = this;
      this.changes.push({
        revision: kv.modRevision,
        atMs: nowMs,
        type: how,
        subject: subjectOf(object.kind ?? "", object.metadata?.name ?? "", object.metadata?.namespace),
        place: placeOf(kv.key, object),
        object,
        previous,
        cause: cause ?? "",
        get by() {
          return writers.get(this.revision) ?? "";
        },
      });
      if (!RESTLESS.includes(object.kind ?? "")) this.newestActivityMs = nowMs;
    }
    if (header.revision > this.revision) this.revision = header.revision;
  }
}

/** `ConfigMap default/web`; with its version where it must be told from its namesakes of other groups. */
function subjectOf(kind: string, name: string, namespace: string | undefined, apiVersion?: string): string {
  const place = namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
  return apiVersion === undefined ? `${kind} ${place}` : `${apiVersion} ${kind} ${place}`;
}

/** Resources that etcd knows by a name of old. Source: Kubernetes' registry of nodes and of services. */
const STORED_AS: Readonly<Record<string, string>> = { minions: "nodes", specs: "services" };

function placeOf(key: string, { metadata }: KubernetesObject): string {
  const [stored = "", ...rest] = key.split("/").slice(metadata?.namespace === undefined ? -2 : -3);
  return [STORED_AS[stored] ?? stored, ...rest].join("/");
}

/** Undefined for what is no object: a claim of an address. */
function objectOf(value: Uint8Array): KubernetesObject | undefined {
  const text = decoder.decode(value);
  return text.startsWith("{") ? (JSON.parse(text) as KubernetesObject) : undefined;
}
