/**
 * ComponentStatuses: how the members of etcd, the scheduler and the controller-manager are, made when somebody reads it.
 * Source: Kubernetes `pkg/registry/core/componentstatus`, `pkg/printers`.
 */
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";
import type { ComponentStatus } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { nameOf } from "../../machinery/cells.ts";
import { parseTimeMs } from "../../machinery/time.ts";
import type { KindRules } from "../rules.ts";

/** What is known of one of them; "" where there is nothing to say. */
export interface Health {
  readonly healthy: boolean;
  readonly message: string;
  /** Why it can't be asked. */
  readonly error: string;
}

const WELL: Health = { healthy: true, message: "ok", error: "" };
const MS_PER_SECOND = 1_000;

export const componentStatusRules: KindRules = {
  live: "health",
  deprecated: "v1 ComponentStatus is deprecated in v1.19+",
  cells,
};

export function componentStatus(name: string, { healthy, message, error }: Health): ComponentStatus {
  const condition = {
    type: "Healthy",
    status: healthy ? "True" : "False",
    ...(message === "" ? {} : { message }),
    ...(error === "" ? {} : { error }),
  };
  return { kind: "ComponentStatus", apiVersion: "v1", metadata: { name }, conditions: [condition] };
}

/**
 * A member of etcd that has asked a quorum for us.
 * @param troubles what it says is wrong with itself
 */
export function healthOfMember(troubles: readonly string[]): Health {
  return troubles.length === 0 ? WELL : { healthy: false, message: troubles.join("; "), error: "" };
}

export function unasked(error: string): Health {
  return { healthy: false, message: "", error };
}

/**
 * Whoever leads renews its Lease. kube-apiserver asks a port at which ours do not listen.
 * @param key namespace and name of the Lease
 */
export function healthOfLeader(key: string, lease: Lease | undefined, nowMs: number): Health {
  const { holderIdentity, renewTime, leaseDurationSeconds = 0 } = lease?.spec ?? {};
  const failed = (message: string): Health => ({ healthy: false, message, error: "" });
  if (!holderIdentity || renewTime === undefined) return failed(`nobody holds the Lease ${key}`);
  const untilMs = (parseTimeMs(renewTime) ?? 0) + leaseDurationSeconds * MS_PER_SECOND;
  return nowMs < untilMs ? WELL : failed(`${holderIdentity} has not renewed the Lease ${key} since ${renewTime}`);
}

function cells(object: ComponentStatus): readonly Cell[] {
  const condition = object.conditions?.find(({ type }) => type === "Healthy");
  const { status, message = "", error = "" } = condition ?? {};
  const word = status === undefined ? "Unknown" : status === "True" ? "Healthy" : "Unhealthy";
  return [nameOf(object), word, message, error];
}
