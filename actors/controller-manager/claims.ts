/** Carries out what a controller claims: orphans that match are taken in, and what matches no longer is let go. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { OwnerReference } from "../../protocols/kubernetes/types/meta-v1.ts";
import type { Resource } from "../client/resources.ts";
import { pods } from "../client/resources.ts";
import type { Claim } from "./core/claims.ts";
import type { Session } from "./session.ts";

/** @param owner the reference that its pods have */
export function settleClaim(session: Session, claim: Claim, owner: OwnerReference): Promise<void> {
  return settleClaimOf(session, pods, claim, owner);
}

export async function settleClaimOf<T extends KubernetesObject>(
  { client }: Session,
  resource: Resource<T>,
  { adopt, release }: Claim<T>,
  owner: OwnerReference,
): Promise<void> {
  const put = async (object: T, ownerReferences: readonly OwnerReference[]): Promise<void> => {
    await client.update(resource, { ...object, metadata: { ...object.metadata, ownerReferences } });
  };
  const others = ({ metadata }: T): readonly OwnerReference[] =>
    (metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid);
  for (const object of adopt) await put(object, [...others(object), owner]);
  for (const object of release) await put(object, others(object));
}
