/** Namespace deletion: removes what is in the namespace, and lets it go when nothing is left. */
import type { KubernetesList, KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { Namespace } from "../../../protocols/kubernetes/types/core-v1.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import type { Resource } from "../../client/resources.ts";
import { namespaces } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import { formatTime } from "../../../runtime/clock.ts";
import type { Remaining } from "../core/namespace-conditions.ts";
import { conditionsWith, toldOf } from "../core/namespace-conditions.ts";
import type { Session } from "../session.ts";

/** What makes others goes first, so that nothing is made anew; events last, as the deletions make some. */
const FIRST = [
  "cronjobs",
  "jobs",
  "deployments",
  "statefulsets",
  "daemonsets",
  "replicasets",
  "replicationcontrollers",
];
const LAST = ["events"];

/** All that a namespace can hold. What is served in two versions is there once. */
const CONTENT: readonly Resource<KubernetesObject>[] = RESOURCES.filter(
  ({ namespaced, verbs, storageApiVersion }) =>
    namespaced && verbs.includes("deletecollection") && storageApiVersion === undefined,
).sort((a, b) => placeOf(a) - placeOf(b));

function placeOf({ resource }: Resource): number {
  if (LAST.includes(resource)) return FIRST.length + 1;
  return FIRST.includes(resource) ? FIRST.indexOf(resource) : FIRST.length;
}

/** A look again while pods end, should no event tell. Kubernetes waits half their grace period. */
const RECHECK_MS = 1_000;
/** Objects of a resource whose finalizers are told; the others are counted. */
const LOOKED_AT_MAX = 500;

export function namespaceController(session: Session): void {
  const queue = session.queue("namespace", (name, turn) => reconcile(turn, name));
  session.namespaces.onChange(({ type, object, previous }) => {
    // What is told of its deletion, by this controller itself, is nothing to look again for.
    if (type === "deleted" || !isEnding(object) || (previous !== undefined && isEnding(previous))) return;
    queue.add(object.metadata?.name ?? "");
  });
  session.pods.onChange(({ type, object }) => {
    const name = object.metadata?.namespace ?? "";
    const namespace = session.namespaces.get(name);
    if (type !== "deleted" || namespace === undefined || !isEnding(namespace)) return;
    if (session.pods.byIndex("namespace", name).length === 0) queue.add(name);
  });
}

function isEnding({ metadata, spec }: Namespace): boolean {
  return metadata?.deletionTimestamp !== undefined && (spec?.finalizers ?? []).includes("kubernetes");
}

async function reconcile(session: Session, name: string): Promise<Result> {
  const namespace = session.namespaces.get(name);
  if (namespace === undefined || !isEnding(namespace)) return;
  const failures = new Failures();
  const held = await contentOf(session, name, 1, failures);
  const options = { propagationPolicy: "Background" } as const;
  await Promise.all(
    held.map(({ resource }) => failures.note(() => session.client.deleteCollection(resource, name, {}, options))),
  );
  const remaining = held.length === 0 ? [] : await contentOf(session, name, LOOKED_AT_MAX, failures);
  if (remaining.length === 0 && failures.first === undefined) return finalize(session, namespace);
  await tell(session, name, remaining.map(remainingOf), failures.messages);
  if (failures.first !== undefined) throw failures.first;
  return { afterMs: RECHECK_MS };
}

/** One resource that can't be read or deleted keeps nobody from the others. */
class Failures {
  first: unknown;
  readonly messages: string[] = [];

  /** Undefined also when the resource is no longer served: its objects go, or have gone, with its definition. */
  async note<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (hasReason(error, "NotFound")) return undefined;
      this.first ??= error;
      this.messages.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}

interface Content {
  readonly resource: Resource;
  readonly list: KubernetesList<KubernetesObject>;
}

/** Of the resources of which there is anything. Most namespaces hold few. */
async function contentOf(
  session: Session,
  name: string,
  limit: number,
  failures: Failures,
): Promise<readonly Content[]> {
  const custom = session.customResources.filter(({ namespaced }) => namespaced);
  // What is custom makes others more often than not.
  const found = await Promise.all(
    [...custom, ...CONTENT].map(async (resource) => {
      const list = await failures.note(() => session.client.list(resource, { namespace: name, limit }));
      return list === undefined || list.items.length === 0 ? [] : [{ resource, list }];
    }),
  );
  return found.flat();
}

function remainingOf({ resource, list }: Content): Remaining {
  return {
    resource: resource.resource,
    group: resource.group,
    count: list.items.length + (list.metadata.remainingItemCount ?? 0),
    finalizers: list.items.map(({ metadata }) => metadata?.finalizers ?? []),
  };
}

async function tell(
  session: Session,
  name: string,
  remaining: readonly Remaining[],
  failures: readonly string[],
): Promise<void> {
  const namespace = session.namespaces.get(name);
  if (namespace === undefined) return;
  const { status } = namespace;
  const now = formatTime(session.ctx.clock.nowMs());
  const conditions = conditionsWith(status?.conditions ?? [], toldOf(remaining, failures), now);
  if (conditions === undefined) return;
  const next = { ...namespace, status: { ...status, conditions } };
  try {
    await session.client.update(namespaces, next, { subresource: "status" });
  } catch (error) {
    // It has gone, or somebody has written it: what it tells is seen to in the next round.
    if (!hasReason(error, "NotFound", "Conflict")) throw error;
  }
}

async function finalize(session: Session, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
  try {
    await session.client.update(
      namespaces,
      { ...namespace, spec: { ...namespace.spec, finalizers } },
      { subresource: "finalize" },
    );
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
