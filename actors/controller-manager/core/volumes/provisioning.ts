/**
 * Volumes of the built-in provisioner: what is made for a claim, what is refused, when one goes.
 * @see sigs.k8s.io/sig-storage-lib-external-provisioner
 */
import {
  DIRECTORY_DRIVER,
  DIRECTORY_PROVISIONER,
  OUT_OF_REACH_LABEL,
} from "../../../../protocols/directory-volumes.ts";
import {
  classOf,
  modeOf,
  PROVISIONED_BY,
  requestOf,
  SELECTED_NODE,
  waitsForConsumer,
} from "../../../../protocols/kubernetes/volumes.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../protocols/kubernetes/types/storage-v1.ts";

/** Holds a volume until its directory is gone. */
export const DIRECTORY_FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer";
const ASKED = "volume.kubernetes.io/storage-provisioner";

/** Whether a volume is to be made for the claim now, of this class. */
export function isToProvision(
  { metadata, spec }: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
): storageClass is StorageClass {
  if (spec?.volumeName || metadata?.deletionTimestamp !== undefined) return false;
  if (storageClass?.provisioner !== DIRECTORY_PROVISIONER) return false;
  if (metadata?.annotations?.[ASKED] !== DIRECTORY_PROVISIONER) return false;
  return !waitsForConsumer(storageClass) || Boolean(metadata.annotations[SELECTED_NODE]);
}

/** Why there can be no directory for the claim; undefined where there can. */
export function refusal({ spec }: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  const [parameter] = Object.keys(storageClass.parameters ?? {});
  const [option] = storageClass.mountOptions ?? [];
  if (spec?.selector !== undefined) return "claim.spec.selector is not supported: a new volume has no labels";
  if (spec?.volumeMode === "Block") return "volumeMode Block is not supported: volumes are directories";
  if (spec?.dataSource !== undefined || spec?.dataSourceRef !== undefined) return "a data source is not supported";
  if (spec?.volumeAttributesClassName) return "a volume attributes class is not supported";
  if (parameter !== undefined) return `the storage class has an unknown parameter ${JSON.stringify(parameter)}`;
  if (option !== undefined) return `the mount option ${JSON.stringify(option)} is not supported`;
  return undefined;
}

/** Made twice it has one name. */
export function volumeFor(claim: PersistentVolumeClaim, storageClass: StorageClass): PersistentVolume {
  const { name = "", namespace = "", uid = "", resourceVersion = "" } = claim.metadata ?? {};
  const policy = storageClass.reclaimPolicy ?? "Delete";
  const own = `pvc-${uid}`;
  return {
    metadata: {
      name: own,
      annotations: { [PROVISIONED_BY]: DIRECTORY_PROVISIONER },
      ...(policy === "Delete" ? { finalizers: [DIRECTORY_FINALIZER] } : {}),
    },
    spec: {
      capacity: { storage: requestOf(claim) },
      csi: { driver: DIRECTORY_DRIVER, volumeHandle: own },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: OUT_OF_REACH_LABEL, operator: "DoesNotExist" }] }],
        },
      },
      accessModes: claim.spec?.accessModes ?? [],
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion },
      persistentVolumeReclaimPolicy: policy as "Delete" | "Retain",
      storageClassName: classOf(claim),
      volumeMode: modeOf(claim) as "Filesystem",
    },
  };
}

function isOurs({ metadata }: PersistentVolume): boolean {
  return metadata?.annotations?.[PROVISIONED_BY] === DIRECTORY_PROVISIONER;
}

/** Whether the volume goes, with all that is in it: nobody claims it any more. */
export function isToDelete(volume: PersistentVolume): boolean {
  const { spec, status } = volume;
  const isFree = status?.phase === "Released" || status?.phase === "Failed";
  return isOurs(volume) && isFree && spec?.persistentVolumeReclaimPolicy === "Delete";
}

/** Whether what held it for its directory's sake does so in vain: its user keeps the directory. */
export function isHeldInVain(volume: PersistentVolume): boolean {
  const isHeld = (volume.metadata?.finalizers ?? []).includes(DIRECTORY_FINALIZER);
  return isOurs(volume) && isHeld && volume.spec?.persistentVolumeReclaimPolicy !== "Delete";
}
