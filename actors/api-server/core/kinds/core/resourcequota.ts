/** ResourceQuotas. Source: Kubernetes `pkg/apis/core/validation`, `pkg/printers`. */
import type {
  ResourceQuota,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { canonicalQuantity, compareQuantities } from "../../../../../protocols/kubernetes/quantity.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, roundAmounts } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isQuotaResource, validateAmount, validateQuotaResourceName } from "../../machinery/validation/resources.ts";
import type { KindRules } from "../rules.ts";

type Amounts = Readonly<Record<string, string>>;

export const resourceQuotaRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => {
    roundAmounts(objectIn(member(object, "spec"), "hard"));
    const status = member(object, "status");
    for (const list of ["hard", "used"]) roundAmounts(objectIn(status, list));
  },
  validate: ({ spec }: ResourceQuota, errors) => validateSpec(spec ?? {}, errors),
  validateUpdate: ({ spec }: ResourceQuota, old: ResourceQuota, errors) => {
    validateSpec(spec ?? {}, errors);
    const scopes = (of: readonly string[] | undefined): string => [...new Set(of)].sort().join();
    if (scopes(spec?.scopes) === scopes(old.spec?.scopes)) return;
    errors.invalid("spec.scopes", spec?.scopes ?? null, "field is immutable");
  },
  validateStatusUpdate: ({ status }: ResourceQuota, _old: ResourceQuota, errors) => {
    validateAmounts("status.hard", status?.hard ?? {}, errors);
    validateAmounts("status.used", status?.used ?? {}, errors);
  },
  warnings: ({ spec }: ResourceQuota) => quotaWarnings(spec?.hard ?? {}),
  cells,
};

function validateAmounts(field: string, amounts: Amounts, errors: FieldErrors): void {
  for (const [name, value] of Object.entries(amounts)) {
    validateQuotaResourceName(`${field}[${name}]`, name, errors);
    validateAmount(`${field}[${name}]`, name, value, errors);
  }
}

const OF_PODS = /^(pods|((limits|requests)\.)?(cpu|memory))$/;
const OF_CLAIMS = /^(persistentvolumeclaims|requests\.storage)$/;
const EVERYTHING = /^/;

/** What of a quota can be counted for a part of the objects only. */
const SCOPES: Readonly<Record<string, RegExp>> = {
  BestEffort: /^pods$/,
  CrossNamespacePodAffinity: OF_PODS,
  NotBestEffort: OF_PODS,
  NotTerminating: OF_PODS,
  PriorityClass: OF_PODS,
  Terminating: OF_PODS,
  VolumeAttributesClass: OF_CLAIMS,
};
/** These are there, or not. */
const WITHOUT_VALUES = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const OPPOSITES = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

function countable(scope: string): RegExp {
  return (Object.hasOwn(SCOPES, scope) ? SCOPES[scope] : undefined) ?? EVERYTHING;
}

function validateSpec(spec: ResourceQuotaSpec, errors: FieldErrors): void {
  const { hard = {}, scopes = [], scopeSelector } = spec;
  validateAmounts("spec.hard", hard, errors);
  const names = Object.keys(hard).filter(isQuotaResource);
  const all = [...scopes];
  const wrong = (detail: string): void => errors.invalid("spec.scopes", all, detail);
  for (const scope of scopes) {
    if (!Object.hasOwn(SCOPES, scope)) wrong("unsupported scope");
    for (const name of names) if (!countable(scope).test(name)) wrong("unsupported scope applied to resource");
  }
  if (conflict(scopes)) wrong("conflicting scopes");
  if (scopeSelector === undefined) return;
  const at = "spec.scopeSelector.matchExpressions";
  const requirements = scopeSelector.matchExpressions ?? [];
  for (const requirement of requirements) {
    const { scopeName } = requirement;
    if (!Object.hasOwn(SCOPES, scopeName)) errors.invalid(`${at}.scopeName`, scopeName, "unsupported scope");
    if (!names.every((name) => countable(scopeName).test(name))) {
      errors.invalid(at, shownSelector(requirements), "unsupported scope applied to resource");
    }
    validateRequirement(at, requirement, errors);
  }
  if (!conflict(requirements.map(({ scopeName }) => scopeName))) return;
  errors.invalid(at, spec.scopes ?? null, "conflicting scopes");
}

function conflict(scopes: readonly string[]): boolean {
  return OPPOSITES.some((pair) => pair.every((scope) => scopes.includes(scope)));
}

/** As Go's types name the fields. */
function shownSelector(requirements: readonly ScopedResourceSelectorRequirement[]): unknown {
  const expressions = requirements.map(({ scopeName, operator, values }) => ({
    ScopeName: scopeName,
    Operator: operator,
    Values: values ?? null,
  }));
  return { MatchExpressions: expressions };
}

/** Kubernetes leaves the index out. */
function validateRequirement(
  at: string,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  errors: FieldErrors,
): void {
  if (WITHOUT_VALUES.includes(scopeName) && operator !== "Exists") {
    const scopes =
      "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.invalid(`${at}.operator`, operator, `must be 'Exists' when scope is any of ${scopes}`);
  }
  switch (operator as string) {
    case "In":
    case "NotIn":
      if (values.length > 0) return;
      return errors.required(
        `${at}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      );
    case "Exists":
    case "DoesNotExist":
      if (values.length === 0) return;
      return errors.invalid(
        `${at}.values`,
        values,
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      );
    default:
      errors.invalid(`${at}.operator`, operator, "not a valid selector operator");
  }
}

/** What is requested can't be more than the limit of it. */
function quotaWarnings(hard: Amounts): readonly string[] {
  return ["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => {
    const short = hard[`requests.${name}`] === undefined && (name === "cpu" || name === "memory");
    const request = short ? name : `requests.${name}`;
    const [asked, limit] = [hard[request], hard[`limits.${name}`]];
    if (asked === undefined || limit === undefined || compareQuantities(asked, limit) <= 0) return [];
    return [`ResourceQuota ${request} (${asked}) should be less than limits.${name} (${limit})`];
  });
}

function cells(object: ResourceQuota, nowMs: number): readonly Cell[] {
  const { hard = {}, used = {} } = object.status ?? {};
  const amounts = (limits: boolean): string =>
    Object.keys(hard)
      .filter((name) => name.startsWith("limits.") === limits)
      .sort()
      .map((name) => `${name}: ${canonicalQuantity(used[name] ?? "0") ?? "0"}/${hard[name] ?? ""}`)
      .join(", ");
  return [nameOf(object), amounts(false), amounts(true), ageOf(object, nowMs)];
}
