/** What the kinds that make pods from a template have in common. Source: Kubernetes `pkg/apis/apps/validation/validation.go`. */
import type { PodSpec, PodTemplateSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { IntOrString, LabelSelector, ObjectMeta } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { dns1123Label } from "../../machinery/validation/names.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { kubernetesWarnings, podWarnings } from "../core/pod-warnings.ts";

interface Selecting {
  readonly spec?: { readonly selector?: LabelSelector };
}

export function validateSelectorUpdate(object: Selecting, old: Selecting, errors: FieldErrors): void {
  immutable("spec.selector", object.spec?.selector, old.spec?.selector, errors);
}

/**
 * A workload's pods run until it ends them. Source: `ValidatePodTemplateSpecForReplicaSet`.
 * @param kind as messages name it
 */
export function validatePodOfWorkload(kind: string, spec: PodSpec | undefined, errors: FieldErrors): void {
  const policy = spec?.restartPolicy;
  if (policy !== undefined && policy !== "Always") {
    errors.oneOf("spec.template.spec.restartPolicy", policy, ["Always"]);
  }
  if (spec?.activeDeadlineSeconds === undefined) return;
  const detail = `activeDeadlineSeconds in ${kind} is not Supported`;
  errors.forbidden("spec.template.spec.activeDeadlineSeconds", detail);
}

/** @param at what comes before the template's `spec`, such as `spec.template.` */
export function templateWarnings(at: string, template: PodTemplateSpec | undefined): readonly string[] {
  return podWarnings(at, template ?? {});
}

interface Generated {
  readonly metadata?: ObjectMeta;
}

/** What an update tells of the template again: all, if it is another generation. */
export function retoldOfTemplate(
  at: string,
  object: Generated,
  old: Generated,
  template: PodTemplateSpec | undefined,
): readonly string[] {
  if (object.metadata?.generation === old.metadata?.generation) return [];
  return kubernetesWarnings(at, template ?? {});
}

/** Pods take their names from what makes them. */
export function nameWarnings({ name = "" }: ObjectMeta = {}): readonly string[] {
  const problems = dns1123Label(name);
  if (name === "" || problems.length === 0) return [];
  const why = "this is used in Pod names and hostnames, which can result in surprising behavior";
  return [`metadata.name: ${why}; a DNS label is recommended: [${problems.join(" ")}]`];
}

const PERCENT = /^\d+%$/;
const PERCENT_MESSAGE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

export function validatePercentOrNumber(field: string, value: IntOrString, errors: FieldErrors): void {
  if (typeof value === "number") errors.notNegative(field, value);
  else if (!PERCENT.test(value)) errors.invalid(field, value, PERCENT_MESSAGE);
}

export function validateAtMostAll(field: string, value: IntOrString, errors: FieldErrors): void {
  if (typeof value === "number" || !PERCENT.test(value) || Number.parseInt(value, 10) <= 100) return;
  errors.invalid(field, value, "must not be greater than 100%");
}

/** Source: `getIntOrPercentValue`. */
export function isZero(value: IntOrString): boolean {
  if (typeof value === "number") return value === 0;
  return PERCENT.test(value) || /^[+-]?\d+$/.test(value) ? Number.parseInt(value, 10) === 0 : true;
}

/** Counts of pods, none of which can be less than 0. */
export function validateCounts<T extends object>(
  status: T,
  names: readonly (keyof T & string)[],
  errors: FieldErrors,
): void {
  for (const name of names) {
    const count = status[name];
    if (typeof count === "number") errors.notNegative(`status.${name}`, count);
  }
}

interface Counted {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
}

/** Of the pods that there are, so many at most can be something. */
export function validateParts<T extends Counted>(
  status: T,
  names: readonly (keyof T & string)[],
  ready: string,
  errors: FieldErrors,
): void {
  for (const name of names) {
    const count = status[name];
    if (typeof count !== "number" || count <= (status.replicas ?? 0)) continue;
    errors.invalid(`status.${name}`, count, "cannot be greater than status.replicas");
  }
  const { availableReplicas = 0, readyReplicas = 0 } = status;
  if (availableReplicas <= readyReplicas) return;
  errors.invalid("status.availableReplicas", availableReplicas, `cannot be greater than ${ready}`);
}

/** How often names have collided is never forgotten. */
export function validateCollisions(now: number | undefined, before: number | undefined, errors: FieldErrors): void {
  if (before === undefined || (now !== undefined && now >= before)) return;
  errors.invalid("status.collisionCount", now ?? 0, "cannot be decremented");
}
