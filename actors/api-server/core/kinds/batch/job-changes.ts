/** What of a Job may change. Source: Kubernetes `ValidateJobSpecUpdate`. */
import type { Job, JobSpec } from "../../../../../protocols/kubernetes/types/batch-v1.ts";
import type {
  Affinity,
  Container,
  PodSpec,
  PodTemplateSpec,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { shownFailurePolicy, shownSuccessPolicy } from "./job-validation.ts";

const NO_SPEC: JobSpec = { template: {} };

export function validateJobChange(job: Job, old: Job, errors: FieldErrors): void {
  const [spec, before] = [job.spec ?? NO_SPEC, old.spec ?? NO_SPEC];
  validateCompletions(spec, before, errors);
  immutable("spec.selector", spec.selector, before.selector, errors);
  validateTemplateChange(spec, old, errors);
  immutable("spec.completionMode", spec.completionMode, before.completionMode, errors);
  const policies = [spec.podFailurePolicy, before.podFailurePolicy].map(shownFailurePolicy);
  immutable("spec.podFailurePolicy", policies[0], policies[1], errors);
  immutable("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, before.backoffLimitPerIndex, errors);
  immutable("spec.managedBy", spec.managedBy, before.managedBy, errors);
  const successes = [spec.successPolicy, before.successPolicy].map(shownSuccessPolicy);
  immutable("spec.successPolicy", successes[0], successes[1], errors);
}

function validateCompletions(spec: JobSpec, before: JobSpec, errors: FieldErrors): void {
  const { completions, parallelism } = spec;
  if (spec.completionMode !== "Indexed") return immutable("spec.completions", completions, before.completions, errors);
  if (completions === undefined || completions === before.completions || completions === parallelism) return;
  errors.invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism");
}

/** Where and with what a Job's pods run may change while none of them does. */
function validateTemplateChange({ template }: JobSpec, old: Job, errors: FieldErrors): void {
  const { spec: before, status } = old;
  const then = before?.template ?? {};
  const suspended = before?.suspend === true;
  const rests =
    status?.startTime === undefined ||
    (status.conditions ?? []).some((one) => one.type === "Suspended" && one.status === "True");
  if (!suspended) return immutable("spec.template", template, then, errors);
  if (!rests || (status?.active ?? 0) > 0) return immutable("spec.template", template, then, errors);
  const allowed = withResources(withDirectives(then, template), template.spec);
  if (equalJson(template.spec ?? null, allowed ?? null)) return;
  errors.invalid("spec.template.spec", template.spec, "field is immutable");
}

function withDirectives({ spec }: PodTemplateSpec, { spec: now }: PodTemplateSpec): PodSpec | undefined {
  if (spec === undefined || now === undefined) return spec;
  const { nodeSelector: _selector, tolerations: _tolerations, schedulingGates: _gates, affinity, ...rest } = spec;
  const free = pick(now, ["nodeSelector", "tolerations", "schedulingGates"]);
  const merged = withNodeAffinity(affinity, now.affinity);
  return { ...rest, ...free, ...(merged === undefined ? {} : { affinity: merged }) };
}

function withNodeAffinity(then: Affinity | undefined, now: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _old, ...others } = then ?? {};
  if (now === undefined) return Object.keys(others).length === 0 ? undefined : others;
  return { ...others, ...pick(now, ["nodeAffinity"]) };
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const name of names) if (from[name] !== undefined) picked[name] = from[name];
  return picked;
}

function withResources(spec: PodSpec | undefined, now: PodSpec | undefined): PodSpec | undefined {
  if (spec === undefined) return undefined;
  const replaced = (list: readonly Container[] | undefined, by: readonly Container[] | undefined): typeof list => {
    if (list === undefined || list.length !== by?.length) return list;
    return list.map((container, i) => {
      const other = by[i];
      if (other === undefined || other.name !== container.name) return container;
      const { resources: _resources, ...rest } = container;
      return other.resources === undefined ? rest : { ...rest, resources: other.resources };
    });
  };
  const containers = replaced(spec.containers, now?.containers) ?? [];
  const initContainers = replaced(spec.initContainers, now?.initContainers);
  return { ...spec, containers, ...(initContainers === undefined ? {} : { initContainers }) };
}
