/** ReplicaSet: keeps the wanted number of pods, creates in growing batches, deletes those that are missed least. */
import { hasReason, statusOf } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ReplicaSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import { controllerOf, controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import type { Change } from "../../client/informer.ts";
import { pods, replicaSets } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { claimPods } from "../core/claims.ts";
import { Expectations } from "../core/expectations.ts";
import { isTerminating } from "../core/pods.ts";
import type { Failure } from "../core/replica-set.ts";
import { planReplicas, planStatus, podFromTemplate } from "../core/replica-set.ts";
import { settleClaim } from "../claims.ts";
import { Limit, slowStart } from "../limit.ts";
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
    const { session } = this;
    session.replicaSets.onChange(({ type, object }) => {
      if (type === "deleted") this.expectations.forget(keyOf(object));
      this.queue.add(keyOf(object));
    });
    session.pods.onChange((change) => this.onPod(change));
  }

  private onPod(change: Change<Pod>): void {
    const pod = change.object;
    const key = this.ownerKey(pod);
    const before = change.previous === undefined ? undefined : this.ownerKey(change.previous);
    if (before !== undefined && before !== key) this.queue.add(before);
    if (key === undefined) {
      if (change.type !== "deleted") this.onOrphan(pod);
      return;
    }
    if (change.type === "added") this.expectations.created(key);
    const gone = change.type === "deleted" || isTerminating(pod);
    if (gone) this.expectations.deleted(key, pod.metadata?.uid ?? "");
    const wasGone = change.previous !== undefined && isTerminating(change.previous);
    if (gone && !wasGone) this.queue.add(key);
    else this.queue.addAfter(key, this.session.options.batchMs);
  }

  private ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    return owner?.kind === "ReplicaSet" ? `${pod.metadata?.namespace}/${owner.name}` : undefined;
  }

  /** A pod without a controller may belong to any ReplicaSet whose selector it matches. */
  private onOrphan(pod: Pod): void {
    if (controllerOf(pod) !== undefined || pod.metadata?.labels === undefined) return;
    for (const set of this.session.replicaSets.byIndex("namespace", pod.metadata.namespace ?? "")) {
      if (compileSelectorObject(set.spec?.selector).matches(pod.metadata.labels)) this.queue.add(keyOf(set));
    }
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
      const { done, error } = await slowStart(plan.create, this.limit, () => this.create(session, replicaSet, pod));
      // Those that failed or were not tried will never be seen.
      this.expectations.created(key, plan.create - done);
      if (error !== undefined) return { shown: { reason: "FailedCreate", message: error.message }, error };
    }
    if (plan.delete.length > 0) {
      const uids = plan.delete.map((pod) => pod.metadata?.uid ?? "");
      this.expectations.expectDeletions(key, uids, clock.monotonicMs());
      const outcomes = await Promise.all(
        plan.delete.map((pod) => this.limit.run(() => this.delete(session, key, replicaSet, pod))),
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

  private async create(
    { client, recorder }: Session,
    replicaSet: ReplicaSet,
    pod: Pod,
  ): Promise<InkubeError | undefined> {
    try {
      const created = await client.create(pods, pod);
      recorder.event(typed(replicaSet), "Normal", "SuccessfulCreate", `Created pod: ${created.metadata?.name}`);
      return undefined;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // A namespace that is being deleted takes nothing new: there is nothing to tell.
      const causes = statusOf(error)?.details?.causes ?? [];
      const leaving = hasReason(error, "NotFound") || causes.some(({ reason }) => reason === "NamespaceTerminating");
      if (!leaving) {
        recorder.event(typed(replicaSet), "Warning", "FailedCreate", `Error creating: ${error.message}`);
      }
      return error;
    }
  }

  private async delete(
    { client, recorder }: Session,
    key: string,
    replicaSet: ReplicaSet,
    pod: Pod,
  ): Promise<InkubeError | undefined> {
    const { name = "", namespace, uid = "" } = pod.metadata ?? {};
    try {
      await client.delete(pods, name, namespace, { preconditions: { uid } });
      recorder.event(typed(replicaSet), "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.expectations.deleted(key, uid);
      if (hasReason(error, "NotFound", "Conflict")) return undefined;
      recorder.event(typed(replicaSet), "Warning", "FailedDelete", `Error deleting: ${error.message}`);
      return error;
    }
    return undefined;
  }
}

function typed(replicaSet: ReplicaSet): ReplicaSet {
  return { apiVersion: "apps/v1", kind: "ReplicaSet", ...replicaSet };
}
