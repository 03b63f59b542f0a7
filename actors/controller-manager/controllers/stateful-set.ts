/** StatefulSet: pods with names, claims and an order of their own, rolled over from one template to the next. */
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ControllerRevision, StatefulSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { keyOf } from "../../client/core/store.ts";
import { persistentVolumeClaims, pods, statefulSets } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { settleClaim } from "../claims.ts";
import { claimPods } from "../core/claims.ts";
import type { RevisionStyle } from "../core/controller-revisions.ts";
import { planTruncation } from "../core/controller-revisions.ts";
import { Expectations } from "../core/expectations.ts";
import { ordinalOf, revisionOfPod } from "../core/stateful-set/identity.ts";
import type { StatefulInput, Step } from "../core/stateful-set/plan.ts";
import { planStatefulSet } from "../core/stateful-set/plan.ts";
import { Limit, slowStart } from "../limit.ts";
import { followPods } from "../pod-owners.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import type { History } from "../revision-history.ts";
import { settleHistory, truncateHistory } from "../revision-history.ts";
import type { Session } from "../session.ts";

const STYLE: RevisionStyle = { kind: "StatefulSet", hashLabel: "controller.kubernetes.io/hash" };

export function statefulSetController(session: Session): void {
  new StatefulSetController(session).register();
}

class StatefulSetController {
  private readonly session: Session;
  private readonly queue: WorkQueue;
  private readonly expectations = new Expectations();
  private readonly limit: Limit;

  constructor(session: Session) {
    this.session = session;
    this.limit = new Limit(session.options.podWritesMax);
    this.queue = session.queue("stateful-set", (key, turn) => this.reconcile(key, turn));
  }

  register(): void {
    const { session, queue, expectations } = this;
    followPods(session, {
      kind: "StatefulSet",
      owners: session.statefulSets,
      claimant: (set) => set,
      queue,
      expectations,
    });
    // A pod waits for a claim of its name that is on its way out.
    session.claims.onChange(({ type, object }) => {
      if (type !== "deleted") return;
      const { namespace = "", name = "" } = object.metadata ?? {};
      for (const set of session.statefulSets.byIndex("namespace", namespace)) {
        const templates = set.spec?.volumeClaimTemplates ?? [];
        const isOurs = templates.some(({ metadata }) => name.startsWith(`${metadata?.name}-${set.metadata?.name}-`));
        if (isOurs) queue.add(keyOf(set));
      }
    });
  }

  private async reconcile(key: string, session: Session): Promise<Result> {
    const set = session.statefulSets.getByKey(key);
    if (set === undefined) return;
    const claim = claimPods(set, candidatesOf(session, set));
    await settleClaim(session, claim, controllerReference("apps/v1", "StatefulSet", set));
    const history = await settleHistory(session, STYLE, set);
    if (history === undefined || session.stopped) return;
    const { clock } = session.ctx;
    const { update } = history;
    const input: StatefulInput = {
      set,
      pods: [...claim.owned, ...claim.adopt],
      current: history.others.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? update,
      update,
      claim: (name) => session.claims.get(name, set.metadata?.namespace),
      nowMs: clock.nowMs(),
    };
    const isHeld = !this.expectations.fulfilled(key, clock.monotonicMs());
    const plan = planStatefulSet(input, history.collisions, isHeld);
    const error = await this.carryOut(session, key, set, plan.stages);
    if (plan.status !== undefined) {
      await session.client.updateStatus(statefulSets, { ...set, status: plan.status });
    }
    if (error !== undefined) throw error;
    await truncateHistory(session, deadOf(input, history));
    return plan.recheckAfterMs === undefined ? undefined : { afterMs: plan.recheckAfterMs };
  }

  private async carryOut(
    session: Session,
    key: string,
    set: StatefulSet,
    stages: readonly (readonly Step[])[],
  ): Promise<InkubeError | undefined> {
    const told: StatefulSet = { apiVersion: "apps/v1", kind: "StatefulSet", ...set };
    for (const stage of stages) {
      const steps = stage.values();
      const { error } = await slowStart(stage.length, this.limit, async () => {
        const { value: step } = steps.next();
        return step === undefined ? undefined : this.take(session, key, told, step);
      });
      if (error !== undefined) return error;
    }
    return undefined;
  }

  private async take(session: Session, key: string, told: StatefulSet, step: Step): Promise<InkubeError | undefined> {
    const { client } = session;
    const nowMs = session.ctx.clock.monotonicMs();
    const { name = "", namespace, uid = "" } = step.pod.metadata ?? {};
    try {
      for (const claim of step.claims) await createClaim(session, told, step.pod, claim);
      for (const claim of step.owned) await client.update(persistentVolumeClaims, claim);
      if (step.blockedBy !== undefined) {
        throw new InkubeError("UNAVAILABLE", `pvc ${step.blockedBy} is being deleted`, { retryable: true });
      }
      switch (step.verb) {
        case "none":
          return undefined;
        case "create":
          this.expectations.expectCreations(key, 1, nowMs);
          await client.create(pods, step.pod);
          break;
        case "update":
          await client.update(pods, step.pod);
          break;
        case "delete":
          this.expectations.expectDeletions(key, [uid], nowMs);
          await client.delete(pods, name, namespace, { preconditions: { uid } });
          break;
      }
      this.tell(session, told, step, undefined);
      return undefined;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (step.verb === "delete") this.expectations.deleted(key, uid);
      if (step.verb === "create" && step.blockedBy === undefined) this.expectations.created(key);
      if (step.verb === "delete" && hasReason(error, "NotFound", "Conflict")) return undefined;
      // Where the local copy lags, the next look knows more.
      const lags =
        (step.verb === "create" && hasReason(error, "AlreadyExists")) ||
        (step.verb === "update" && hasReason(error, "Conflict"));
      if (!lags && !isNamespaceLeaving(error)) this.tell(session, told, step, error);
      return error;
    }
  }

  /** @see recordPodEvent in k8s.io/kubernetes/pkg/controller/statefulset */
  private tell({ recorder }: Session, told: StatefulSet, { verb, pod }: Step, error: InkubeError | undefined): void {
    if (verb === "none") return;
    const done = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
    const what = `${done} Pod ${pod.metadata?.name} in StatefulSet ${told.metadata?.name}`;
    if (error === undefined) recorder.event(told, "Normal", `Successful${done}`, `${what} successful`);
    else recorder.event(told, "Warning", `Failed${done}`, `${what} failed error: ${error.message}`);
  }
}

/** Pods that are the set's or nobody's, and that have names of its own. */
function candidatesOf(session: Session, set: StatefulSet): readonly Pod[] {
  return [set.metadata?.uid ?? "", `orphan/${set.metadata?.namespace}`]
    .flatMap((key) => session.pods.byIndex("controller", key))
    .filter((pod) => ordinalOf(set, pod) !== undefined);
}

async function createClaim(
  { client, recorder }: Session,
  told: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
): Promise<void> {
  const where = `Pod ${pod.metadata?.name} in StatefulSet ${told.metadata?.name}`;
  const name = claim.metadata?.name ?? "";
  try {
    await client.create(persistentVolumeClaims, claim);
    recorder.event(told, "Normal", "SuccessfulCreate", `Create Claim ${name} ${where} success`);
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
    if (!hasReason(error, "AlreadyExists")) {
      recorder.event(
        told,
        "Warning",
        "FailedCreate",
        `Create Claim ${name} for ${where} failed error: ${error.message}`,
      );
    }
    const { code, retryable, details } = error;
    throw new InkubeError(code, `failed to create PVC ${name}: ${error.message}`, { retryable, details, cause: error });
  }
}

/** Revisions that pods are of, and the one that they came from, stay whatever the limit. */
function deadOf({ set, pods: members, current }: StatefulInput, { others }: History): readonly ControllerRevision[] {
  const live = new Set([current.metadata?.name, ...members.map(revisionOfPod)]);
  const isLive = ({ metadata }: ControllerRevision): boolean => live.has(metadata?.name);
  return planTruncation(others, isLive, set.spec?.revisionHistoryLimit ?? 10);
}
