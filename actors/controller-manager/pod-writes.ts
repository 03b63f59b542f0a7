/** Pods that are made and deleted for an owner, each told by an event of the owner. @see RealPodControl in k8s.io/kubernetes/pkg/controller */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { pods } from "../client/resources.ts";
import type { Session } from "./session.ts";

/** @param owner with its `apiVersion` and `kind` */
export async function createPod(
  { client, recorder }: Session,
  owner: KubernetesObject,
  pod: Pod,
): Promise<InkubeError | undefined> {
  try {
    const created = await client.create(pods, pod);
    recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata?.name}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    if (!isNamespaceLeaving(error)) {
      recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${error.message}`);
    }
    return error;
  }
}

/**
 * A pod that is gone already, or another of its name, is no error. `onUnseen`: no informer will show a deletion. `first`: what goes before it,
 * and fails as it does.
 *
 * @param owner with its `apiVersion` and `kind`
 */
export async function deletePod(
  { client, recorder }: Session,
  owner: KubernetesObject,
  pod: Pod,
  onUnseen: (uid: string) => void,
  first?: () => Promise<void>,
): Promise<InkubeError | undefined> {
  const { name = "", namespace, uid = "" } = pod.metadata ?? {};
  try {
    await first?.();
    await client.delete(pods, name, namespace, { preconditions: { uid } });
    recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    onUnseen(uid);
    if (hasReason(error, "NotFound", "Conflict")) return undefined;
    recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${error.message}`);
    return error;
  }
  return undefined;
}

/** A namespace that is being deleted takes nothing new: there is nothing to tell. */
export function isNamespaceLeaving(error: InkubeError): boolean {
  const causes = statusOf(error)?.details?.causes ?? [];
  return hasReason(error, "NotFound") || causes.some(({ reason }) => reason === "NamespaceTerminating");
}
