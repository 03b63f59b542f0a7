/** Carries out what a controller claims: orphans that match are taken in, and what matches no longer is let go. */
import type { OwnerReference } from "../../protocols/kubernetes/types/meta-v1.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { pods } from "../client/resources.ts";
import type { Claim } from "./core/claims.ts";
import type { Session } from "./session.ts";

/** @param owner the reference that its pods have */
export async function settleClaim(
  { client }: Session,
  { adopt, release }: Claim,
  owner: OwnerReference,
): Promise<void> {
  const put = async (pod: Pod, ownerReferences: readonly OwnerReference[]): Promise<void> => {
    await client.update(pods, { ...pod, metadata: { ...pod.metadata, ownerReferences } });
  };
  const others = ({ metadata }: Pod): readonly OwnerReference[] =>
    (metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid);
  for (const pod of adopt) await put(pod, [...others(pod), owner]);
  for (const pod of release) await put(pod, others(pod));
}
