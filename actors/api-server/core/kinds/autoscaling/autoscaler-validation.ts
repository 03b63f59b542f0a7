/** What an autoscaler may ask for. Source: Kubernetes `pkg/apis/autoscaling/validation/validation.go`. */
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from "../../../../../protocols/kubernetes/types/autoscaling-v2.ts";
import { parseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, pathSegment } from "../../machinery/validation/names.ts";
import { validateContainerResourceName } from "../../machinery/validation/resources.ts";

const PERIOD_SECONDS_MAX = 1800;
const WINDOW_SECONDS_MAX = 3600;

/** What is not looked at again, or need not be there. */
interface ReferenceChecks {
  readonly anyVersion: boolean;
  readonly coreGroup: boolean;
}

const DESCRIBED: ReferenceChecks = { anyVersion: false, coreGroup: true };

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  const target = { anyVersion: false, coreGroup: spec?.scaleTargetRef?.kind === "ReplicationController" };
  validateSpec(spec, target, DESCRIBED, errors);
}

export function validateAutoscalerUpdate(
  { spec }: HorizontalPodAutoscaler,
  { spec: before }: HorizontalPodAutoscaler,
  errors: FieldErrors,
): void {
  const [ref, was] = [spec?.scaleTargetRef, before?.scaleTargetRef];
  const anyVersion = ref?.apiVersion === was?.apiVersion && ref?.kind === was?.kind;
  const wrongBefore = (before?.metrics ?? []).some(
    ({ object }) => object !== undefined && versionProblem(object.describedObject.apiVersion ?? "", true) !== undefined,
  );
  validateSpec(
    spec,
    { anyVersion, coreGroup: ref?.kind === "ReplicationController" },
    { ...DESCRIBED, anyVersion: wrongBefore },
    errors,
  );
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  for (const [i, { observedGeneration }] of (status?.conditions ?? []).entries()) {
    errors.notNegative(`status.conditions[${i}].observedGeneration`, observedGeneration);
  }
  errors.notNegative("status.currentReplicas", status?.currentReplicas);
  errors.notNegative("status.desiredReplicas", status?.desiredReplicas);
}

function validateSpec(
  spec: HorizontalPodAutoscalerSpec | undefined,
  target: ReferenceChecks,
  described: ReferenceChecks,
  errors: FieldErrors,
): void {
  const { minReplicas: min, maxReplicas: max = 0, metrics = [], behavior } = spec ?? {};
  if (min !== undefined && max < min) {
    errors.invalid("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`");
  }
  validateReference("spec.scaleTargetRef", spec?.scaleTargetRef, target, errors);
  for (const [i, metric] of metrics.entries()) validateMetric(`spec.metrics[${i}]`, metric, described, errors);
  // Without pods there is nothing that their own metrics could be read from.
  if (min === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
    const detail = "must specify at least one Object or External metric to support scaling to zero replicas";
    errors.forbidden("spec.metrics", detail);
  }
  validateRules("spec.behavior.scaleUp", behavior?.scaleUp, errors);
  validateRules("spec.behavior.scaleDown", behavior?.scaleDown, errors);
  errors.notNegative("spec.minReplicas", min);
  if (max === 0) errors.required("spec.maxReplicas");
  else if (max < 0) errors.invalid("spec.maxReplicas", max, "must be greater than or equal to 1");
}

function validateReference(
  at: string,
  ref: CrossVersionObjectReference | undefined,
  { anyVersion, coreGroup }: ReferenceChecks,
  errors: FieldErrors,
): void {
  for (const name of ["kind", "name"] as const) {
    const value = ref?.[name] ?? "";
    if (value === "") errors.required(`${at}.${name}`);
    else errors.all(`${at}.${name}`, value, pathSegment(value));
  }
  const version = ref?.apiVersion ?? "";
  const problem = anyVersion ? undefined : versionProblem(version, coreGroup);
  if (problem !== undefined) errors.invalid(`${at}.apiVersion`, version, problem);
}

function versionProblem(version: string, coreGroup: boolean): string | undefined {
  const parts = version.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${version}`;
  return !coreGroup && (parts.length === 1 || parts[0] === "") ? "apiVersion must specify API group" : undefined;
}

const SOURCES = ["object", "external", "pods", "resource", "containerResource"] as const;
const TYPES = ["ContainerResource", "External", "Object", "Pods", "Resource"];

function validateMetric(at: string, metric: MetricSpec, described: ReferenceChecks, errors: FieldErrors): void {
  const { type } = metric;
  if (!type) errors.required(`${at}.type`, "must specify a metric source type");
  errors.oneOf(`${at}.type`, type ?? "", TYPES);
  const present = SOURCES.filter((source) => metric[source] !== undefined);
  const [first] = present;
  if (first !== undefined) validateSource(`${at}.${first}`, first, metric, described, errors);
  const expected = SOURCES.find(
    (source) => source.toLowerCase() === String(type).toLowerCase() && TYPES.includes(type),
  );
  if (expected !== undefined && metric[expected] === undefined) {
    errors.required(`${at}.${expected}`, "must populate information for the given metric source");
  }
  if (present.length === 1) return;
  for (const source of present) {
    if (source !== expected) errors.forbidden(`${at}.${source}`, "must populate the given metric source only");
  }
}

function validateSource(
  at: string,
  source: (typeof SOURCES)[number],
  metric: MetricSpec,
  described: ReferenceChecks,
  errors: FieldErrors,
): void {
  const target = metric[source]?.target;
  switch (source) {
    case "object":
      validateReference(`${at}.describedObject`, metric.object?.describedObject, described, errors);
      validateIdentifier(`${at}.metric`, metric.object?.metric, errors);
      validateTarget(`${at}.target`, target, errors);
      return requireAmount(at, target, "must set either a target value or averageValue", errors);
    case "external":
      validateIdentifier(`${at}.metric`, metric.external?.metric, errors);
      validateTarget(`${at}.target`, target, errors);
      requireAmount(at, target, "must set either a target value for metric or a per-pod target", errors);
      if (target?.value === undefined || target.averageValue === undefined) return;
      return errors.forbidden(`${at}.target.value`, "may not set both a target value for metric and a per-pod target");
    case "pods":
      validateIdentifier(`${at}.metric`, metric.pods?.metric, errors);
      validateTarget(`${at}.target`, target, errors);
      if (target?.averageValue !== undefined) return;
      return errors.required(`${at}.target.averageValue`, "must specify a positive target averageValue");
    case "resource":
      if (!metric.resource?.name) errors.required(`${at}.name`, "must specify a resource name");
      return validateShare(`${at}.target`, target, errors);
    case "containerResource": {
      const { name = "", container = "" } = metric.containerResource ?? {};
      if (name === "") errors.required(`${at}.name`, "must specify a resource name");
      else validateContainerResourceName(`${at}.name`, name, errors);
      if (container === "") errors.required(`${at}.container`, "must specify a container");
      else errors.all(`${at}.container`, container, dns1123Label(container));
      return validateShare(`${at}.target`, target, errors);
    }
  }
}

function requireAmount(at: string, target: MetricTarget | undefined, detail: string, errors: FieldErrors): void {
  if (target?.value !== undefined || target?.averageValue !== undefined) return;
  errors.required(`${at}.target.averageValue`, detail);
}

function validateShare(at: string, target: MetricTarget | undefined, errors: FieldErrors): void {
  validateTarget(at, target, errors);
  const [share, value] = [target?.averageUtilization !== undefined, target?.averageValue !== undefined];
  if (!share && !value) {
    errors.required(`${at}.averageUtilization`, "must set either a target raw value or a target utilization");
  }
  if (!share || !value) return;
  errors.forbidden(`${at}.averageValue`, "may not set both a target raw value and a target utilization");
}

function validateTarget(at: string, target: MetricTarget | undefined, errors: FieldErrors): void {
  const { type = "", averageUtilization: share } = target ?? {};
  if (type === "") errors.required(`${at}.type`, "must specify a metric target type");
  if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.invalid(`${at}.type`, type, "must be either Utilization, Value, or AverageValue");
  }
  for (const name of ["value", "averageValue"] as const) {
    const amount = target?.[name];
    if (amount === undefined || parseQuantity(amount).nano > 0n) continue;
    errors.invalid(`${at}.${name}`, amount, "must be positive");
  }
  if (share !== undefined && share < 1) errors.invalid(`${at}.averageUtilization`, share, "must be greater than 0");
}

function validateIdentifier(at: string, metric: MetricIdentifier | undefined, errors: FieldErrors): void {
  const name = metric?.name ?? "";
  if (name === "") errors.required(`${at}.name`, "must specify a metric name");
  else errors.all(`${at}.name`, name, pathSegment(name));
}

function validateRules(at: string, rules: HPAScalingRules | undefined, errors: FieldErrors): void {
  if (rules === undefined) return;
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules;
  const atWindow = `${at}.stabilizationWindowSeconds`;
  if (window < 0) errors.invalid(atWindow, window, "must be greater than or equal to zero");
  if (window > WINDOW_SECONDS_MAX) {
    errors.invalid(atWindow, window, `must be less than or equal to ${WINDOW_SECONDS_MAX}`);
  }
  if (selectPolicy !== undefined) errors.oneOf(`${at}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]);
  if (policies.length === 0) errors.required(`${at}.policies`, "must specify at least one Policy");
  for (const [i, { type, value, periodSeconds: period }] of policies.entries()) {
    const here = `${at}.policies[${i}]`;
    errors.oneOf(`${here}.type`, type, ["Percent", "Pods"]);
    if (value <= 0) errors.invalid(`${here}.value`, value, "must be greater than zero");
    if (period <= 0) errors.invalid(`${here}.periodSeconds`, period, "must be greater than zero");
    if (period > PERIOD_SECONDS_MAX) {
      errors.invalid(`${here}.periodSeconds`, period, `must be less than or equal to ${PERIOD_SECONDS_MAX}`);
    }
  }
  if (tolerance === undefined || parseQuantity(tolerance).nano >= 0n) return;
  errors.invalid(`${at}.tolerance`, tolerance, "must be greater than or equal to 0");
}
