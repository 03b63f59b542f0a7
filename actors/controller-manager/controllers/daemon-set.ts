/** DaemonSet: keeps one pod on each node that it wants, and rolls them over from one template to the next. */
import type { InkubeError } from "../../../protocols/errors.ts";
import type { DaemonSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import { daemonSets } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { settleClaim } from "../claims.ts";
import { claimPods } from "../core/claims.ts";
import type { RevisionStyle } from "../core/controller-revisions.ts";
import { planTruncation, REVISION_LABEL } from "../core/controller-revisions.ts";
import { backoffKey, FailedPodBackoff } from "../core/daemon-set/backoff.ts";
import type { DaemonInput, DaemonPlan } from "../core/daemon-set/plan.ts";
import { planDaemonSet } from "../core/daemon-set/plan.ts";
import { daemonNodes, daemonPod } from "../core/daemon-set/pods.ts";
import { planDaemonStatus } from "../core/daemon-set/status.ts";
import { Expectations } from "../core/expectations.ts";
import { Limit, slowStart } from "../limit.ts";
import { followPods } from "../pod-owners.ts";
import { createPod, deletePod } from "../pod-writes.ts";
import type { History } from "../revision-history.ts";
import { settleHistory, truncateHistory } from "../revision-history.ts";
import type { Session } from "../session.ts";

const STYLE: RevisionStyle = { kind: "DaemonSet", hashLabel: REVISION_LABEL };

export function daemonSetController(session: Session): void {
  new DaemonSetController(session).register();
}

class DaemonSetController {
  private readonly session: Session;
  private readonly queue: WorkQueue;
  private readonly expectations = new Expectations();
  private readonly backoff = new FailedPodBackoff();
  private readonly limit: Limit;

  constructor(session: Session) {
    this.session = session;
    this.limit = new Limit(session.options.podWritesMax);
    this.queue = session.queue("daemon-set", (key, turn) => this.reconcile(key, turn));
  }

  register(): void {
    const { session, queue, expectations } = this;
    followPods(session, { kind: "DaemonSet", owners: session.daemonSets, claimant: (set) => set, queue, expectations });
    session.nodes.onChange(({ type, object, previous }) => {
      if (type === "modified" && previous !== undefined && asPlace(previous) === asPlace(object)) return;
      for (const set of session.daemonSets.list()) queue.addAfter(keyOf(set), session.options.batchMs);
    });
  }

  private async reconcile(key: string, session: Session): Promise<Result> {
    const set = session.daemonSets.getByKey(key);
    // Of one on its way out nobody can say which of its revisions are still there.
    if (set === undefined || set.metadata?.deletionTimestamp !== undefined) return;
    const history = await settleHistory(session, STYLE, set);
    if (history === undefined) return;
    const claim = claimPods(set, [
      ...session.pods.byIndex("controller", set.metadata?.uid ?? ""),
      ...session.pods.byIndex("controller", `orphan/${set.metadata?.namespace}`),
    ]);
    await settleClaim(session, claim, controllerReference("apps/v1", "DaemonSet", set));
    if (session.stopped) return;
    const { clock } = session.ctx;
    const input: DaemonInput = {
      set,
      nodes: daemonNodes(set, session.nodes.list()),
      pods: [...claim.owned, ...claim.adopt],
      hash: history.update.metadata?.labels?.[REVISION_LABEL] ?? history.update.metadata?.name ?? "",
      nowMs: clock.nowMs(),
      failedBackoffMs: (node) => this.backoff.leftMs(backoffKey(set, node), clock.monotonicMs()),
    };
    const isFulfilled = this.expectations.fulfilled(key, clock.monotonicMs());
    const plan = isFulfilled ? planDaemonSet(input) : undefined;
    const error = plan === undefined ? undefined : await this.carryOut(session, key, input, plan);
    if (isFulfilled && error === undefined) await truncateHistory(session, deadOf(input, history));
    const { status, recheckAfterMs } = planDaemonStatus(input, isFulfilled, history.collisions);
    if (status !== undefined) await session.client.updateStatus(daemonSets, { ...set, status });
    if (error !== undefined) throw error;
    const afterMs = Math.min(plan?.recheckAfterMs ?? Infinity, recheckAfterMs ?? Infinity);
    return afterMs === Infinity ? undefined : { afterMs };
  }

  private async carryOut(
    session: Session,
    key: string,
    { set, hash }: DaemonInput,
    plan: DaemonPlan,
  ): Promise<InkubeError | undefined> {
    const { clock } = session.ctx;
    const told: DaemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", ...set };
    for (const { pod, node } of plan.ended) this.tellEnd(session, told, pod, node);
    let failure: InkubeError | undefined;
    if (plan.create.length > 0) {
      this.expectations.expectCreations(key, plan.create.length, clock.monotonicMs());
      const nodes = plan.create.values();
      const { done, error } = await slowStart(plan.create.length, this.limit, () =>
        createPod(session, told, daemonPod(set, nodes.next().value ?? "", hash)),
      );
      // Those that failed or were not tried will never be seen.
      this.expectations.created(key, plan.create.length - done);
      failure = error;
    }
    if (plan.delete.length > 0) {
      const uids = plan.delete.map(({ metadata }) => metadata?.uid ?? "");
      this.expectations.expectDeletions(key, uids, clock.monotonicMs());
      const unseen = (uid: string): void => this.expectations.deleted(key, uid);
      const outcomes = await Promise.all(
        plan.delete.map((pod) => this.limit.run(() => deletePod(session, told, pod, unseen))),
      );
      failure ??= outcomes.find((outcome) => outcome !== undefined);
    }
    return failure;
  }

  private tellEnd({ recorder, ctx }: Session, told: DaemonSet, { metadata, status }: Pod, node: string): void {
    const name = `${metadata?.namespace}/${metadata?.name}`;
    if (status?.phase === "Succeeded") {
      const message = `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`;
      return recorder.event(told, "Normal", "SucceededDaemonPod", message);
    }
    this.backoff.next(backoffKey(told, node), ctx.clock.monotonicMs());
    const message = `Found failed daemon pod ${name} on node ${node}, will try to kill it`;
    return recorder.event(told, "Warning", "FailedDaemonPod", message);
  }
}

/** What of a node decides whether a pod belongs there. Its status does not. */
function asPlace({ metadata, spec }: Node): string {
  return JSON.stringify([metadata?.labels, spec?.taints, spec?.unschedulable]);
}

/** Revisions that pods are of count to the limit, and stay. */
function deadOf({ set, pods }: DaemonInput, { others }: History): History["others"] {
  const used = new Set(pods.map(({ metadata }) => metadata?.labels?.[REVISION_LABEL]));
  const isLive = ({ metadata }: History["update"]): boolean => used.has(metadata?.labels?.[REVISION_LABEL]);
  const limit = (set.spec?.revisionHistoryLimit ?? 10) - others.filter(isLive).length;
  return planTruncation(others, isLive, Math.max(0, limit));
}
