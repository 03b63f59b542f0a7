/**
 * How a Job's status may change. What was wrong before and is not touched is let through.
 * Source: Kubernetes `getStatusValidationOptions`, `validateJobStatus`, `ValidateJobStatusUpdate`.
 */
import type { Job, JobSpec, JobStatus } from "../../../../../protocols/kubernetes/types/batch-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { parseTimeMs } from "../../machinery/time.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { commonIndex, indexesIn } from "./job-indexes.ts";

const CONDITIONS = ["Complete", "Failed", "FailureTarget", "SuccessCriteriaMet", "Suspended"] as const;
type Condition = (typeof CONDITIONS)[number];

/** The conditions that hold. */
function truths({ conditions = [] }: JobStatus): ReadonlySet<Condition> {
  return new Set(CONDITIONS.filter((type) => conditions.some((one) => one.type === type && one.status === "True")));
}

/** A status with what is made of it. */
interface View {
  readonly status: JobStatus;
  readonly is: ReadonlySet<Condition>;
  readonly finished: boolean;
}

function viewOf(status: JobStatus = {}): View {
  const is = truths(status);
  return { status, is, finished: is.has("Complete") || is.has("Failed") };
}

export function validateJobStatus(job: Job, old: Job, errors: FieldErrors): void {
  const [now, then] = [viewOf(job.status), viewOf(old.status)];
  for (const name of ["active", "succeeded", "failed", "ready", "terminating"] as const) {
    errors.notNegative(`status.${name}`, now.status[name]);
  }
  validateUncounted(now.status, errors);
  validateEnd(now, then, errors);
  validateFinished(now, then, job, errors);
  validateIndexes(now.status, then.status, job, errors);
  validatePods(now, then, errors);
  validateCriteria(now, job, errors);
  validateChange(now, then, job, errors);
}

function validateUncounted({ uncountedTerminatedPods: pods = {} }: JobStatus, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const list of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (pods[list] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") errors.invalid(at, uid, "must not be empty");
      else if (seen.has(uid)) errors.duplicate(at, uid);
      seen.add(uid);
    }
  }
}

/** What can't be so at once. */
function validateEnd(now: View, then: View, errors: FieldErrors): void {
  const changed = (type: Condition): boolean => now.is.has(type) !== then.is.has(type);
  const all = (...types: readonly Condition[]): boolean => types.every((type) => now.is.has(type));
  const wrong = (detail: string): void => errors.wrong("status.conditions", detail);
  if (all("Complete", "Failed") && (changed("Complete") || changed("Failed"))) {
    wrong("cannot set Complete=True and Failed=true conditions");
  }
  if (all("Complete", "FailureTarget") && (changed("Complete") || changed("FailureTarget"))) {
    wrong("cannot set Complete=True and FailureTarget=true conditions");
  }
  validateTimes(now, then, errors);
  const indexesChanged = now.status.failedIndexes !== then.status.failedIndexes;
  if (all("Failed") && !all("FailureTarget") && (changed("Failed") || indexesChanged)) {
    wrong("cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if (all("Complete") && !all("SuccessCriteriaMet") && (changed("Complete") || changed("SuccessCriteriaMet"))) {
    wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
}

function validateTimes(now: View, then: View, errors: FieldErrors): void {
  const { startTime: start, completionTime: completion } = now.status;
  const complete = now.is.has("Complete");
  const moves = completion !== then.status.completionTime;
  if (moves || complete !== then.is.has("Complete")) {
    if (completion !== undefined && !complete) {
      const detail = "cannot set completionTime when there is no Complete=True condition";
      errors.invalid("status.completionTime", completion, detail);
    }
    if (completion === undefined && complete) {
      errors.required("status.completionTime", "completionTime is required for Complete jobs");
    }
  }
  if (start === undefined || completion === undefined || msOf(completion) >= msOf(start)) return;
  if (!moves && start === then.status.startTime) return;
  errors.invalid("status.completionTime", completion, "must be equal to or after `startTime`");
}

function msOf(time: string): number {
  return parseTimeMs(time) ?? 0;
}

function validateFinished(now: View, then: View, { spec }: Job, errors: FieldErrors): void {
  if (!now.finished) return;
  const { active = 0, startTime: start, uncountedTerminatedPods: uncounted } = now.status;
  const [finishes, was] = [!then.finished, then.status];
  if (active > 0 && (finishes || active !== (was.active ?? 0))) {
    errors.invalid("status.active", active, "active>0 is invalid for finished job");
  }
  const nothingToDo = spec?.suspend === true && spec.completions === 0;
  if (start === undefined && (finishes || start !== was.startTime) && !nothingToDo) {
    errors.required("status.startTime", "startTime is required for finished job");
  }
  const left = (uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length;
  const uncountedChanged = !equalJson(uncounted ?? null, was.uncountedTerminatedPods ?? null);
  if (left === 0 || !(finishes || uncountedChanged)) return;
  const shown = { Succeeded: uncounted?.succeeded ?? null, Failed: uncounted?.failed ?? null };
  errors.invalid("status.uncountedTerminatedPods", shown, "must be empty for finished job");
}

function validateIndexes(now: JobStatus, then: JobStatus, { spec }: Job, errors: FieldErrors): void {
  const { completedIndexes: completed = "", failedIndexes: failed } = now;
  const completedChanged = completed !== (then.completedIndexes ?? "");
  const failedChanged = failed !== then.failedIndexes;
  const completions = spec?.completions;
  if (completions !== undefined && completedChanged) {
    const problem = indexesIn(completed, completions);
    if (typeof problem === "string") {
      errors.invalid("status.completedIndexes", completed, `error parsing completedIndexes: ${problem}`);
    }
  }
  const perIndex = spec?.backoffLimitPerIndex !== undefined;
  if (completions !== undefined && perIndex && failed !== undefined && failedChanged) {
    const problem = indexesIn(failed, completions);
    if (typeof problem === "string") {
      errors.invalid("status.failedIndexes", failed, `error parsing failedIndexes: ${problem}`);
    }
  }
  if (completedChanged && completed !== "" && spec?.completionMode !== "Indexed") {
    const detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.invalid("status.completedIndexes", completed, detail);
  }
  if (failed === undefined) return;
  if (failedChanged && !perIndex) {
    const detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    errors.invalid("status.failedIndexes", failed, detail);
  }
  if (completions === undefined || !(failedChanged || completedChanged)) return;
  const both = commonIndex(completed, failed, completions);
  if (both === undefined) return;
  errors.invalid("status.failedIndexes", failed, `failedIndexes and completedIndexes overlap at index: ${both}`);
}

function validatePods(now: View, then: View, errors: FieldErrors): void {
  const { active = 0, ready, terminating } = now.status;
  const terminatingChanged = now.finished !== then.finished || terminating !== then.status.terminating;
  if (now.finished && (terminating ?? 0) > 0 && terminatingChanged) {
    errors.invalid("status.terminating", terminating, "terminating>0 is invalid for finished job");
  }
  const readyChanged = ready !== then.status.ready || active !== (then.status.active ?? 0);
  if (ready === undefined || ready <= active || !readyChanged) return;
  errors.invalid("status.ready", ready, "cannot set more ready pods than active");
}

function validateCriteria({ is }: View, { spec }: Job, errors: FieldErrors): void {
  const wrong = (detail: string): void => errors.wrong("status.conditions", detail);
  const met = is.has("SuccessCriteriaMet");
  if (met && is.has("Failed")) wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (met && is.has("FailureTarget")) wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (spec?.successPolicy === undefined || met || !is.has("Complete")) return;
  wrong("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
}

function validateChange(now: View, then: View, { spec }: Job, errors: FieldErrors): void {
  const wrong = (detail: string): void => errors.wrong("status.conditions", detail);
  for (const type of ["Failed", "Complete", "FailureTarget"] as const) {
    if (then.is.has(type) && !now.is.has(type)) wrong(`cannot disable the terminal ${type}=True condition`);
  }
  validateCounters(now.status, then.status, spec, errors);
  const { startTime: start, completionTime: completion } = now.status;
  const { startTime: started, completionTime: completed } = then.status;
  if (completion !== undefined && completed !== undefined && completion !== completed) {
    errors.invalid("status.completionTime", completion, "field is immutable");
  }
  const resumes =
    then.is.has("Suspended") &&
    (now.status.conditions ?? []).some(({ type, status }) => type === "Suspended" && status === "False");
  if (started !== undefined && start !== started && !resumes && spec?.suspend !== true) {
    errors.invalid("status.startTime", start ?? null, "field is immutable for unsuspended job once set");
  }
  const [met, wasMet] = [now.is.has("SuccessCriteriaMet"), then.is.has("SuccessCriteriaMet")];
  if (wasMet && !met) wrong("cannot disable the SuccessCriteriaMet=True condition");
  if (!then.is.has("Complete") || wasMet || !met) return;
  wrong("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}

function validateCounters(now: JobStatus, then: JobStatus, spec: JobSpec | undefined, errors: FieldErrors): void {
  if ((now.failed ?? 0) < (then.failed ?? 0)) {
    errors.invalid("status.failed", now.failed ?? 0, "cannot decrease the failed counter");
  }
  // A Job whose completions and parallelism are the same is scaled down.
  const elastic = spec?.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (elastic || (now.succeeded ?? 0) >= (then.succeeded ?? 0)) return;
  errors.invalid("status.succeeded", now.succeeded ?? 0, "cannot decrease the succeeded counter");
}
