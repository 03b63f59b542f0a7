/** Why an object is not yet as somebody waits for it to be, in a person's words: what its status and its pods' say. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { ContainerStatus, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../protocols/kubernetes/types/meta-v1.ts";
import { formatSelectorObject } from "../../protocols/kubernetes/selectors.ts";
import type { Explanation, WhyQuestion } from "../../protocols/trace-collector.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import type { Resource } from "../client/resources.ts";
import * as resources from "../client/resources.ts";

/** Enough to see a pattern; a person reads the rest elsewhere. */
const PODS_MAX = 3;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface Explained extends KubernetesObject {
  readonly status?: {
    readonly phase?: string;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
  readonly spec?: { readonly replicas?: number };
}

/** The record is asked as well, and the one who waits has waited long enough. */
const WHY_TIMEOUT_MS = 2_000;

export interface Waited {
  readonly client: Client;
  readonly clock: Clock;
  readonly resource: Resource;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly why: (ref: string, as: WhyQuestion) => Promise<Explanation>;
}

/** What its status says, and what the record says that came of. */
export async function explainWith(waited: Waited, object: KubernetesObject | undefined): Promise<string> {
  const [says, came] = await Promise.all([statusOf(waited, object), recorded(waited, object)]);
  return came === undefined ? says : `${says}; ${came}`;
}

/** Undefined where the record has nothing to say of it, or not in time. */
async function recorded(
  { clock, resource, name, namespace, why }: Waited,
  object: KubernetesObject | undefined,
): Promise<string | undefined> {
  const ref = [resource.resource, ...(namespace === undefined ? [] : [namespace]), name].join("/");
  const asked = why(ref, object === undefined ? "deleted" : "not-ready").then(
    ({ isSo, sentence }) => (isSo ? sentence : undefined),
    // It is a help, and no reason to fail with another error than the one that is told.
    () => undefined,
  );
  return new Promise((resolve) => {
    const timer = clock.after(WHY_TIMEOUT_MS, () => resolve(undefined));
    void asked.then((sentence) => {
      timer.cancel();
      resolve(sentence);
    });
  });
}

/** `explain`, with what the pods of a workload say. */
async function statusOf({ client, resource }: Waited, object: KubernetesObject | undefined): Promise<string> {
  const { kind, group } = resource;
  const { selector } = ((object ?? {}) as { readonly spec?: { readonly selector?: LabelSelector } }).spec ?? {};
  const namespace = object?.metadata?.namespace;
  if (selector === undefined || namespace === undefined || group !== "apps") return explain(kind, object, []);
  const labelSelector = formatSelectorObject(selector);
  // What its pods say is worth having, and no reason to fail with another error than the one that is told.
  const found = await client.list(resources.pods, { namespace, labelSelector }).catch(() => ({ items: [] }));
  return explain(kind, object, found.items);
}

/** `kind`: objects of a list come without it. `pods`: those that belong to the object, where it is a workload. */
export function explain(kind: string, object: KubernetesObject | undefined, pods: readonly Pod[]): string {
  if (object === undefined) return "it is not there";
  const parts = kind === "Pod" ? [podReason(object as Pod)] : [...counts(object), ...conditions(object)];
  const unready = pods.map((pod) => ({ pod, reason: podReason(pod) })).filter(({ reason }) => reason !== "Ready");
  for (const { pod, reason } of unready.slice(0, PODS_MAX)) parts.push(`pod ${pod.metadata?.name ?? ""}: ${reason}`);
  if (unready.length > PODS_MAX) parts.push(`${unready.length - PODS_MAX} more pods are not ready`);
  return parts.length === 0
    ? `its status is ${JSON.stringify((object as Explained).status ?? null)}`
    : parts.join("; ");
}

function counts(object: Explained): readonly string[] {
  const { status, spec } = object;
  if (spec?.replicas === undefined) return status?.phase === undefined ? [] : [status.phase];
  const { readyReplicas: ready = 0, updatedReplicas: updated } = status ?? {};
  const told = updated === undefined ? "" : `, ${updated} of the newest revision`;
  return [`${ready} of ${spec.replicas} replicas are ready${told}`];
}

/** Those that are not as one wishes: everything but True, and what is a failure when it is True. */
function conditions({ status }: Explained): readonly string[] {
  return (status?.conditions ?? [])
    .filter(
      (condition) => (condition.status === "True") === /Failure|Pressure|Remaining|Unavailable$/.test(condition.type),
    )
    .map(
      ({ type, status: value, reason, message }) =>
        `${type}=${value}${reason === undefined ? "" : ` (${reason})`}${message ? `: ${message}` : ""}`,
    );
}

function podReason({ metadata, spec, status }: Pod): string {
  if (metadata?.deletionTimestamp !== undefined) return "is being deleted";
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stuck = containers.map(containerReason).find((reason) => reason !== undefined);
  if (stuck !== undefined) return stuck;
  const isTrue = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") return `${scheduled.reason ?? "not scheduled"}: ${scheduled.message ?? ""}`;
  if (isTrue("Ready")) return "Ready";
  if ((spec?.nodeName ?? "") === "") return "waits for a node";
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const why = ready?.message ?? ready?.reason;
  return `${status?.phase ?? "Pending"} on ${spec?.nodeName ?? ""}${why === undefined ? "" : `: ${why}`}`;
}

function containerReason({ name, state, lastState, restartCount }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  // Every container begins with these two.
  if (waiting !== undefined && waiting.reason !== "ContainerCreating" && waiting.reason !== "PodInitializing") {
    const last = lastState?.terminated;
    const ended =
      last === undefined ? "" : `; it ended ${restartCount ?? 0} times, last with exit code ${last.exitCode}`;
    return `container ${name}: ${waiting.reason ?? "waits"}${waiting.message ? `: ${waiting.message}` : ""}${ended}`;
  }
  if (terminated === undefined || terminated.exitCode === 0) return undefined;
  return `container ${name}: ${terminated.reason ?? "ended"}, exit code ${terminated.exitCode}`;
}
