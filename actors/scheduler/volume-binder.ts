/** Carries out what was decided of a pod's claims, before the pod is bound. */
import { InkubeError } from "../../protocols/errors.ts";
import { annotated, boundVolume, SELECTED_NODE } from "../../protocols/kubernetes/volumes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import { keyOf } from "../client/core/store.ts";
import { persistentVolumeClaims, persistentVolumes } from "../client/resources.ts";
import type { BindingPlugin } from "./binding-plugin.ts";
import { decidedOf, volumeBinding } from "./core/plugins/volume-binding.ts";
import type { VolumeBindings, VolumeObjects } from "./core/volumes/volume-objects.ts";

/** How long a provisioner may take where the configuration does not say. As in Kubernetes. */
const BIND_TIMEOUT_SECONDS = 600;

/** `VolumeBinding` with its `preBind`. */
export function volumeBinder(client: Client, clock: Clock, args: Readonly<Record<string, unknown>>): BindingPlugin {
  const seconds = args["bindTimeoutSeconds"];
  const timeoutMs = (typeof seconds === "number" ? seconds : BIND_TIMEOUT_SECONDS) * 1_000;
  return {
    ...volumeBinding,
    async preBind(state, _pod, node) {
      const decided = decidedOf(state, node);
      if (decided === undefined) return undefined;
      const { objects, bindings } = decided;
      await write(client, objects, bindings, node);
      await settled(clock, objects, bindings, node, timeoutMs);
      return undefined;
    },
  };
}

async function write(client: Client, objects: VolumeObjects, bindings: VolumeBindings, node: string): Promise<void> {
  for (const { claim, volume } of bindings.bind) {
    const given = boundVolume(volume, claim);
    if (given !== undefined) await client.update(persistentVolumes, given);
  }
  for (const claim of bindings.provision) {
    if (claim.metadata?.annotations?.[SELECTED_NODE] === node) continue;
    const metadata = annotated(claim.metadata, { [SELECTED_NODE]: node });
    const asked = await client.update(persistentVolumeClaims, { ...claim, metadata });
    // Its notification may be late, and is not to be taken for a choice that was taken away.
    objects.setClaim(keyOf(asked), asked);
  }
}

/** Errors: VOLUME_BINDING when the claims can't be bound, or not in time. */
function settled(
  clock: Clock,
  objects: VolumeObjects,
  bindings: VolumeBindings,
  node: string,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (problem?: string): void => {
      stop();
      timer.cancel();
      if (problem === undefined) resolve();
      else reject(new InkubeError("VOLUME_BINDING", `binding volumes: ${problem}`, { retryable: true }));
    };
    const look = (): void => {
      const outcome = objects.outcome(bindings, node);
      if (outcome !== undefined) end(outcome === true ? undefined : outcome);
    };
    const stop = objects.onChange(look);
    const timer = clock.after(timeoutMs, () => end("context deadline exceeded"));
    look();
  });
}
