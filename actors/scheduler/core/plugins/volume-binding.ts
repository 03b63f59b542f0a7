import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Plugin } from "../framework.ts";

const NAME = "VolumeBinding";

/** A pod waits for its claims, and no node can help it. Claims are bound by nobody yet, so that every one is missing. */
export const volumeBinding: Plugin = {
  name: NAME,
  preFilter(_state, { pod }) {
    const missing = missingClaim(pod);
    if (missing === undefined) return "skip";
    return { rejection: { plugin: NAME, reasons: [missing], unresolvable: true } };
  },
};

/** The first claim that the pod waits for, in the words of Kubernetes' plugin of this name. */
function missingClaim(pod: Pod): string | undefined {
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec?.volumes ?? []) {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod.metadata?.name ?? ""}-${name}` : undefined);
    if (claim === undefined) continue;
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(claim)}`
      : `persistentvolumeclaim ${JSON.stringify(claim)} not found`;
  }
  return undefined;
}
