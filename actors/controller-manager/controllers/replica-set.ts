/** ReplicaSet: keeps the wanted number of pods, creates in growing batches, deletes those that are missed least. */
import type { InkubeError } from "../../../protocols/errors.ts";
import type { ReplicaSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { controllerOf, controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { replicaSets } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { claimPods } from "../core/claims.ts";
import { Expectations } from "../core/expectations.ts";
import type { Failure } from "../core/replica-set.ts";
import { planReplicas, planStatus, podFromTemplate } from "../core/replica-set.ts";
import { settleClaim } from "../claims.ts";
import { Limit, slowStart } from "../limit.ts";
import { followPods } from "../pod-owners.ts";
import { createPod, deletePod } from "../pod-writes.ts";
import type { Session } from "../session.ts";

export function replicaSetController(session: Session): void {
  new ReplicaSetController(session).register();
}

class ReplicaSetController {
  private readonly session: Session;
  private readonly queue: WorkQueue;
  private readonly expectations = new Expectations();
  private readonly limit: Limit;

  constructor(session: Session) {
    this.session = session;
    this.limit = new Limit(session.options.podWritesMax);
    this.queue = session.queue("replica-set", (key, turn) => this.reconcile(key, turn));
  }

  register(): void {
    const { session, queue, expectations } = this;
    followPods(session, { kind: "ReplicaSet", owners: session.replicaSets, queue, expectations });
  }

  private async reconcile(key: string, session: Session): Promise<Result> {
    const replicaSet = session.replicaSets.getByKey(key);
    if (replicaSet === undefined) return;
    const fulfilled = this.expectations.fulfilled(key, session.ctx.clock.monotonicMs());
    const claim = claimPods(replicaSet, [
      ...session.pods.byIndex("controller", replicaSet.metadata?.uid ?? ""),
      ...session.pods.byIndex("controller", `orphan/${replicaSet.metadata?.namespace}`),
    ]);
    await settleClaim(session, claim, controllerReference("apps/v1", "ReplicaSet", replicaSet));
    const owned = [...claim.owned, ...claim.adopt];
    const failure = fulfilled ? await this.replicate(session, key, replicaSet, owned) : undefined;
    if (session.stopped) return;
    const epochMs = session.ctx.clock.nowMs();
    const plan = planStatus(replicaSet, owned, failure?.shown, { epochMs, text: formatTime(epochMs) });
    if (plan.status !== undefined) {
      await session.client.updateStatus(replicaSets, { ...replicaSet, status: plan.status });
    }
    if (failure !== undefined) throw failure.error;
    return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
  }

  private async replicate(
    session: Session,
    key: string,
    replicaSet: ReplicaSet,
    owned: readonly Pod[],
  ): Promise<{ readonly shown: Failure; readonly error: InkubeError } | undefined> {
    const { clock } = session.ctx;
    const plan = planReplicas(replicaSet, owned, this.related(replicaSet, owned), clock.nowMs());
    if (plan.create > 0) {
      this.expectations.expectCreations(key, plan.create, clock.monotonicMs());
      const pod = podFromTemplate(replicaSet);
      const { done, error } = await slowStart(plan.create, this.limit, () =>
        createPod(session, typed(replicaSet), pod),
      );
      // Those that failed or were not tried will never be seen.
      this.expectations.created(key, plan.create - done);
      if (error !== undefined) return { shown: { reason: "FailedCreate", message: error.message }, error };
    }
    if (plan.delete.length > 0) {
      const uids = plan.delete.map((pod) => pod.metadata?.uid ?? "");
      this.expectations.expectDeletions(key, uids, clock.monotonicMs());
      const outcomes = await Promise.all(
        plan.delete.map((pod) =>
          this.limit.run(() =>
            deletePod(session, typed(replicaSet), pod, (uid) => this.expectations.deleted(key, uid)),
          ),
        ),
      );
      const error = outcomes.find((outcome) => outcome !== undefined);
      if (error !== undefined) return { shown: { reason: "FailedDelete", message: error.message }, error };
    }
    return undefined;
  }

  /** Pods of all ReplicaSets of the same Deployment: where two of them share a node, one is missed less. */
  private related(replicaSet: ReplicaSet, owned: readonly Pod[]): readonly Pod[] {
    const owner = controllerOf(replicaSet);
    if (owner === undefined) return owned;
    return this.session.replicaSets
      .byIndex("controller", owner.uid)
      .flatMap((sibling) => this.session.pods.byIndex("controller", sibling.metadata?.uid ?? ""));
  }
}

function typed(replicaSet: ReplicaSet): ReplicaSet {
  return { apiVersion: "apps/v1", kind: "ReplicaSet", ...replicaSet };
}
