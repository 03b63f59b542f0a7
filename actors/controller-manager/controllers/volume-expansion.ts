/** Grows volumes whose claims ask for more. Admission has seen to it that their class allows it. */
import type { PersistentVolumeClaim } from "../../../protocols/kubernetes/types/core-v1.ts";
import { requestOf } from "../../../protocols/kubernetes/volumes.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { keyOf } from "../../client/core/store.ts";
import { persistentVolumeClaims, persistentVolumes } from "../../client/resources.ts";
import { begunStatus, finishedStatus, nextStep } from "../core/volumes/expansion.ts";
import type { Session } from "../session.ts";

export function volumeExpansionController(session: Session): void {
  const queue = session.queue("volume-expand", (key, turn) => reconcile(turn, key));
  const isUnfinished = (claim: PersistentVolumeClaim): boolean =>
    nextStep(claim, session.volumes.get(claim.spec?.volumeName ?? "")) !== "nothing";
  session.claims.onChange(({ type, object }) => {
    if (type !== "deleted" && isUnfinished(object)) queue.add(keyOf(object));
  });
  session.volumes.onChange(({ type, object }) => {
    if (type === "deleted") return;
    for (const claim of session.claims.byIndex("volume", object.metadata?.name ?? "")) {
      if (isUnfinished(claim)) queue.add(keyOf(claim));
    }
  });
}

async function reconcile(session: Session, key: string): Promise<void> {
  const claim = session.claims.getByKey(key);
  const volume = session.volumes.get(claim?.spec?.volumeName ?? "");
  if (claim === undefined || volume === undefined) return;
  const { client, recorder, ctx } = session;
  const tell = (reason: string, message: string): void =>
    recorder.event({ apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim }, "Normal", reason, message);
  switch (nextStep(claim, volume)) {
    case "nothing":
      return;
    case "tell":
      return tell("ExternalExpanding", "waiting for an external controller to expand this PVC");
    case "begin":
      tell("Resizing", `External resizer is resizing volume ${volume.metadata?.name ?? ""}`);
      await client.updateStatus(persistentVolumeClaims, {
        ...claim,
        status: begunStatus(claim, formatTime(ctx.clock.nowMs())),
      });
      return;
    case "grow-volume":
      await client.update(persistentVolumes, {
        ...volume,
        spec: { ...volume.spec, capacity: { ...volume.spec?.capacity, storage: requestOf(claim) } },
      });
      return;
    case "finish":
      await client.updateStatus(persistentVolumeClaims, { ...claim, status: finishedStatus(claim) });
      tell("VolumeResizeSuccessful", "Resize volume succeeded");
  }
}
