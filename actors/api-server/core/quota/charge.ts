/**
 * Admission by quotas: what a write takes of each, or the refusal. What is charged is written with the object in one transaction, so that
 * no two writes take the same.
 * @see k8s.io/apiserver/pkg/admission/plugin/resourcequota (CheckRequest); the words of refusals are Kubernetes'.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { canonicalQuantity, compareQuantities } from "../../../../protocols/kubernetes/quantity.ts";
import { isInScopes } from "../../../../protocols/kubernetes/quota/scopes.ts";
import type { Amounts, GroupResource } from "../../../../protocols/kubernetes/quota/usage.ts";
import { added, isAmountOf, subtracted, unsaid, usageOf } from "../../../../protocols/kubernetes/quota/usage.ts";
import type { Pod, ResourceQuota } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { forbidden } from "../machinery/status.ts";

export interface Charged {
  readonly of: GroupResource;
  readonly object: KubernetesObject;
  /** What an update replaces. */
  readonly old: KubernetesObject | undefined;
  readonly nowMs: number;
}

const NEW: readonly string[] = ["pods", "services", "persistentvolumeclaims"];

/** Whether quotas have a say: in what is made, and in changes of what counts for more than itself. */
export function isCharged(
  { group, resource }: GroupResource,
  isNew: boolean,
  subresource: string | undefined,
): boolean {
  if (isNew) return subresource === undefined;
  const isChange = subresource === undefined || (resource === "pods" && subresource === "resize");
  return group === "" && NEW.includes(resource) && isChange;
}

/** Whether the quota limits anything that objects of this kind have. */
export function limits({ spec }: ResourceQuota, of: GroupResource): boolean {
  return Object.keys(spec?.hard ?? {}).some((name) => isAmountOf(of, name));
}

/**
 * The quota with what the write takes of it; undefined where that is nothing.
 * @throws Status 403 when it is too much, when the object does not say how much it is, or nobody has counted yet
 */
export function charge(quota: ResourceQuota, write: Charged): ResourceQuota | undefined {
  const { of, object, old } = write;
  const isIn = isInScopes(quota.spec, of, object);
  const wasIn = old !== undefined && isInScopes(quota.spec, of, old);
  if (!isIn && !wasIn) return undefined;
  const { hard = {}, used = {} } = quota.status ?? {};
  const named = Object.keys(hard).filter((name) => isAmountOf(of, name));
  if (isIn && old === undefined) refuseUnsaid(quota, write, named);
  const uncounted = Object.keys(quota.spec?.hard ?? {}).filter(
    (name) => isAmountOf(of, name) && used[name] === undefined,
  );
  if (uncounted.length > 0) {
    const { name = "" } = quota.metadata ?? {};
    throw refused(write, `status unknown for quota: ${name}, resources: ${uncounted.sort().join()}`);
  }
  const delta = deltaOf(write, isIn, wasIn, named);
  if (Object.keys(delta).length === 0) return undefined;
  const sum = added(used, delta);
  const exceeded = Object.keys(delta).filter(
    (name) =>
      compareQuantities(delta[name] ?? "0", "0") > 0 && compareQuantities(sum[name] ?? "0", hard[name] ?? "0") > 0,
  );
  if (exceeded.length > 0) {
    const show = (amounts: Amounts): string =>
      exceeded
        .toSorted()
        .map((name) => `${name}=${canonicalQuantity(amounts[name] ?? "0") ?? "0"}`)
        .join();
    const { name = "" } = quota.metadata ?? {};
    throw refused(
      write,
      `exceeded quota: ${name}, requested: ${show(delta)}, used: ${show(used)}, limited: ${show(hard)}`,
    );
  }
  return { ...quota, status: { ...quota.status, used: sum } };
}

function refuseUnsaid(quota: ResourceQuota, write: Charged, named: readonly string[]): void {
  if (write.of.group !== "" || write.of.resource !== "pods") return;
  const problem = unsaid((write.object as Pod).spec, named);
  if (problem !== undefined) throw refused(write, `failed quota: ${quota.metadata?.name ?? ""}: ${problem}`);
}

/** Only what the quota has, and what is not nothing. */
function deltaOf(
  { of, object, old, nowMs }: Charged,
  isIn: boolean,
  wasIn: boolean,
  named: readonly string[],
): Amounts {
  const now = isIn ? usageOf(of, object, nowMs) : {};
  const before = wasIn && old !== undefined ? usageOf(of, old, nowMs) : {};
  const delta = subtracted(now, before);
  const changed = Object.entries(delta).filter(
    ([name, amount]) => named.includes(name) && compareQuantities(amount, "0") !== 0,
  );
  return Object.fromEntries(changed);
}

function refused({ of, object }: Charged, why: string): Error {
  return forbidden(of, object.metadata?.name ?? "", why);
}
