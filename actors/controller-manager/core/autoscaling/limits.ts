/**
 * How far and how fast a number of replicas may change.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
import type {
  HPAScalingRules,
  HorizontalPodAutoscalerSpec,
} from "../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import { quantityMilli } from "../../../../protocols/kubernetes/quantity.ts";
import type { Tolerance } from "./calculator.ts";

/** So long the highest number that was asked for is kept, where the rules name no time; of Kubernetes. */
const STABILIZATION_DOWN_MS = 300_000;
const TOLERANCE = 0.1;
/** Without rules of its own, it grows to twice its size in one step, or to this. */
const GROWTH_MIN = 4;

/** What was asked for, and what was done, of late. */
export interface Past {
  readonly recommendations: readonly { readonly atMs: number; readonly replicas: number }[];
  /** By how many the number changed: more, or fewer than zero. */
  readonly changes: readonly { readonly atMs: number; readonly by: number }[];
}

/** What is known at the first look: the size that it has counts as asked for, so that nothing is taken away at once. */
export function pastOf(replicas: number, nowMs: number): Past {
  return { recommendations: [{ atMs: nowMs, replicas }], changes: [] };
}

export interface Told {
  readonly reason: string;
  readonly message: string;
}

export interface Limited {
  readonly replicas: number;
  /** Whether what was asked for before holds back what is asked for now. */
  readonly stabilized: Told | undefined;
  /** What keeps it from what the metrics ask for; undefined: nothing. */
  readonly limit: Told | undefined;
}

export function toleranceOf({ behavior }: HorizontalPodAutoscalerSpec): Tolerance {
  const of = (rules: HPAScalingRules | undefined): number =>
    rules?.tolerance === undefined ? TOLERANCE : quantityMilli(rules.tolerance) / 1_000;
  return { up: of(behavior?.scaleUp), down: of(behavior?.scaleDown) };
}

/**
 * @param current within the bounds of the spec
 * @param past with what is `asked` now
 */
export function limited(
  spec: HorizontalPodAutoscalerSpec,
  current: number,
  asked: number,
  past: Past,
  nowMs: number,
): Limited {
  const { replicas, stabilized } = stabilize(spec, current, asked, past, nowMs);
  const { minReplicas = 1, maxReplicas } = spec;
  if (replicas > current) {
    const rate = Math.max(current, upLimit(spec, current, past, nowMs));
    const most = Math.min(rate, maxReplicas);
    const limit = told(rate < maxReplicas ? "ScaleUpLimit" : "TooManyReplicas");
    if (replicas > most) return { replicas: most, stabilized, limit };
  }
  if (replicas < current) {
    const rate = Math.min(current, downLimit(spec, current, past, nowMs));
    const least = Math.max(rate, minReplicas);
    const limit = told(rate > minReplicas ? "ScaleDownLimit" : "TooFewReplicas");
    if (replicas < least) return { replicas: least, stabilized, limit };
  }
  return { replicas, stabilized, limit: undefined };
}

const LIMITS = {
  ScaleUpLimit: "the desired replica count is increasing faster than the maximum scale rate",
  ScaleDownLimit: "the desired replica count is decreasing faster than the maximum scale rate",
  TooManyReplicas: "the desired replica count is more than the maximum replica count",
  TooFewReplicas: "the desired replica count is less than the minimum replica count",
} as const;

function told(reason: keyof typeof LIMITS): Told {
  return { reason, message: LIMITS[reason] };
}

/** Between the least that was asked for within the one window, and the most within the other. */
function stabilize(
  { behavior }: HorizontalPodAutoscalerSpec,
  current: number,
  asked: number,
  { recommendations }: Past,
  nowMs: number,
): Omit<Limited, "limit"> {
  const within = (windowMs: number): readonly number[] =>
    recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas);
  const least = Math.min(asked, ...within(windowOf(behavior?.scaleUp, 0)));
  const most = Math.max(asked, ...within(windowOf(behavior?.scaleDown, STABILIZATION_DOWN_MS)));
  const replicas = Math.min(Math.max(current, least), most);
  if (replicas === asked) return { replicas, stabilized: undefined };
  if (replicas > asked) {
    const message = "recent recommendations were higher than current one, applying the highest recent recommendation";
    return { replicas, stabilized: { reason: "ScaleDownStabilized", message } };
  }
  const message = "recent recommendations were lower than current one, applying the lowest recent recommendation";
  return { replicas, stabilized: { reason: "ScaleUpStabilized", message } };
}

function windowOf(rules: HPAScalingRules | undefined, absent: number): number {
  return rules?.stabilizationWindowSeconds === undefined ? absent : rules.stabilizationWindowSeconds * 1_000;
}

function upLimit({ behavior }: HorizontalPodAutoscalerSpec, current: number, past: Past, nowMs: number): number {
  const rules = behavior?.scaleUp;
  if (rules === undefined) return Math.max(2 * current, GROWTH_MIN);
  if (rules.selectPolicy === "Disabled") return current;
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = current - changedBy(past, nowMs - periodSeconds * 1_000);
    return type === "Pods" ? before + value : Math.ceil(before * (1 + value / 100));
  });
  return limits.length === 0 ? Infinity : select(rules, limits, Math.max);
}

function downLimit({ behavior }: HorizontalPodAutoscalerSpec, current: number, past: Past, nowMs: number): number {
  const rules = behavior?.scaleDown;
  if (rules?.selectPolicy === "Disabled") return current;
  const limits = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const before = current - changedBy(past, nowMs - periodSeconds * 1_000);
    return type === "Pods" ? before - value : Math.trunc(before * (1 - value / 100));
  });
  return limits.length === 0 ? -Infinity : select(rules, limits, Math.min);
}

/** Of several policies the one that lets it change most, unless the least is asked for. */
function select(
  rules: HPAScalingRules | undefined,
  limits: readonly number[],
  most: (...of: readonly number[]) => number,
): number {
  const least = most === Math.max ? Math.min : Math.max;
  return rules?.selectPolicy === "Min" ? least(...limits) : most(...limits);
}

function changedBy({ changes }: Past, sinceMs: number): number {
  return changes.filter(({ atMs }) => atMs > sinceMs).reduce((sum, { by }) => sum + by, 0);
}

/** With what is asked for, and without what no window reaches any more. */
export function remembered(spec: HorizontalPodAutoscalerSpec, past: Past, asked: number, nowMs: number): Past {
  const { scaleUp, scaleDown } = spec.behavior ?? {};
  const windows = [windowOf(scaleUp, 0), windowOf(scaleDown, STABILIZATION_DOWN_MS)];
  const periods = [scaleUp, scaleDown]
    .flatMap((rules) => rules?.policies ?? [])
    .map((one) => one.periodSeconds * 1_000);
  const isKept =
    (reachMs: number) =>
    ({ atMs }: { readonly atMs: number }) =>
      atMs > nowMs - reachMs;
  const recommendations = past.recommendations.filter(isKept(Math.max(...windows)));
  return {
    recommendations: [...recommendations, { atMs: nowMs, replicas: asked }],
    changes: past.changes.filter(isKept(Math.max(0, ...periods))),
  };
}
