/**
 * Configurations of webhooks, validating and mutating.
 * Source: Kubernetes `pkg/apis/admissionregistration`, `k8s.io/apiserver/pkg/util/webhook`.
 */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { dns1035Label, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { validateWebhookClient } from "../../machinery/validation/webhook-client.ts";
import type { Steps } from "../../steps.ts";
import { Pace } from "../../steps.ts";
import type { KindRules } from "../rules.ts";
import { sameConditions, validateMatchConditions } from "./match-conditions.ts";
import { validateReservedName } from "./reserved-name.ts";
import { defaultRules, validateRuleWithOperations } from "./rules-of-hooks.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

type Configuration = ValidatingWebhookConfiguration | MutatingWebhookConfiguration;
type Hook = ValidatingWebhook | MutatingWebhook;

/** What an object that is stored has wrong may stay so. */
interface Tolerated {
  readonly sideEffects?: boolean;
  readonly versions?: boolean;
  readonly names?: boolean;
  /** The conditions of all hooks are as they were. */
  readonly conditions?: boolean;
}

export function webhookRules(mutating: boolean): KindRules {
  return {
    plainFinalizers: true,
    defaults: (object) => {
      for (const hook of objectsIn(object["webhooks"])) {
        setDefault(hook, "failurePolicy", "Fail");
        setDefault(hook, "matchPolicy", "Equivalent");
        setDefault(hook, "namespaceSelector", {});
        setDefault(hook, "objectSelector", {});
        setDefault(hook, "timeoutSeconds", 10);
        if (mutating) setDefault(hook, "reinvocationPolicy", "Never");
        defaultRules(hook["rules"]);
        const service = objectIn(objectIn(hook, "clientConfig") ?? {}, "service");
        if (service !== undefined) setDefault(service, "port", 443);
      }
    },
    validate: function* (object: Configuration, errors) {
      yield* validate(object, {}, errors);
      validateReservedName(object.metadata, errors);
    },
    validateUpdate: (object: Configuration, old: Configuration, errors) =>
      validate(object, tolerated(object, old), errors),
    warnings: rulesWithoutEffect,
    cells: (object: Configuration, nowMs) => [nameOf(object), (object.webhooks ?? []).length, ageOf(object, nowMs)],
  };
}

/** Nobody is asked about these. Source: Kubernetes `pkg/kubeapiserver/admission/exclusion`. */
const EXCLUDED: Readonly<Record<string, readonly string[]>> = {
  "authentication.k8s.io": ["selfsubjectreviews", "tokenreviews"],
  "authorization.k8s.io": [
    ...["localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
  ],
};

function rulesWithoutEffect({ webhooks }: Configuration): readonly string[] {
  const hooks: readonly Hook[] = webhooks ?? [];
  return hooks.flatMap(({ rules }, i) =>
    (rules ?? []).flatMap(({ apiGroups = [], resources = [] }, j) => {
      if (apiGroups.includes("*") || resources.includes("*")) return [];
      const named = apiGroups.flatMap((group) =>
        resources
          .filter((resource) => Object.hasOwn(EXCLUDED, group) && EXCLUDED[group]?.includes(resource) === true)
          .map((resource) => `${resource}.${group}`),
      );
      const at = `webhooks[${i}].rules[${j}]`;
      return [...new Set(named)].map(
        (name) => `${at}: ${name} is excluded from admission webhooks; this rule will have no effect`,
      );
    }),
  );
}

const NO_SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const SIDE_EFFECTS = ["None", "NoneOnDryRun", "Some", "Unknown"];
const REVIEW_VERSIONS = ["v1", "v1beta1"];

function tolerated({ webhooks: now }: Configuration, { webhooks }: Configuration): Tolerated {
  const hooks: readonly Hook[] = webhooks ?? [];
  const names = hooks.map(({ name }) => name).filter((name) => name !== "");
  return {
    sideEffects: hooks.some(({ sideEffects }) => !NO_SIDE_EFFECTS.includes(sideEffects as string)),
    versions: hooks.some(({ admissionReviewVersions: list }) => (list ?? []).length > 0 && !isReviewed(list ?? [])),
    names: new Set(names).size < names.length,
    conditions: now?.length === hooks.length && now.every((hook, i) => sameConditions(hook, hooks[i])),
  };
}

function isReviewed(versions: readonly string[]): boolean {
  return versions.some((version) => REVIEW_VERSIONS.includes(version));
}

function* validate({ webhooks }: Configuration, may: Tolerated, errors: FieldErrors): Steps<void> {
  const pace = new Pace();
  const hooks: readonly Hook[] = webhooks ?? [];
  const repeated = repeatedAt(hooks.map((each) => each.name));
  for (const [i, hook] of hooks.entries()) {
    const at = `webhooks[${i}]`;
    yield* validateHook(at, hook, may, pace, errors);
    validateVersions(`${at}.admissionReviewVersions`, hook.admissionReviewVersions ?? [], may, errors);
    if (may.names === true || !hook.name) continue;
    if (repeated.has(i)) errors.duplicate(`${at}.name`, hook.name);
  }
}

const TIMEOUT_MAX_SECONDS = 30;

function* validateHook(at: string, hook: Hook, may: Tolerated, pace: Pace, errors: FieldErrors): Steps<void> {
  validateQualifiedDomain(`${at}.name`, hook.name, errors);
  for (const [i, rule] of (hook.rules ?? []).entries()) validateRuleWithOperations(`${at}.rules[${i}]`, rule, errors);
  errors.oneOf(`${at}.failurePolicy`, hook.failurePolicy, ["Fail", "Ignore"]);
  errors.oneOf(`${at}.matchPolicy`, hook.matchPolicy, ["Equivalent", "Exact"]);
  const allowed = may.sideEffects === true ? SIDE_EFFECTS : NO_SIDE_EFFECTS;
  const { sideEffects, timeoutSeconds: seconds } = hook;
  if (sideEffects === undefined || sideEffects === null) {
    errors.required(`${at}.sideEffects`, `must specify one of ${allowed.join(", ")}`);
  } else errors.oneOf(`${at}.sideEffects`, sideEffects, allowed);
  if (seconds !== undefined && (seconds < 1 || seconds > TIMEOUT_MAX_SECONDS)) {
    errors.invalid(`${at}.timeoutSeconds`, seconds, "the timeout value must be between 1 and 30 seconds");
  }
  if (hook.namespaceSelector) validateLabelSelector(`${at}.namespaceSelector`, hook.namespaceSelector, errors);
  if (hook.objectSelector) validateLabelSelector(`${at}.objectSelector`, hook.objectSelector, errors);
  if ("reinvocationPolicy" in hook) {
    errors.oneOf(`${at}.reinvocationPolicy`, hook.reinvocationPolicy, ["IfNeeded", "Never"]);
  }
  // Their certificates are looked at when they are called.
  validateWebhookClient(`${at}.clientConfig`, hook.clientConfig, true, errors);
  if (may.conditions === true) return;
  yield* validateMatchConditions(`${at}.matchConditions`, hook.matchConditions ?? [], false, pace, errors);
}

function validateQualifiedDomain(field: string, name: string, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  const problems = dns1123Subdomain(name);
  if (problems.length > 0) return errors.invalid(field, name, problems.join(","));
  if (name.split(".").length >= 3) return;
  errors.invalid(field, name, "should be a domain with at least three segments separated by dots");
}

function validateVersions(field: string, versions: readonly string[], may: Tolerated, errors: FieldErrors): void {
  const known = REVIEW_VERSIONS.join(", ");
  if (versions.length === 0) return errors.required(field, `must specify one of ${known}`);
  const repeated = repeatedAt(versions);
  for (const [i, version] of versions.entries()) {
    if (repeated.has(i)) errors.invalid(`${field}[${i}]`, version, "duplicate version");
    else errors.all(`${field}[${i}]`, version, dns1035Label(version));
  }
  if (may.versions === true || isReviewed(versions)) return;
  errors.invalid(field, versions, `must include at least one of ${known}`);
}
