/**
 * Counts what there is of what quotas limit. Admission adds to the count in the very transaction that makes an object, so that here only
 * what goes, and what was there before its quota, has to be counted: from the API's own lists, over the quota that was read before them.
 * Whoever was charged meanwhile makes that write a Conflict.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { isEqual } from "../../../protocols/equality.ts";
import { isInScopes } from "../../../protocols/kubernetes/quota/scopes.ts";
import type { Amounts, GroupResource } from "../../../protocols/kubernetes/quota/usage.ts";
import { isAmountOf } from "../../../protocols/kubernetes/quota/usage.ts";
import type { Pod, ResourceQuota } from "../../../protocols/kubernetes/types/core-v1.ts";
import { keyOf } from "../../client/core/store.ts";
import type { Resource } from "../../client/resources.ts";
import { resourceQuotas } from "../../client/resources.ts";
import { isTerminal } from "../core/pods.ts";
import { usedOf } from "../core/quota.ts";
import type { Session } from "../session.ts";

const NAMESPACE = "namespace";

export function resourceQuotaController(session: Session): void {
  /** By group and resource. */
  const known = new Map<string, Resource>();
  const queue = session.queue("resource-quota", (key, turn) => reconcile(turn, known, key));
  session.resourceQuotas.addIndex(NAMESPACE, ({ metadata }) => [metadata?.namespace ?? ""]);
  session.resourceQuotas.onChange(({ type, object, previous }) => {
    if (type === "deleted") return;
    if (!isEqual(object.spec?.hard, object.status?.hard) || !isEqual(object.spec, previous?.spec))
      queue.add(keyOf(object));
  });
  session.eachFollowed(
    ({ resource, informer }) => {
      if (!resource.namespaced) return;
      known.set(`${resource.resource}.${resource.group}`, resource);
      informer.onChange(({ type, object, previous }) => {
        if (type !== "deleted" && !hasEnded(resource, object, previous)) return;
        for (const quota of session.resourceQuotas.byIndex(NAMESPACE, object.metadata?.namespace ?? "")) {
          if (counts(quota, resource)) queue.addAfter(keyOf(quota), session.options.batchMs);
        }
      });
    },
    ({ resource }) => known.delete(`${resource.resource}.${resource.group}`),
  );
}

function counts({ spec }: ResourceQuota, of: GroupResource): boolean {
  return Object.keys(spec?.hard ?? {}).some((name) => isAmountOf(of, name));
}

/** A pod that has ended takes nothing any more. */
function hasEnded(of: GroupResource, object: KubernetesObject, previous: KubernetesObject | undefined): boolean {
  if (of.group !== "" || of.resource !== "pods") return false;
  return isTerminal(object as Pod) && (previous === undefined || !isTerminal(previous as Pod));
}

async function reconcile(session: Session, known: ReadonlyMap<string, Resource>, key: string): Promise<void> {
  const { client, ctx } = session;
  const [namespace = "", name = ""] = key.split("/");
  const quota = await client.find(resourceQuotas, name, namespace);
  if (quota === undefined) return;
  const counted: [GroupResource, readonly KubernetesObject[]][] = [];
  for (const resource of known.values()) {
    if (counts(quota, resource)) counted.push([resource, (await client.list(resource, { namespace })).items]);
  }
  const { hard = {} } = quota.spec ?? {};
  const isIn = (of: GroupResource, object: KubernetesObject): boolean => isInScopes(quota.spec, of, object);
  const used: Amounts = usedOf(Object.keys(hard), counted, isIn, ctx.clock.nowMs());
  if (isEqual(hard, quota.status?.hard) && isEqual(used, quota.status?.used)) return;
  try {
    await client.updateStatus(resourceQuotas, { ...quota, status: { hard, used } });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
