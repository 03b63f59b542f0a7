/** Namespace deletion: removes what is in the namespace, and lets it go when nothing is left. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { Namespace } from "../../../protocols/kubernetes/types/core-v1.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import type { Resource } from "../../client/resources.ts";
import { namespaces } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
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

export function namespaceController(session: Session): void {
  const queue = session.queue("namespace", (name, turn) => reconcile(turn, name));
  session.namespaces.onChange(({ type, object }) => {
    if (type !== "deleted" && object.metadata?.deletionTimestamp !== undefined) queue.add(object.metadata.name ?? "");
  });
  session.pods.onChange(({ type, object }) => {
    const name = object.metadata?.namespace ?? "";
    if (type !== "deleted" || session.namespaces.get(name)?.metadata?.deletionTimestamp === undefined) return;
    if (session.pods.byIndex("namespace", name).length === 0) queue.add(name);
  });
}

async function reconcile(session: Session, name: string): Promise<Result> {
  const namespace = session.namespaces.get(name);
  if (namespace?.metadata?.deletionTimestamp === undefined) return;
  if (!(namespace.spec?.finalizers ?? []).includes("kubernetes")) return;
  const held = await contentOf(session, name);
  const options = { propagationPolicy: "Background" } as const;
  await Promise.all(
    held.map((resource) => unlessGone(() => session.client.deleteCollection(resource, name, {}, options))),
  );
  if (held.length > 0 && (await contentOf(session, name)).length > 0) return { afterMs: RECHECK_MS };
  await finalize(session, namespace);
}

/** The resources of which there is anything. Most namespaces hold few. */
async function contentOf(session: Session, name: string): Promise<readonly Resource[]> {
  const custom = session.customResources.filter(({ namespaced }) => namespaced);
  // What is custom makes others more often than not.
  const content = [...custom, ...CONTENT];
  const lists = await Promise.all(
    content.map((resource) => unlessGone(() => session.client.list(resource, { namespace: name, limit: 1 }))),
  );
  return content.filter((_, i) => (lists[i]?.items.length ?? 0) > 0);
}

/** Undefined when the resource is no longer served: its objects go, or have gone, with its definition. */
async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    return undefined;
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
