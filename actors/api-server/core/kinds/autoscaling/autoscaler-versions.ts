/**
 * HorizontalPodAutoscalers are stored as `autoscaling/v2` and served as `autoscaling/v1`, too. What v1 has no fields for
 * travels in annotations that only it shows. Source: `pkg/apis/autoscaling/v1/conversion.go`.
 */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type * as v1 from "../../../../../protocols/kubernetes/types/autoscaling-v1.ts";
import type * as v2 from "../../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import { decodeAs } from "../../machinery/decode-object.ts";

const PREFIX = "autoscaling.alpha.kubernetes.io/";
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
export const TRAVELLING: readonly string[] = [
  METRICS,
  CURRENT_METRICS,
  CONDITIONS,
  BEHAVIOR,
  `${PREFIX}scale-down-tolerance`,
  `${PREFIX}scale-up-tolerance`,
];

/** What v1 assumes when nothing says what to scale by. */
const DEFAULT_CPU_UTILIZATION = 80;

/** From v2 to v1. */
export function toAutoscalerV1(object: KubernetesObject): KubernetesObject {
  const { metadata, spec, status } = object as v2.HorizontalPodAutoscaler;
  const { metrics = [], behavior, scaleTargetRef, minReplicas, maxReplicas } = spec ?? {};
  const { currentMetrics: measured, conditions = [], ...rest } = status ?? {};
  // Always written, and null when there are none.
  const currentMetrics = measured ?? [];
  const others = metrics.filter((metric) => cpuTarget(metric) === undefined).map(metricToV1);
  const target = metrics.map(cpuTarget).find((utilization) => utilization !== undefined);
  const current = currentMetrics.map(cpuCurrent).findLast((utilization) => utilization !== undefined);
  const annotations = {
    ...withoutTravelling(metadata?.annotations),
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others) }),
    ...(currentMetrics.length === 0 ? {} : { [CURRENT_METRICS]: JSON.stringify(currentMetrics.map(currentToV1)) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: behaviorText(behavior) }),
    ...(conditions.length === 0 ? {} : { [CONDITIONS]: JSON.stringify(conditions) }),
  };
  return {
    ...object,
    apiVersion: "autoscaling/v1",
    ...withAnnotations(metadata, annotations),
    spec: {
      scaleTargetRef,
      ...given({ minReplicas }),
      maxReplicas,
      ...given({ targetCPUUtilizationPercentage: target }),
    },
    status: { currentReplicas: 0, ...rest, ...given({ currentCPUUtilizationPercentage: current }) },
  } as KubernetesObject;
}

/** From v1 to v2. */
export function toAutoscalerV2(object: KubernetesObject): KubernetesObject {
  const { metadata, spec, status } = object as v1.HorizontalPodAutoscaler;
  const annotations = metadata?.annotations ?? {};
  const { targetCPUUtilizationPercentage: target, ...restOfSpec } = spec ?? {};
  const { currentCPUUtilizationPercentage: current, currentReplicas, ...restOfStatus } = status ?? {};
  const others = (listIn(annotations[METRICS], "MetricSpec") ?? []).map(metricToV2);
  const metrics = [...others, ...(target === undefined ? [] : [byCpu(target)])];
  const behavior = behaviorOf(annotations[BEHAVIOR]);
  const remembered = listIn(annotations[CURRENT_METRICS], "MetricStatus")?.map(currentToV2);
  const cpu = { type: "Resource", resource: { name: "cpu", current: { averageUtilization: current } } };
  const currentMetrics = remembered ?? (current === undefined ? null : [cpu]);
  const conditions = listIn(annotations[CONDITIONS], "HorizontalPodAutoscalerCondition");
  return {
    ...object,
    apiVersion: "autoscaling/v2",
    ...withAnnotations(metadata, withoutTravelling(annotations)),
    spec: {
      ...restOfSpec,
      metrics: metrics.length === 0 ? [byCpu(DEFAULT_CPU_UTILIZATION)] : metrics,
      ...given({ behavior }),
    },
    status: {
      ...given({ currentReplicas: currentReplicas || undefined }),
      ...restOfStatus,
      currentMetrics,
      ...given({ conditions }),
    },
  } as KubernetesObject;
}

/** Without what is undefined. */
function given(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function withAnnotations(
  metadata: KubernetesObject["metadata"],
  annotations: Readonly<Record<string, string>>,
): object {
  if (metadata === undefined) return {};
  const { annotations: _annotations, ...rest } = metadata;
  return { metadata: Object.keys(annotations).length === 0 ? rest : { ...rest, annotations } };
}

function withoutTravelling(annotations: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !TRAVELLING.includes(key)));
}

/** What a user has written there himself and can't be read counts as not written. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A list of objects of a v1 type; undefined when there is none, or one does not fit. */
function listIn(text: string | undefined, typeName: string): readonly object[] | undefined {
  const value = parsed(text);
  if (!Array.isArray(value)) return undefined;
  const items = value.map((item) => decodeAs("autoscaling/v1", typeName, item)).filter((item) => item !== undefined);
  return items.length === value.length ? items : undefined;
}

function byCpu(averageUtilization: number): v2.MetricSpec {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

function cpuTarget({ type, resource }: v2.MetricSpec): number | undefined {
  return type === "Resource" && resource?.name === "cpu" ? resource.target.averageUtilization : undefined;
}

function cpuCurrent({ type, resource }: v2.MetricStatus): number | undefined {
  return type === "Resource" && resource?.name === "cpu" ? resource.current.averageUtilization : undefined;
}

function metricToV1(metric: v2.MetricSpec): object {
  const { type, object, pods, resource, containerResource, external } = metric;
  const resourceToV1 = ({ name, target }: v2.ResourceMetricSource): object => ({
    name,
    ...given({ targetAverageUtilization: target.averageUtilization, targetAverageValue: target.averageValue }),
  });
  return given({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? "0",
      ...given({ selector: object.metric.selector, averageValue: object.target.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? "0",
      ...given({ selector: pods.metric.selector }),
    },
    resource: resource && resourceToV1(resource),
    containerResource: containerResource && {
      ...resourceToV1(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      ...given({
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
    },
  });
}

function metricToV2(metric: object): object {
  const { type, object, pods, resource, containerResource, external } = metric as v1.MetricSpec;
  const resourceToV2 = (source: v1.ResourceMetricSource): object => {
    const { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue } = source;
    const by = averageUtilization === undefined ? "AverageValue" : "Utilization";
    return { name: source.name, target: { type: by, ...given({ averageValue, averageUtilization }) } };
  };
  // A v1 object can't leave the value out: "0" beside an average is none.
  const value = object?.averageValue !== undefined && object.targetValue === "0" ? undefined : object?.targetValue;
  return given({
    type,
    object: object && {
      describedObject: object.target,
      target: {
        type: object.averageValue === undefined ? "Value" : "AverageValue",
        ...given({ value, averageValue: object.averageValue }),
      },
      metric: { name: object.metricName, ...given({ selector: object.selector }) },
    },
    pods: pods && {
      metric: { name: pods.metricName, ...given({ selector: pods.selector }) },
      target: { type: "AverageValue", averageValue: pods.targetAverageValue },
    },
    resource: resource && resourceToV2(resource),
    containerResource: containerResource && {
      ...resourceToV2(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metric: { name: external.metricName, ...given({ selector: external.metricSelector }) },
      target: {
        type: external.targetValue === undefined ? "AverageValue" : "Value",
        ...given({ value: external.targetValue, averageValue: external.targetAverageValue }),
      },
    },
  });
}

function currentToV1(status: v2.MetricStatus): object {
  const { type, object, pods, resource, containerResource, external } = status;
  const resourceToV1 = ({ name, current }: v2.ResourceMetricStatus): object => ({
    name,
    ...given({ currentAverageUtilization: current.averageUtilization }),
    currentAverageValue: current.averageValue ?? "0",
  });
  return given({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? "0",
      ...given({ selector: object.metric.selector, averageValue: object.current.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? "0",
      ...given({ selector: pods.metric.selector }),
    },
    resource: resource && resourceToV1(resource),
    containerResource: containerResource && {
      ...resourceToV1(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      ...given({ metricSelector: external.metric.selector }),
      currentValue: external.current.value ?? "0",
      ...given({ currentAverageValue: external.current.averageValue }),
    },
  });
}

function currentToV2(status: object): object {
  const { type, object, pods, resource, containerResource, external } = status as v1.MetricStatus;
  const resourceToV2 = (source: v1.ResourceMetricStatus): object => ({
    name: source.name,
    current: given({
      averageValue: source.currentAverageValue,
      averageUtilization: source.currentAverageUtilization,
    }),
  });
  return given({
    type,
    object: object && {
      metric: { name: object.metricName, ...given({ selector: object.selector }) },
      current: given({ value: object.currentValue, averageValue: object.averageValue }),
      describedObject: object.target,
    },
    pods: pods && {
      metric: { name: pods.metricName, ...given({ selector: pods.selector }) },
      current: { averageValue: pods.currentAverageValue },
    },
    resource: resource && resourceToV2(resource),
    containerResource: containerResource && {
      ...resourceToV2(containerResource),
      container: containerResource.container,
    },
    external: external && {
      metric: { name: external.metricName, ...given({ selector: external.metricSelector }) },
      current: given({ value: external.currentValue, averageValue: external.currentAverageValue }),
    },
  });
}

/** Kubernetes writes its internal type there, whose fields have Go's names. */
function behaviorText({ scaleUp, scaleDown }: v2.HorizontalPodAutoscalerBehavior): string {
  const rules = (from: v2.HPAScalingRules | undefined): object | null => {
    if (from === undefined) return null;
    const policies = from.policies?.map(({ type, value, periodSeconds }) => ({
      Type: type,
      Value: value,
      PeriodSeconds: periodSeconds,
    }));
    return {
      StabilizationWindowSeconds: from.stabilizationWindowSeconds ?? null,
      SelectPolicy: from.selectPolicy ?? null,
      Policies: policies ?? null,
      Tolerance: from.tolerance ?? null,
    };
  };
  return JSON.stringify({ ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) });
}

function behaviorOf(text: string | undefined): object | undefined {
  const behavior = decodeAs("autoscaling/v2", "HorizontalPodAutoscalerBehavior", withJsonNames(parsed(text)));
  return behavior === undefined || Object.keys(behavior).length === 0 ? undefined : behavior;
}

function withJsonNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withJsonNames);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.slice(0, 1).toLowerCase() + key.slice(1), withJsonNames(item)]),
  );
}
