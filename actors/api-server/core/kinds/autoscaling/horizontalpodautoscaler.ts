/** HorizontalPodAutoscalers: one object under two versions. Source: Kubernetes `pkg/apis/autoscaling/v2`, `pkg/printers`. */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from "../../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { KindRules } from "../rules.ts";
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from "./autoscaler-validation.ts";
import { toAutoscalerV1, toAutoscalerV2, TRAVELLING } from "./autoscaler-versions.ts";

export const horizontalPodAutoscalerRules: KindRules = {
  shownAnnotations: TRAVELLING,
  convert: { toServed: toAutoscalerV1, toStored: toAutoscalerV2 },
  defaults: (object) => defaults(member(object, "spec")),
  validate: (object: KubernetesObject, errors) => validateAutoscaler(asStored(object), errors),
  validateUpdate: (object: KubernetesObject, old: KubernetesObject, errors) =>
    validateAutoscalerUpdate(asStored(object), asStored(old), errors),
  validateStatusUpdate: (object: KubernetesObject, _old: KubernetesObject, errors) =>
    validateAutoscalerStatus(asStored(object), errors),
  cells,
};

/** Kubernetes looks at an autoscaler in one form, whatever the version that it came in. */
function asStored(object: KubernetesObject): HorizontalPodAutoscaler {
  return (object.apiVersion === "autoscaling/v1" ? toAutoscalerV2(object) : object) as HorizontalPodAutoscaler;
}

const UP = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const DOWN = [{ type: "Percent", value: 100, periodSeconds: 15 }];
/** Without a metric it goes by the CPU. */
const CPU_UTILIZATION = 80;

function defaults(spec: JsonObject): void {
  setDefault(spec, "minReplicas", 1);
  if (!Array.isArray(spec["metrics"]) || spec["metrics"].length === 0) {
    const target = { type: "Utilization", averageUtilization: CPU_UTILIZATION };
    spec["metrics"] = [{ type: "Resource", resource: { name: "cpu", target } }];
  }
  const behavior = objectIn(spec, "behavior");
  if (behavior === undefined) return;
  const up = member(behavior, "scaleUp");
  setDefault(up, "stabilizationWindowSeconds", 0);
  for (const [rules, policies] of [
    [up, UP],
    [member(behavior, "scaleDown"), DOWN],
  ] as const) {
    setDefault(rules, "selectPolicy", "Max");
    setDefault(
      rules,
      "policies",
      policies.map((policy) => ({ ...policy })),
    );
  }
}

function cells(given: KubernetesObject, nowMs: number): readonly Cell[] {
  const object = asStored(given);
  const { spec, status } = object;
  return [
    nameOf(object),
    `${spec?.scaleTargetRef?.kind ?? ""}/${spec?.scaleTargetRef?.name ?? ""}`,
    metricsText(spec?.metrics ?? [], status?.currentMetrics ?? []),
    spec?.minReplicas === undefined ? "<unset>" : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageOf(object, nowMs),
  ];
}

/** More metrics than this are only counted. */
const METRICS_SHOWN_MAX = 2;

function metricsText(metrics: readonly MetricSpec[], current: readonly MetricStatus[]): string {
  if (metrics.length === 0) return "<none>";
  const texts = metrics.map((metric, i) => metricText(metric, current[i]));
  const shown = texts.slice(0, METRICS_SHOWN_MAX).join(", ");
  const more = texts.length - METRICS_SHOWN_MAX;
  return more > 0 ? `${shown} + ${more} more...` : shown;
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  switch (metric.type) {
    case "External":
      return amountText(metric.external?.target, status?.external?.current);
    case "Object":
      return amountText(metric.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods?.current.averageValue ?? UNKNOWN}/${metric.pods?.target.averageValue ?? ""}`;
    case "Resource":
      return shareText(metric.resource?.name, metric.resource?.target, status?.resource?.current);
    case "ContainerResource": {
      const { name, target } = metric.containerResource ?? {};
      return shareText(name, target, status?.containerResource?.current);
    }
  }
  return "<unknown type>";
}

const UNKNOWN = "<unknown>";

function amountText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
  return `${current?.value ?? UNKNOWN}/${target?.value ?? ""}`;
}

function shareText(
  name: string | undefined,
  target: MetricTarget | undefined,
  current: MetricValueStatus | undefined,
): string {
  if (target?.averageValue !== undefined) {
    return `${name ?? ""}: ${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
  }
  const percent = (value: number | undefined): string | undefined => (value === undefined ? undefined : `${value}%`);
  const now = percent(current?.averageUtilization) ?? UNKNOWN;
  return `${name ?? ""}: ${now}/${percent(target?.averageUtilization) ?? "<auto>"}`;
}
