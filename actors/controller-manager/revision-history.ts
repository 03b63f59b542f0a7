/** Keeps the ControllerRevisions of a StatefulSet or DaemonSet: one for its template, numbered, and as many old ones as it wants. */
import { hasReason } from "../../protocols/api-server.ts";
import { controllerReference, isControlledBy } from "../../protocols/kubernetes/owners.ts";
import type { ControllerRevision } from "../../protocols/kubernetes/types/apps-v1.ts";
import { controllerRevisions } from "../client/resources.ts";
import { settleClaimOf } from "./claims.ts";
import { claimObjects } from "./core/claims.ts";
import type { Revised, RevisionStyle } from "./core/controller-revisions.ts";
import { newRevision, planHistory, sameData } from "./core/controller-revisions.ts";
import type { Session } from "./session.ts";

export interface History {
  /** Of what the owner is now. */
  readonly update: ControllerRevision;
  /** The oldest first. */
  readonly others: readonly ControllerRevision[];
  /** How often a name was taken by something else. */
  readonly collisions: number;
}

/** Names tried in one go for a revision whose names are taken; then the key comes again. */
const TRIES_MAX = 8;

/** Undefined of an owner on its way out whose revision is gone already: it gets no other. */
export async function settleHistory(
  session: Session,
  style: RevisionStyle,
  owner: Revised,
): Promise<History | undefined> {
  const { uid = "", namespace, deletionTimestamp } = owner.metadata ?? {};
  const revisions = session.controllerRevisions;
  const candidates = [uid, `orphan/${namespace}`].flatMap((key) => revisions.byIndex("controller", key));
  const claim = claimObjects(owner, candidates, () => true);
  await settleClaimOf(session, controllerRevisions, claim, controllerReference("apps/v1", style.kind, owner));
  const { update, revision, others } = planHistory(owner, [...claim.owned, ...claim.adopt]);
  const collisions = owner.status?.collisionCount ?? 0;
  if (deletionTimestamp !== undefined) return update === undefined ? undefined : { update, others, collisions };
  if (update === undefined) return { ...(await create(session, style, owner, revision, collisions)), others };
  if (update.revision === revision) return { update, others, collisions };
  // An adopted one has changed since it was looked at: only its number counts.
  const { name = "" } = update.metadata ?? {};
  return {
    update: await session.client.patch(controllerRevisions, name, namespace, {
      metadata: { uid: update.metadata?.uid },
      revision,
    }),
    others,
    collisions,
  };
}

export async function truncateHistory(session: Session, dead: readonly ControllerRevision[]): Promise<void> {
  for (const { metadata } of dead) {
    try {
      await session.client.delete(controllerRevisions, metadata?.name ?? "", metadata?.namespace);
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
  }
}

/** A name that is taken by the same is what was asked for; by something else, another name is tried. */
async function create(
  session: Session,
  style: RevisionStyle,
  owner: Revised,
  number: number,
  before: number,
): Promise<{ readonly update: ControllerRevision; readonly collisions: number }> {
  for (let collisions = before; ; collisions++) {
    const revision = newRevision(style, owner, number, collisions);
    const { name = "", namespace } = revision.metadata ?? {};
    try {
      return { update: await session.client.create(controllerRevisions, revision), collisions };
    } catch (error) {
      if (!hasReason(error, "AlreadyExists") || collisions >= before + TRIES_MAX) throw error;
      const present = await session.client.find(controllerRevisions, name, namespace);
      const isOurs =
        present !== undefined && isControlledBy(present, owner.metadata?.uid) && sameData(present.data, revision.data);
      if (isOurs) return { update: present, collisions };
    }
  }
}
