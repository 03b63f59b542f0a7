/** HorizontalPodAutoscaler: scales what makes pods by what the pods use. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { isEqual } from "../../../protocols/equality.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import { parseLabelSelector } from "../../../protocols/kubernetes/selectors.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
} from "../../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { PodMetrics } from "../../../protocols/kubernetes/types/metrics-v1beta1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { keyOf } from "../../client/core/store.ts";
import { apiVersionOf, horizontalPodAutoscalers, podMetrics } from "../../client/resources.ts";
import type { Resource } from "../../client/resources.ts";
import type { Result } from "../../client/work-queue.ts";
import type { Past } from "../core/autoscaling/limits.ts";
import { pastOf } from "../core/autoscaling/limits.ts";
import type { AutoscalerPlan } from "../core/autoscaling/plan.ts";
import { Conditions, planAutoscaling } from "../core/autoscaling/plan.ts";
import type { Session } from "../session.ts";

interface Scale extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

type Now = { readonly epochMs: number; readonly text: string };

/** What is kept of each autoscaler from one look to the next. */
interface Kept {
  readonly past: Past;
  /** Which pods its target has. */
  readonly selector: string;
}

export function horizontalPodAutoscalerController(session: Session): void {
  const kept = new Map<string, Kept>();
  const queue = session.queue("horizontal-pod-autoscaler", (key, turn) => reconcile(turn, kept, key));
  session.horizontalPodAutoscalers.onChange(({ type, object, previous }) => {
    const key = keyOf(object);
    if (type === "deleted") kept.delete(key);
    // Its own status changes at each look.
    else if (previous?.metadata?.generation !== object.metadata?.generation) queue.add(key);
  });
}

async function reconcile(session: Session, kept: Map<string, Kept>, key: string): Promise<Result> {
  const autoscaler = session.horizontalPodAutoscalers.getByKey(key);
  if (autoscaler === undefined || autoscaler.metadata?.deletionTimestamp !== undefined) return;
  const epochMs = session.ctx.clock.nowMs();
  const now = { epochMs, text: formatTime(epochMs) };
  await look(session, autoscaler, kept, key, now);
  return { afterMs: session.options.autoscalerPeriodMs };
}

async function look(
  session: Session,
  autoscaler: HorizontalPodAutoscaler,
  kept: Map<string, Kept>,
  key: string,
  now: Now,
): Promise<void> {
  const target = targetOf(session, autoscaler);
  const scale = typeof target === "string" ? target : await scaleOf(session, autoscaler, target);
  if (typeof target === "string" || typeof scale === "string") {
    const why = typeof target === "string" ? target : (scale as string);
    const message = `the HPA controller was unable to get the target's current scale: ${why}`;
    return await fail(session, autoscaler, now, "FailedGetScale", why, { type: "AbleToScale", message });
  }
  const { selector = "" } = scale.status ?? {};
  if (selector === "") {
    const message = "the HPA target's scale is missing a selector";
    const condition = { type: "ScalingActive", reason: "InvalidSelector", message };
    return await fail(session, autoscaler, now, "SelectorRequired", "selector is required", condition);
  }
  const replicas = scale.spec?.replicas ?? 0;
  const past = kept.get(key)?.past ?? pastOf(replicas, now.epochMs);
  kept.set(key, { past, selector });
  const namespace = autoscaler.metadata?.namespace ?? "";
  const matches = parseLabelSelector(selector);
  const pods = session.pods.byIndex("namespace", namespace).filter(({ metadata }) => matches.matches(metadata?.labels));
  const others = othersOf(namespace, pods, kept);
  if (others.length > 1) {
    const message = `pods by selector ${selector} are controlled by more than one HPA (e.g. [${others.join(" ")}])`;
    session.recorder.event(typed(autoscaler), "Warning", "AmbiguousSelector", message);
    const condition = { type: "ScalingActive", reason: "AmbiguousSelector", message };
    return await fail(session, autoscaler, now, "FailedComputeMetricsReplicas", message, condition);
  }
  const metrics = await metricsOf(session, namespace, selector);
  const plan = planAutoscaling(autoscaler, { replicas, pods, metrics }, past, now);
  kept.set(key, { past: plan.past, selector });
  for (const { type, reason, message } of plan.events) session.recorder.event(typed(autoscaler), type, reason, message);
  await carryOut(session, autoscaler, target, scale, plan, now);
  if (plan.replicas === undefined) return;
  const change = { atMs: now.epochMs, by: plan.replicas - replicas };
  kept.set(key, { past: { ...plan.past, changes: [...plan.past.changes, change] }, selector });
}

/** All whose targets have some of the pods. */
function othersOf(namespace: string, pods: readonly Pod[], kept: ReadonlyMap<string, Kept>): readonly string[] {
  const others: string[] = [];
  for (const [key, { selector }] of kept) {
    if (!key.startsWith(`${namespace}/`)) continue;
    const matches = parseLabelSelector(selector);
    if (pods.some(({ metadata }) => matches.matches(metadata?.labels))) others.push(key);
  }
  return others.sort(compareText);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Scales, and tells. */
async function carryOut(
  session: Session,
  autoscaler: HorizontalPodAutoscaler,
  target: Resource<Scale>,
  scale: Scale,
  plan: AutoscalerPlan,
  now: Now,
): Promise<void> {
  const { replicas, reason } = plan;
  let { status } = plan;
  if (replicas !== undefined) {
    const told = `New size: ${replicas}; reason: ${reason}`;
    const conditions = new Conditions({ ...autoscaler, status }, now.text);
    try {
      const wanted = { ...scale, spec: { ...scale.spec, replicas } };
      await session.client.update(target, wanted, { subresource: "scale" });
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      const message = `the HPA controller was unable to update the target scale: ${error.message}`;
      conditions.set("AbleToScale", false, "FailedUpdateScale", message);
      await put(session, autoscaler, { ...status, conditions: conditions.all });
      session.recorder.event(typed(autoscaler), "Warning", "FailedRescale", `${told}; error: ${error.message}`);
      throw error;
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    conditions.set("AbleToScale", true, "SucceededRescale", message);
    session.recorder.event(typed(autoscaler), "Normal", "SuccessfulRescale", told);
    const zero = replicas === 0 ? "scaled" : "did not scale";
    const zeroReason = replicas === 0 ? "ScaledToZero" : "NotScaledToZero";
    conditions.set("ScaledToZero", replicas === 0, zeroReason, `the HPA controller ${zero} the workload to zero`);
    status = { ...status, lastScaleTime: now.text, conditions: conditions.all };
  }
  await put(session, autoscaler, status);
}

async function put(
  { client }: Session,
  autoscaler: HorizontalPodAutoscaler,
  status: HorizontalPodAutoscalerStatus,
): Promise<void> {
  if (isEqual(status, autoscaler.status)) return;
  await client.updateStatus(horizontalPodAutoscalers, { ...autoscaler, status });
}

/** Nothing can be said of its target. `condition`: of the event's reason where it names none. */
async function fail(
  session: Session,
  autoscaler: HorizontalPodAutoscaler,
  now: Now,
  reason: string,
  why: string,
  condition: { readonly type: string; readonly reason?: string; readonly message: string },
): Promise<void> {
  const { type, message } = condition;
  const conditions = new Conditions(autoscaler, now.text).set(type, false, condition.reason ?? reason, message);
  session.recorder.event(typed(autoscaler), "Warning", reason, why);
  const { desiredReplicas = 0 } = autoscaler.status ?? {};
  await put(session, autoscaler, { ...autoscaler.status, desiredReplicas, conditions: conditions.all });
}

/** The resource of what is to be scaled, or why there is none. */
function targetOf({ customResources }: Session, { spec }: HorizontalPodAutoscaler): Resource<Scale> | string {
  const { kind = "", apiVersion = "" } = spec?.scaleTargetRef ?? {};
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const all: readonly Resource[] = [...RESOURCES, ...customResources];
  const ofGroup = all.filter((one) => one.group === group && one.kind === kind);
  const found = ofGroup.find((one) => one.version === version) ?? ofGroup[0];
  return found === undefined
    ? `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`
    : (found as Resource<Scale>);
}

async function scaleOf(
  { client }: Session,
  { metadata, spec }: HorizontalPodAutoscaler,
  target: Resource<Scale>,
): Promise<Scale | string> {
  try {
    return await client.get(target, spec?.scaleTargetRef.name ?? "", metadata?.namespace, "scale");
  } catch (error) {
    if (hasReason(error, "NotFound")) return error instanceof InkubeError ? error.message : apiVersionOf(target);
    throw error;
  }
}

async function metricsOf(
  { client }: Session,
  namespace: string,
  labelSelector: string,
): Promise<ReadonlyMap<string, PodMetrics>> {
  const { items } = await client.list(podMetrics, { namespace, labelSelector });
  return new Map(items.map((metrics) => [metrics.metadata?.name ?? "", metrics]));
}

function typed(autoscaler: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  return { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", ...autoscaler };
}
