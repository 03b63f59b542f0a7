/** Makes the claims that pods bring along, which go with their pods. @see k8s.io/kubernetes/pkg/controller/volume/ephemeral */
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { controllerReference, isControlledBy } from "../../../protocols/kubernetes/owners.ts";
import type { Pod, Volume } from "../../../protocols/kubernetes/types/core-v1.ts";
import { claimsOfPod } from "../../../protocols/kubernetes/volumes.ts";
import { keyOf, objectKey } from "../../client/core/store.ts";
import { persistentVolumeClaims } from "../../client/resources.ts";
import { isActive } from "../core/pods.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import type { Session } from "../session.ts";

export function ephemeralVolumeController(session: Session): void {
  const queue = session.queue("ephemeral-volume", (key, turn) => reconcile(turn, key));
  session.pods.onChange(({ type, object }) => {
    if (type !== "deleted" && hasOwn(object)) queue.add(keyOf(object));
  });
  session.claims.onChange(({ type, object }) => {
    if (type !== "deleted") return;
    for (const owner of object.metadata?.ownerReferences ?? []) {
      if (owner.kind === "Pod") queue.add(objectKey(owner.name, object.metadata?.namespace));
    }
  });
}

function hasOwn({ spec }: Pod): boolean {
  return (spec?.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
}

async function reconcile(session: Session, key: string): Promise<void> {
  const pod = session.pods.getByKey(key);
  if (pod === undefined || !isActive(pod)) return;
  for (const { volume: name, name: claim, isOwn } of claimsOfPod(pod)) {
    const volume = pod.spec?.volumes?.find((one) => one.name === name);
    if (isOwn && volume !== undefined) await provide(session, pod, volume, claim);
  }
}

async function provide(session: Session, pod: Pod, volume: Volume, name: string): Promise<void> {
  const { client, recorder } = session;
  const { namespace = "", uid } = pod.metadata ?? {};
  const fail = (what: string): void => {
    const told = { apiVersion: "v1", kind: "Pod", ...pod };
    recorder.event(told, "Warning", "FailedBinding", `ephemeral volume ${volume.name}: ${what}`);
  };
  // The local copy may lag, but not over whose it is.
  const found = session.claims.get(name, namespace) ?? (await client.find(persistentVolumeClaims, name, namespace));
  if (found !== undefined) {
    if (!isControlledBy(found, uid)) {
      const where = `${namespace}/${name} was not created for pod ${namespace}/${pod.metadata?.name ?? ""}`;
      fail(`PVC ${where} (pod is not owner)`);
    }
    return;
  }
  const { metadata = {}, spec = {} } = volume.ephemeral?.volumeClaimTemplate ?? {};
  const { labels, annotations } = metadata;
  try {
    await client.create(persistentVolumeClaims, {
      metadata: {
        name,
        namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controllerReference("v1", "Pod", pod)],
      },
      spec,
    });
  } catch (error) {
    if (!(error instanceof InkubeError) || hasReason(error, "AlreadyExists")) throw error;
    if (isNamespaceLeaving(error)) return;
    fail(`create PVC ${name}: ${error.message}`);
    throw error;
  }
}
