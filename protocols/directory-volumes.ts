/**
 * The volumes that inkube makes itself: directories beside the data of the cluster, and so of no node. The controller-manager makes
 * their objects and takes them away, kubelets mount them.
 */
import type { PersistentVolume } from "./kubernetes/types/core-v1.ts";

/** Of storage classes. */
export const DIRECTORY_PROVISIONER = "inkube.io/directory";
/** Of volumes. The handle is the directory's name, so that volumes stay where a data directory is moved or copied. */
export const DIRECTORY_DRIVER = "directory.inkube.io";

/** A node with this label is on another machine than the directories. */
export const OUT_OF_REACH_LABEL = "directory.inkube.io/out-of-reach";

/** Names that can't lead anywhere else. */
const HANDLE = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** The directory's name; undefined for other volumes. */
export function directoryOf({ spec }: PersistentVolume): string | undefined {
  const { driver, volumeHandle } = spec?.csi ?? {};
  if (driver !== DIRECTORY_DRIVER || volumeHandle === undefined || volumeHandle.includes("..")) return undefined;
  return HANDLE.test(volumeHandle) ? volumeHandle : undefined;
}
