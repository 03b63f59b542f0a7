/** Makes volumes for claims of classes whose provisioner is `inkube.io/directory`, and takes them away with their directories. */
import { hasReason } from "../../../protocols/api-server.ts";
import { directoryOf } from "../../../protocols/directory-volumes.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../protocols/kubernetes/types/core-v1.ts";
import { classOf } from "../../../protocols/kubernetes/volumes.ts";
import { keyOf } from "../../client/core/store.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../client/resources.ts";
import type { ControllerManagerIo } from "../controller-manager-io.ts";
import {
  DIRECTORY_FINALIZER,
  isHeldInVain,
  isToDelete,
  isToProvision,
  refusal,
  volumeFor,
} from "../core/volumes/provisioning.ts";
import type { Session } from "../session.ts";

export function directoryProvisioner(io: ControllerManagerIo): (session: Session) => void {
  return (session) => {
    const claims = session.queue("directory-provisioner", (key, turn) => provision(turn, key));
    const volumes = session.queue("directory-deleter", (name, turn) => reclaim(turn, io, name));
    session.claims.onChange(({ type, object }) => {
      if (type !== "deleted" && isToProvision(object, session.storageClasses.get(classOf(object)))) {
        claims.add(keyOf(object));
      }
    });
    session.storageClasses.onChange(({ object }) => {
      for (const claim of session.claims.byIndex("waiting", object.metadata?.name ?? "")) {
        if (isToProvision(claim, object)) claims.add(keyOf(claim));
      }
    });
    session.volumes.onChange(({ type, object }) => {
      if (type !== "deleted" && (isToDelete(object) || isHeldInVain(object))) volumes.add(object.metadata?.name ?? "");
    });
  };
}

async function provision(session: Session, key: string): Promise<void> {
  const claim = session.claims.getByKey(key);
  if (claim === undefined) return;
  const storageClass = session.storageClasses.get(classOf(claim));
  if (!isToProvision(claim, storageClass)) return;
  const { recorder } = session;
  const told: PersistentVolumeClaim = { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim };
  const problem = refusal(claim, storageClass);
  if (problem !== undefined) {
    const message = `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata?.name)}: ${problem}`;
    recorder.event(told, "Warning", "ProvisioningFailed", message);
    return;
  }
  // A volume that outlives its claim is taken away by who sees that; one that is made after its claim had none to see it.
  const { name = "", namespace, uid } = claim.metadata ?? {};
  if ((await session.client.find(persistentVolumeClaims, name, namespace))?.metadata?.uid !== uid) return;
  try {
    const volume = await session.client.create(persistentVolumes, volumeFor(claim, storageClass));
    recorder.event(
      told,
      "Normal",
      "ProvisioningSucceeded",
      `Successfully provisioned volume ${volume.metadata?.name ?? ""}`,
    );
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
  }
}

async function reclaim(session: Session, io: ControllerManagerIo, name: string): Promise<void> {
  // What is deleted here does not come back: only the API's word counts.
  const volume = await session.client.find(persistentVolumes, name);
  if (volume === undefined || session.stopped) return;
  if (isHeldInVain(volume)) return letGo(session, volume);
  if (!isToDelete(volume) || (await isClaimed(session, volume))) return;
  try {
    const directory = directoryOf(volume);
    if (directory !== undefined) await io.volumes?.remove(directory);
  } catch (error) {
    if (!hasCode(error)) throw error;
    const told = { apiVersion: "v1", kind: "PersistentVolume", ...volume };
    session.recorder.event(told, "Warning", "VolumeFailedDelete", error.message);
    throw error;
  }
  try {
    const { uid = "" } = volume.metadata ?? {};
    await session.client.delete(persistentVolumes, name, undefined, { preconditions: { uid } });
  } catch (error) {
    if (!hasReason(error, "NotFound", "Conflict")) throw error;
    return;
  }
  const rest = await session.client.find(persistentVolumes, name);
  if (rest?.metadata?.uid === volume.metadata?.uid && rest !== undefined) await letGo(session, rest);
}

async function isClaimed({ client }: Session, { spec }: PersistentVolume): Promise<boolean> {
  const { name = "", namespace, uid } = spec?.claimRef ?? {};
  if (name === "") return false;
  return (await client.find(persistentVolumeClaims, name, namespace))?.metadata?.uid === uid;
}

async function letGo({ client }: Session, volume: PersistentVolume): Promise<void> {
  const { name = "", uid, resourceVersion, finalizers = [] } = volume.metadata ?? {};
  const left = finalizers.filter((other) => other !== DIRECTORY_FINALIZER);
  if (left.length === finalizers.length) return;
  try {
    await client.patch(persistentVolumes, name, undefined, { metadata: { uid, resourceVersion, finalizers: left } });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
