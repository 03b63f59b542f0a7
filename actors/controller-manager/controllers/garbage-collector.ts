/** Garbage collection: what has lost its last owner goes; owners that wait for dependents, or orphan them, are helped. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { OwnerReference } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { Resource } from "../../client/resources.ts";
import { apiVersionOf } from "../../client/resources.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import type { Owned, Presence } from "../core/ownership.ts";
import {
  blocks,
  FOREGROUND,
  judge,
  ORPHAN,
  orphansDependents,
  OwnershipGraph,
  waitsForDependents,
} from "../core/ownership.ts";
import type { Session } from "../session.ts";

export function garbageCollector(session: Session): void {
  new GarbageCollector(session).register();
}

class GarbageCollector {
  private readonly session: Session;
  private readonly graph = new OwnershipGraph<Resource>();
  /** Keys are uids. */
  private readonly queue: WorkQueue;
  /** By apiVersion and kind. */
  private readonly rows = new Map<string, Resource>();

  constructor(session: Session) {
    this.session = session;
    this.queue = session.queue("garbage-collector", (uid, turn) => this.reconcile(uid, turn), {
      workers: session.options.garbageCollectorWorkers,
    });
  }

  register(): void {
    this.session.eachFollowed(
      ({ resource, informer }) => {
        this.rows.set(rowKey(resource), resource);
        informer.onChange(({ type, object, previous }) => {
          if (type === "deleted") return this.onGone(previous ?? object);
          // An object made anew under an old name: the first one's end was missed.
          if (previous !== undefined && previous.metadata?.uid !== object.metadata?.uid) this.onGone(previous);
          this.onPresent(resource, object);
        });
      },
      ({ resource, informer }) => this.forget(resource, informer.list()),
    );
  }

  /** Nobody tells any more what becomes of them. They are deleted with their definition, or followed in another version. */
  private forget(resource: Resource, objects: readonly KubernetesObject[]): void {
    this.rows.delete(rowKey(resource));
    for (const { metadata } of objects) this.graph.forget(metadata?.uid ?? "");
  }

  private onPresent(resource: Resource, object: KubernetesObject): void {
    this.graph.put(resource, object);
    const { uid, ownerReferences = [] } = object.metadata ?? {};
    if (uid === undefined) return;
    const helpless = ownerReferences.some((owner) => {
      const known = this.graph.get(owner.uid);
      return known === undefined || waitsForDependents(known.object);
    });
    if (helpless || waitsForDependents(object) || orphansDependents(object)) this.queue.add(uid);
  }

  private onGone(object: KubernetesObject): void {
    const { uid, ownerReferences = [] } = object.metadata ?? {};
    if (uid === undefined) return;
    this.graph.remove(uid);
    for (const { object: dependent } of this.graph.dependentsOf(uid)) this.queue.add(dependent.metadata?.uid ?? "");
    for (const owner of ownerReferences) {
      const known = this.graph.get(owner.uid);
      if (known !== undefined && waitsForDependents(known.object)) this.queue.add(owner.uid);
    }
  }

  private async reconcile(uid: string, turn: Session): Promise<void> {
    const item = this.graph.get(uid);
    if (item === undefined) return;
    if (orphansDependents(item.object)) await this.orphan(turn, item, uid);
    else if (waitsForDependents(item.object)) await this.awaitDependents(turn, item, uid);
    else await this.collect(turn, item, uid);
  }

  private async collect(turn: Session, { kind, object }: Owned<Resource>, uid: string): Promise<void> {
    const owners = object.metadata?.ownerReferences ?? [];
    const presences = await Promise.all(owners.map((owner) => this.presenceOf(turn, owner, object)));
    if (turn.stopped) return;
    const verdict = judge(object, presences, this.graph.dependentsOf(uid).length > 0);
    const { name = "", namespace } = object.metadata ?? {};
    switch (verdict.do) {
      case "nothing":
        return;
      case "keep-owners":
        await this.patch(turn, { kind, object }, { ownerReferences: verdict.owners });
        return;
      case "delete": {
        const subject = `${kind.resource}/${namespace === undefined ? "" : `${namespace}/`}${name}`;
        const [owner] = owners;
        const fields = owner === undefined ? {} : { owner: `${owner.kind}/${owner.name}` };
        const collected = turn.ctx.trace.event("garbage-collected", subject, fields, turn.why);
        await tolerate(() =>
          turn.client
            .because(collected)
            .delete(kind, name, namespace, { propagationPolicy: verdict.policy, preconditions: { uid } }),
        );
        return;
      }
    }
  }

  /** An owner that is not in the graph is asked for; one of an unknown kind counts as there: nothing is deleted on a guess. */
  private async presenceOf({ client }: Session, owner: OwnerReference, dependent: KubernetesObject): Promise<Presence> {
    const known = this.graph.get(owner.uid);
    if (known !== undefined) return waitsForDependents(known.object) ? "waiting" : "solid";
    if (this.graph.isGone(owner.uid)) return "absent";
    const row = this.rows.get(`${owner.apiVersion}/${owner.kind}`);
    if (row === undefined) return "solid";
    const found = await client.find(row, owner.name, row.namespaced ? dependent.metadata?.namespace : undefined);
    if (found?.metadata?.uid !== owner.uid) return "absent";
    return waitsForDependents(found) ? "waiting" : "solid";
  }

  private async awaitDependents(turn: Session, item: Owned<Resource>, uid: string): Promise<void> {
    const dependents = this.graph.dependentsOf(uid);
    for (const { object } of dependents) {
      const { uid: dependent = "" } = object.metadata ?? {};
      if (!waitsForDependents(object)) turn.ctx.trace.because(turn.why, () => this.queue.add(dependent));
    }
    if (dependents.some(({ object }) => blocks(object, uid))) return;
    await this.removeFinalizer(turn, item, FOREGROUND);
  }

  private async orphan(turn: Session, item: Owned<Resource>, uid: string): Promise<void> {
    for (const dependent of this.graph.dependentsOf(uid)) {
      const left = (dependent.object.metadata?.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      await this.patch(turn, dependent, { ownerReferences: left });
    }
    await this.removeFinalizer(turn, item, ORPHAN);
  }

  private async removeFinalizer(turn: Session, item: Owned<Resource>, finalizer: string): Promise<void> {
    const finalizers = (item.object.metadata?.finalizers ?? []).filter((other) => other !== finalizer);
    await this.patch(turn, item, { finalizers });
  }

  /** Of the very version that was judged: a newer one is judged anew. */
  private async patch(
    { client }: Session,
    { kind, object }: Owned<Resource>,
    metadata: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { name = "", namespace, uid, resourceVersion } = object.metadata ?? {};
    const patch = { metadata: { uid, resourceVersion, ...metadata } };
    await tolerate(() => client.patch(kind, name, namespace, patch));
  }
}

function rowKey(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.kind}`;
}

/** What is gone, or was made anew, needs nothing more. A Conflict of versions is tried again. */
async function tolerate(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
