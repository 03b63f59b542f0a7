/** What a Job may ask for. Source: Kubernetes `pkg/apis/batch/validation/validation.go` `validateJobSpec`. */
import type {
  JobSpec,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
  SuccessPolicy,
} from "../../../../../protocols/kubernetes/types/batch-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain, qualifiedName } from "../../machinery/validation/names.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import { indexesIn } from "./job-indexes.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const PARALLEL_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
/** From so many completions on, less is allowed of the rest. */
const MANY_COMPLETIONS = 100_000;
const LIMIT_OF_MANY = 10_000;
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const MANAGER_BYTES_MAX = 63;
const INDEXES_BYTES_MAX = 64 * 1024;

/** Go's `%q` of a list. */
function valid(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

export function validateJobSpec(at: string, spec: JobSpec, errors: FieldErrors): void {
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const) {
    errors.notNegative(`${at}.${name}`, spec[name]);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.required(`${at}.backoffLimitPerIndex`, "when maxFailedIndexes is specified");
  }
  if (spec.managedBy !== undefined) validateManager(`${at}.managedBy`, spec.managedBy, errors);
  validateCompletionMode(at, spec, errors);
  if (spec.podFailurePolicy !== undefined) validateFailurePolicy(at, spec.podFailurePolicy, spec, errors);
  if (spec.successPolicy !== undefined) validateSuccessPolicy(`${at}.successPolicy`, spec.successPolicy, spec, errors);
  if (spec.podReplacementPolicy !== undefined) {
    const supported = spec.podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
    errors.oneOf(`${at}.podReplacementPolicy`, spec.podReplacementPolicy, supported);
  }
  validateTemplate(`${at}.template`, spec.template ?? {}, errors);
  validateRestartPolicy(`${at}.template.spec.restartPolicy`, spec, errors);
}

const PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;
const PATH_MESSAGE = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";

function validateManager(at: string, manager: string, errors: FieldErrors): void {
  const slash = manager.indexOf("/");
  const [host, path] = [manager.slice(0, slash), manager.slice(slash + 1)];
  if (manager === "") errors.required(at);
  else if (slash <= 0 || path === "") {
    errors.invalid(at, manager, 'must be a domain-prefixed path (such as "acme.io/foo")');
  } else {
    errors.all(at, host, dns1123Subdomain(host));
    if (!PATH.test(path)) errors.invalid(at, path, PATH_MESSAGE);
  }
  if (manager.length > MANAGER_BYTES_MAX) errors.tooLong(at, MANAGER_BYTES_MAX);
}

function validateCompletionMode(at: string, spec: JobSpec, errors: FieldErrors): void {
  const { completionMode: mode, completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  if (mode !== undefined) errors.oneOf(`${at}.completionMode`, mode, ["NonIndexed", "Indexed"]);
  if (mode !== "Indexed") {
    if (mode !== undefined && mode !== "NonIndexed") return;
    for (const name of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) {
      if (spec[name] !== undefined) errors.invalid(`${at}.${name}`, spec[name], "requires indexed completion mode");
    }
    return;
  }
  const atMost = (name: string, value: number, max: number, why: string): void => {
    if (value > max) errors.invalid(`${at}.${name}`, value, `must be less than or equal to ${max}${why}`);
  };
  if (completions === undefined) errors.required(`${at}.completions`, "when completion mode is Indexed");
  atMost("parallelism", parallelism, PARALLEL_MAX, " when completion mode is Indexed");
  if (completions !== undefined && failed !== undefined && failed > completions) {
    errors.invalid(`${at}.maxFailedIndexes`, failed, "must be less than or equal to completions");
  }
  atMost("maxFailedIndexes", failed ?? 0, FAILED_INDEXES_MAX, "");
  if (completions === undefined || completions <= MANY_COMPLETIONS || spec.backoffLimitPerIndex === undefined) return;
  if (failed === undefined) {
    errors.required(`${at}.maxFailedIndexes`, `must be specified when completions is above ${MANY_COMPLETIONS}`);
  }
  const why = ` when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  atMost("parallelism", parallelism, LIMIT_OF_MANY, why);
  atMost("maxFailedIndexes", failed ?? 0, LIMIT_OF_MANY, why);
}

function validateRestartPolicy(at: string, spec: JobSpec, errors: FieldErrors): void {
  const policy = spec.template?.spec?.restartPolicy;
  if (policy === undefined || policy === "Always") errors.required(at, 'valid values: "OnFailure", "Never"');
  else if (policy !== "OnFailure" && policy !== "Never") errors.oneOf(at, policy, ["OnFailure", "Never"]);
  else if (spec.podFailurePolicy !== undefined && policy !== "Never") {
    errors.invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const STATUSES = ["False", "True", "Unknown"];

function validateFailurePolicy(at: string, policy: PodFailurePolicy, spec: JobSpec, errors: FieldErrors): void {
  const field = `${at}.podFailurePolicy.rules`;
  const rules = policy.rules ?? [];
  if (rules.length > RULES_MAX) errors.tooMany(field, rules.length, RULES_MAX);
  for (const [i, rule] of rules.entries()) validateFailureRule(`${field}[${i}]`, rule, spec, errors);
}

function validateFailureRule(at: string, rule: PodFailurePolicyRule, spec: JobSpec, errors: FieldErrors): void {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (!action) errors.required(`${at}.action`, valid(ACTIONS));
  else if (action !== "FailIndex") errors.oneOf(`${at}.action`, action, ACTIONS);
  else if (spec.backoffLimitPerIndex === undefined) {
    errors.invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set");
  }
  if (onExitCodes !== undefined) validateExitCodes(`${at}.onExitCodes`, onExitCodes, spec, errors);
  if (onPodConditions.length > RULES_MAX) errors.tooMany(`${at}.onPodConditions`, onPodConditions.length, RULES_MAX);
  for (const [i, { type, status }] of onPodConditions.entries()) {
    const here = `${at}.onPodConditions[${i}]`;
    errors.all(`${here}.type`, type, qualifiedName(type));
    if (!status) errors.required(`${here}.status`, valid(STATUSES));
    else errors.oneOf(`${here}.status`, status, STATUSES);
  }
  const [codes, conditions] = [onExitCodes !== undefined, onPodConditions.length > 0];
  if (codes && conditions) errors.wrong(at, "specifying both OnExitCodes and OnPodConditions is not supported");
  if (!codes && !conditions) errors.wrong(at, "specifying one of OnExitCodes and OnPodConditions is required");
}

function validateExitCodes(
  at: string,
  requirement: PodFailurePolicyOnExitCodesRequirement,
  spec: JobSpec,
  errors: FieldErrors,
): void {
  const { operator, containerName } = requirement;
  const values = requirement.values ?? [];
  if (!operator) errors.required(`${at}.operator`, valid(["In", "NotIn"]));
  else errors.oneOf(`${at}.operator`, operator, ["In", "NotIn"]);
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  if (containerName !== undefined && ![...containers, ...initContainers].some(({ name }) => name === containerName)) {
    const detail = "must be one of the container or initContainer names in the pod template";
    errors.invalid(`${at}.containerName`, containerName, detail);
  }
  if (values.length === 0) errors.invalid(`${at}.values`, requirement.values, "at least one value is required");
  else if (values.length > EXIT_CODES_MAX) errors.tooMany(`${at}.values`, values.length, EXIT_CODES_MAX);
  const repeated = repeatedAt(values);
  for (const [i, value] of values.entries()) {
    if (operator === "In" && value === 0)
      errors.invalid(`${at}.values[${i}]`, value, "must not be 0 for the In operator");
    if (repeated.has(i)) errors.duplicate(`${at}.values[${i}]`, value);
  }
  const ordered = values.every((value, i) => i === 0 || (values[i - 1] ?? value) <= value);
  if (!ordered) errors.invalid(`${at}.values`, values, "must be ordered");
}

function validateSuccessPolicy(at: string, policy: SuccessPolicy, spec: JobSpec, errors: FieldErrors): void {
  const rules = policy.rules ?? [];
  if (spec.completionMode !== "Indexed") {
    return errors.invalid(at, shownSuccessPolicy(policy), "requires indexed completion mode");
  }
  if (rules.length === 0) {
    errors.required(`${at}.rules`, "at least one rules must be specified when the successPolicy is specified");
  }
  if (rules.length > RULES_MAX) errors.tooMany(`${at}.rules`, rules.length, RULES_MAX);
  const completions = spec.completions ?? 0;
  for (const [i, { succeededCount: count, succeededIndexes: indexes }] of rules.entries()) {
    const here = `${at}.rules[${i}]`;
    if (count === undefined && indexes === undefined) {
      errors.required(here, "at least one of succeededCount or succeededIndexes must be specified");
    }
    const found = indexesIn(indexes ?? "", completions);
    if ((indexes ?? "").length > INDEXES_BYTES_MAX) errors.tooLong(`${here}.succeededIndexes`, INDEXES_BYTES_MAX);
    if (typeof found === "string") {
      errors.invalid(`${here}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${found}`);
    }
    if (count === undefined) continue;
    const atMost = (max: number, of: string): void => {
      if (count > max) errors.invalid(`${here}.succeededCount`, count, `must be less than or equal to ${max} (${of})`);
    };
    errors.notNegative(`${here}.succeededCount`, count);
    atMost(completions, "the number of specified completions");
    const total = typeof found === "string" ? 0 : found;
    if (indexes !== undefined) atMost(total, "the number of indexes in the specified succeededIndexes field");
  }
}

/** As Go's types name the fields. */
export function shownSuccessPolicy(policy: SuccessPolicy | undefined): unknown {
  if (policy === undefined) return null;
  const rules = (policy.rules ?? []).map(({ succeededIndexes, succeededCount }) => ({
    SucceededIndexes: succeededIndexes ?? null,
    SucceededCount: succeededCount ?? null,
  }));
  return { Rules: rules };
}

export function shownFailurePolicy(policy: PodFailurePolicy | undefined): unknown {
  if (policy === undefined) return null;
  const rules = (policy.rules ?? []).map(({ action, onExitCodes, onPodConditions }) => ({
    Action: action,
    OnExitCodes: onExitCodes
      ? {
          ContainerName: onExitCodes.containerName ?? null,
          Operator: onExitCodes.operator,
          Values: onExitCodes.values,
        }
      : null,
    OnPodConditions: onPodConditions?.map(({ type, status }) => ({ Type: type, Status: status ?? "" })) ?? null,
  }));
  return { Rules: rules };
}
