/** CronJobs. Source: Kubernetes `pkg/registry/batch/cronjob/strategy.go`, `pkg/apis/batch`. */
import type { CronJob, CronJobSpec } from "../../../../../protocols/kubernetes/types/batch-v1.ts";
import { parseSchedule, timeZoneProblems } from "../../../../../protocols/kubernetes/cron-schedule.ts";
import { formatSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import { age } from "../../machinery/duration.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { nameWarnings } from "../apps/workload.ts";
import type { Fields, KindRules } from "../rules.ts";
import { defaultJobTemplate, jobWarnings, retoldOfJob, withoutScheduling } from "./job.ts";
import { validateJobSpec } from "./job-validation.ts";

/** What is made of it is called by its name and a time. */
const NAME_CHARS_MAX = 52;

export const cronJobRules: KindRules = {
  defaults: (object) => defaults(member(object, "spec")),
  prepareCreate: unscheduled,
  prepareUpdate: unscheduled,
  validate: (object: CronJob, errors) => {
    validateSpec(object.spec, undefined, errors);
    const { name = "" } = object.metadata ?? {};
    if (name.length > NAME_CHARS_MAX) {
      errors.invalid("metadata.name", name, `must be no more than ${NAME_CHARS_MAX} characters`);
    }
  },
  validateUpdate: (object: CronJob, old: CronJob, errors) => validateSpec(object.spec, old.spec, errors),
  warnings: ({ metadata, spec }: CronJob) => [
    ...nameWarnings(metadata),
    ...jobWarnings("spec.jobTemplate.spec", spec?.jobTemplate?.spec),
    ...zoneWarnings(spec),
  ],
  retold: (object: CronJob, old: CronJob) => [
    ...retoldOfJob("spec.jobTemplate.spec", object, old, object.spec?.jobTemplate?.spec),
    ...zoneWarnings(object.spec),
  ],
  cells,
};

const ZONE_WARNING =
  "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";

function zoneWarnings(spec: CronJobSpec | undefined): readonly string[] {
  return spec?.schedule?.includes("TZ") === true ? [ZONE_WARNING] : [];
}

function defaults(spec: JsonObject): void {
  defaultJobTemplate(member(member(spec, "jobTemplate"), "spec"));
  setDefault(spec, "concurrencyPolicy", "Allow", "");
  setDefault(spec, "suspend", false);
  setDefault(spec, "successfulJobsHistoryLimit", 3);
  setDefault(spec, "failedJobsHistoryLimit", 1);
}

function unscheduled(object: Fields): Fields {
  const { spec } = object as CronJob;
  if (spec?.jobTemplate?.spec?.scheduling === undefined) return object;
  const jobTemplate = { ...spec.jobTemplate, spec: withoutScheduling(spec.jobTemplate.spec) };
  return { ...object, spec: { ...spec, jobTemplate } };
}

function validateSpec(spec: CronJobSpec | undefined, old: CronJobSpec | undefined, errors: FieldErrors): void {
  const at = "spec";
  const { schedule = "", timeZone, jobTemplate } = spec ?? {};
  if (schedule !== "")
    validateSchedule(`${at}.schedule`, schedule, timeZone, old?.schedule.includes("TZ") === true, errors);
  errors.notNegative(`${at}.startingDeadlineSeconds`, spec?.startingDeadlineSeconds);
  if (timeZone !== undefined && timeZone !== old?.timeZone) {
    errors.all(`${at}.timeZone`, timeZone, timeZoneProblems(timeZone));
  }
  errors.oneOf(`${at}.concurrencyPolicy`, spec?.concurrencyPolicy, ["Allow", "Forbid", "Replace"]);
  const job = jobTemplate?.spec;
  validateJobSpec(`${at}.jobTemplate.spec`, job ?? { template: {} }, errors);
  if (job?.selector !== undefined) {
    errors.invalid(`${at}.jobTemplate.spec.selector`, job.selector, "`selector` will be auto-generated");
  }
  if (job?.manualSelector === true) errors.unsupported(`${at}.jobTemplate.spec.manualSelector`, true, ["nil", "false"]);
  errors.notNegative(`${at}.successfulJobsHistoryLimit`, spec?.successfulJobsHistoryLimit);
  errors.notNegative(`${at}.failedJobsHistoryLimit`, spec?.failedJobsHistoryLimit);
  if (schedule === "") errors.required(`${at}.schedule`);
}

/** @param zoned the schedule named a zone before, when that was allowed */
function validateSchedule(
  at: string,
  schedule: string,
  timeZone: string | undefined,
  zoned: boolean,
  errors: FieldErrors,
): void {
  const parsed = parseSchedule(schedule);
  if (typeof parsed === "string") errors.invalid(at, schedule, parsed);
  if (!schedule.includes("TZ")) return;
  if (!zoned) errors.invalid(at, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  else if (timeZone !== undefined) {
    errors.invalid(at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
}

function cells(object: CronJob, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  const job = spec?.jobTemplate?.spec;
  return [
    nameOf(object),
    spec?.schedule ?? "",
    spec?.timeZone ?? "<none>",
    spec?.suspend === true ? "True" : "False",
    (status?.active ?? []).length,
    status?.lastScheduleTime ? age(status.lastScheduleTime, nowMs) : "<none>",
    ageOf(object, nowMs),
    ...containerCells(job?.template),
    formatSelectorObject(job?.selector) || "<none>",
  ];
}
