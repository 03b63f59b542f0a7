/**
 * ReplicaSet, and ReplicationController, which is one of another name: keeps the wanted number of pods, creates in growing batches,
 * deletes those that are missed least.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod, ReplicationController } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { controllerOf, controllerReference } from "../../../protocols/kubernetes/owners.ts";
import type { Informer } from "../../client/informer.ts";
import type { Resource } from "../../client/resources.ts";
import { apiVersionOf, replicaSets, replicationControllers } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { claimPods } from "../core/claims.ts";
import { Expectations } from "../core/expectations.ts";
import type { Failure } from "../core/replica-set.ts";
import { planReplicas, planStatus, podFromTemplate } from "../core/replica-set.ts";
import { asReplicaSet, statusOfController } from "../core/replication-controller.ts";
import { settleClaim } from "../claims.ts";
import { Limit, slowStart } from "../limit.ts";
import { followPods } from "../pod-owners.ts";
import { createPod, deletePod } from "../pod-writes.ts";
import type { Session } from "../session.ts";

/** A kind that keeps a number of pods, as a ReplicaSet does. */
interface Kind<T extends KubernetesObject> {
  readonly queue: string;
  readonly resource: Resource<T>;
  readonly owners: (session: Session) => Informer<T>;
  /** What it is as a ReplicaSet, and what its status is of that of one. */
  readonly view: (owner: T) => ReplicaSet;
  readonly withStatus: (owner: T, status: ReplicaSetStatus) => T;
}

export function replicaSetController(session: Session): void {
  new ReplicaSetController<ReplicaSet>(session, {
    queue: "replica-set",
    resource: replicaSets,
    owners: (of) => of.replicaSets,
    view: (set) => set,
    withStatus: (set, status) => ({ ...set, status }),
  }).register();
}

export function replicationController(session: Session): void {
  new ReplicaSetController<ReplicationController>(session, {
    queue: "replication-controller",
    resource: replicationControllers,
    owners: (of) => of.replicationControllers,
    view: asReplicaSet,
    withStatus: (controller, status) => ({ ...controller, status: statusOfController(status) }),
  }).register();
}

class ReplicaSetController<T extends KubernetesObject> {
  private readonly session: Session;
  private readonly kind: Kind<T>;
  private readonly queue: WorkQueue;
  private readonly expectations = new Expectations();
  private readonly limit: Limit;

  constructor(session: Session, kind: Kind<T>) {
    this.session = session;
    this.kind = kind;
    this.limit = new Limit(session.options.podWritesMax);
    this.queue = session.queue(kind.queue, (key, turn) => this.reconcile(key, turn));
  }

  register(): void {
    const { session, queue, expectations } = this;
    const { resource, owners, view } = this.kind;
    followPods(session, { kind: resource.kind, owners: owners(session), claimant: view, queue, expectations });
  }

  private async reconcile(key: string, session: Session): Promise<Result> {
    const { resource, owners, view, withStatus } = this.kind;
    const owner = owners(session).getByKey(key);
    if (owner === undefined) return;
    const replicaSet = view(owner);
    const fulfilled = this.expectations.fulfilled(key, session.ctx.clock.monotonicMs());
    const claim = claimPods(replicaSet, [
      ...session.pods.byIndex("controller", replicaSet.metadata?.uid ?? ""),
      ...session.pods.byIndex("controller", `orphan/${replicaSet.metadata?.namespace}`),
    ]);
    await settleClaim(session, claim, controllerReference(apiVersionOf(resource), resource.kind, replicaSet));
    const owned = [...claim.owned, ...claim.adopt];
    const failure = fulfilled ? await this.replicate(session, key, replicaSet, owned) : undefined;
    if (session.stopped) return;
    const epochMs = session.ctx.clock.nowMs();
    const plan = planStatus(replicaSet, owned, failure?.shown, { epochMs, text: formatTime(epochMs) });
    if (plan.status !== undefined) {
      await session.client.updateStatus(resource, withStatus(owner, plan.status));
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
      const pod = podFromTemplate(replicaSet, this.type);
      const { done, error } = await slowStart(plan.create, this.limit, () =>
        createPod(session, { ...this.type, ...replicaSet }, pod),
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
            deletePod(session, { ...this.type, ...replicaSet }, pod, (uid) => this.expectations.deleted(key, uid)),
          ),
        ),
      );
      const error = outcomes.find((outcome) => outcome !== undefined);
      if (error !== undefined) return { shown: { reason: "FailedDelete", message: error.message }, error };
    }
    return undefined;
  }

  private get type(): { readonly apiVersion: string; readonly kind: string } {
    return { apiVersion: apiVersionOf(this.kind.resource), kind: this.kind.resource.kind };
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
