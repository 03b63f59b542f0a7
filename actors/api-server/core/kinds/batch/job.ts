/** Jobs. Source: Kubernetes `pkg/registry/batch/job/strategy.go`, `pkg/apis/batch`. */
import type { CronJob, Job, JobSpec } from "../../../../../protocols/kubernetes/types/batch-v1.ts";
import type { PodTemplateSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { compileSelectorObject, formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import { humanDuration } from "../../machinery/duration.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import { parseTimeMs } from "../../machinery/time.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isSelector, validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { dns1123Label } from "../../machinery/validation/names.ts";
import { nameWarnings, retoldOfTemplate, templateWarnings } from "../apps/workload.ts";
import type { Fields, KindRules } from "../rules.ts";
import { validateJobChange } from "./job-changes.ts";
import { validateJobStatus } from "./job-status.ts";
import { validateJobSpec } from "./job-validation.ts";

const UID_LABEL = "batch.kubernetes.io/controller-uid";
/** What the labels of a Job's pods were before they had a domain. */
const LEGACY_UID_LABEL = "controller-uid";
const NAME_LABELS = ["job-name", "batch.kubernetes.io/job-name"];
const UID_LABELS = [LEGACY_UID_LABEL, UID_LABEL];

const INT32_MAX = 2_147_483_647;

const ORPHANS =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

export const jobRules: KindRules = {
  orphans: { warning: ORPHANS },
  defaults: (object) => {
    const spec = member(object, "spec");
    defaultJobTemplate(spec);
    defaultJob(object, spec);
  },
  prepareCreate: (object) => {
    const { metadata, spec } = object as Job;
    const shared = metadata?.labels !== undefined && metadata.labels === spec?.template?.metadata?.labels;
    const { labels: _shared, ...others } = metadata ?? {};
    return withTemplateLabels(withGeneratedSelector(shared ? { ...object, metadata: others } : object));
  },
  prepareUpdate: (object) => withTemplateLabels({ ...object, spec: withoutScheduling((object as Job).spec) }),
  prepareStatusUpdate: (object) => withTemplateLabels(object),
  validate: (object: Job, errors) => {
    validateGeneratedSelector(object, true, errors);
    validateSpec(object.spec ?? NO_SPEC, errors);
    validateNames(object, errors);
  },
  validateUpdate: (object: Job, old: Job, errors) => {
    validateSpec(object.spec ?? NO_SPEC, errors);
    validateJobChange(object, old, errors);
    validateNames(object, errors);
  },
  validateStatusUpdate: validateJobStatus,
  warnings: ({ metadata, spec }: Job) => [...nameWarnings(metadata), ...jobWarnings("spec", spec)],
  retold: (object: Job, old: Job) => retoldOfJob("spec", object, old, object.spec),
  cells,
};

const NO_SPEC: JobSpec = { template: {} };

/** Of a Job as of the template of one. */
export function defaultJobTemplate(spec: JsonObject): void {
  defaultPodSpec(member(member(spec, "template"), "spec"));
  for (const rule of objectsIn(objectIn(spec, "podFailurePolicy")?.["rules"])) {
    for (const pattern of objectsIn(rule["onPodConditions"])) setDefault(pattern, "status", "True", "");
  }
}

function defaultJob(object: JsonObject, spec: JsonObject): void {
  if (spec["parallelism"] === undefined) setDefault(spec, "completions", 1);
  setDefault(spec, "parallelism", 1);
  setDefault(spec, "backoffLimit", spec["backoffLimitPerIndex"] === undefined ? 6 : INT32_MAX);
  setDefault(spec, "completionMode", "NonIndexed");
  setDefault(spec, "suspend", false);
  setDefault(spec, "podReplacementPolicy", spec["podFailurePolicy"] === undefined ? "TerminatingOrFailed" : "Failed");
  setDefault(spec, "manualSelector", false);
  const labels = objectIn(objectIn(member(spec, "template"), "metadata") ?? {}, "labels");
  const metadata = member(object, "metadata");
  // The very object: what is generated for the pods is for the Job as well, unless it has labels of its own.
  if (labels !== undefined && Object.keys(objectIn(metadata, "labels") ?? {}).length === 0) metadata["labels"] = labels;
}

/** A Job without labels has those of its pods; Kubernetes sees to it whenever it reads one, and so also for those it generates. */
function withTemplateLabels(object: Fields): Fields {
  const labels = (object as Job).spec?.template?.metadata?.labels;
  if (labels === undefined || Object.keys(object.metadata?.labels ?? {}).length > 0) return object;
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** How its pods are scheduled together is switched off in Kubernetes, which takes the field away. */
export function withoutScheduling<T extends JobSpec>(spec: T | undefined): Omit<T, "scheduling"> | undefined {
  if (spec === undefined) return undefined;
  const { scheduling: _off, ...rest } = spec;
  return rest;
}

/** A Job's pods are told from others by its uid. Source: `generateSelector`. */
function withGeneratedSelector(object: Fields): Fields {
  const { metadata = {}, spec } = object as Job;
  const { uid = "", name = "" } = metadata;
  if (spec === undefined || spec.manualSelector === true) return { ...object, spec: withoutScheduling(spec) };
  const generated = Object.fromEntries([
    ...NAME_LABELS.map((key) => [key, name]),
    ...UID_LABELS.map((key) => [key, uid]),
  ]);
  const given = spec.template?.metadata?.labels;
  const labels: Readonly<Record<string, string>> = { ...generated, ...given };
  const template = { ...spec.template, metadata: { ...spec.template?.metadata, labels } };
  const matchLabels = { [UID_LABEL]: uid, ...spec.selector?.matchLabels };
  const selector: LabelSelector = { ...spec.selector, matchLabels };
  return { ...object, spec: { ...withoutScheduling(spec), selector, template } };
}

function validateGeneratedSelector(job: Job, prefixed: boolean, errors: FieldErrors): void {
  const { metadata = {}, spec } = job;
  if (spec?.manualSelector === true || spec?.selector === undefined) return;
  const { uid = "", name = "" } = metadata;
  const expected: Record<string, string> = { [LEGACY_UID_LABEL]: uid, "job-name": name };
  if (prefixed) Object.assign(expected, { [UID_LABEL]: uid, "batch.kubernetes.io/job-name": name });
  for (const [key, value] of Object.entries(expected)) validateHasLabel(spec.template ?? {}, key, value, errors);
  if (!isSelector(spec.selector) || compileSelectorObject(spec.selector).matches(expected)) return;
  errors.invalid("spec.selector", spec.selector, "`selector` not auto-generated");
}

function validateHasLabel({ metadata }: PodTemplateSpec, key: string, value: string, errors: FieldErrors): void {
  const labels = metadata?.labels ?? {};
  const at = `spec.template.metadata.labels[${key}]`;
  if (!Object.hasOwn(labels, key)) errors.required(at, `must be '${value}'`);
  else if (labels[key] !== value) errors.invalid(at, labels, `must be '${value}'`);
}

function validateSpec(spec: JobSpec, errors: FieldErrors): void {
  const { selector, template } = spec;
  validateJobSpec("spec", spec, errors);
  if (selector === undefined) errors.required("spec.selector");
  else validateLabelSelector("spec.selector", selector, errors);
  const labels = template?.metadata?.labels;
  if (selector !== undefined && !isSelector(selector)) return;
  if (compileSelectorObject(selector).matches(labels ?? {})) return;
  errors.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
}

/** The pods of an indexed Job have its name and their index for a host name. */
function validateNames({ metadata, spec }: Job, errors: FieldErrors): void {
  const completions = spec?.completions ?? 0;
  if (spec?.completionMode !== "Indexed" || completions <= 0) return;
  const last = `${metadata?.name ?? ""}-${completions - 1}`;
  if (dns1123Label(last).length === 0) return;
  errors.invalid("metadata.name", metadata?.name, `will not able to create pod with invalid DNS label: ${last}`);
}

const MANY_COMPLETIONS = 100_000;
const MANY_IN_PARALLEL = 10_000;

/** @param at the place of the spec */
export function jobWarnings(at: string, spec: JobSpec | undefined): readonly string[] {
  return [...countWarnings(at, spec), ...templateWarnings(`${at}.template.`, spec?.template)];
}

/** What an update tells of it again. */
export function retoldOfJob(
  at: string,
  object: Job | CronJob,
  old: Job | CronJob,
  spec: JobSpec | undefined,
): readonly string[] {
  if (object.metadata?.generation === old.metadata?.generation) return [];
  return [...countWarnings(at, spec), ...retoldOfTemplate(`${at}.template.`, object, old, spec?.template)];
}

function countWarnings(at: string, spec: JobSpec | undefined): readonly string[] {
  const many = (spec?.completions ?? 0) > MANY_COMPLETIONS && (spec?.parallelism ?? 0) > MANY_IN_PARALLEL;
  const why =
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
  return many && spec?.completionMode === "Indexed" ? [`${at}: ${why}`] : [];
}

const STATES = ["Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet"] as const;

function stateOf({ metadata, status }: Job): string {
  const holds = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
  const state = STATES.find(holds);
  if (state === "Complete" || state === "Failed") return state;
  if (metadata?.deletionTimestamp !== undefined) return "Terminating";
  return state ?? "Running";
}

function cells(object: Job, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  const parallelism = spec?.parallelism ?? 0;
  const of = spec?.completions ?? (parallelism > 1 ? `1 of ${parallelism}` : "1");
  const startMs = parseTimeMs(status?.startTime ?? "");
  const endMs = parseTimeMs(status?.completionTime ?? "") ?? nowMs;
  return [
    nameOf(object),
    stateOf(object),
    `${status?.succeeded ?? 0}/${of}`,
    startMs === undefined ? "" : humanDuration(endMs - startMs),
    ageOf(object, nowMs),
    ...containerCells(spec?.template),
    formatSelectorObject(spec?.selector) || "<none>",
  ];
}
