/**
 * Which requests an audit log tells of, and how much: a Policy of `audit.k8s.io/v1`, and the first of its rules that a request matches.
 * Source: apiserver `pkg/apis/audit/validation`, `pkg/audit/policy`.
 */
import type { UserInfo } from "../identity.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { dns1123Subdomain } from "../machinery/validation/names.ts";

const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
const STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;

export type AuditLevel = (typeof LEVELS)[number];
export type AuditStage = (typeof STAGES)[number];

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface PolicyRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** A Policy that has been checked. */
export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

/** What is asked, as far as a rule looks at it. */
export interface AuditedRequest {
  readonly verb: string;
  readonly path: string;
  /** Undefined: it is about no resource. */
  readonly resource: AuditedResource | undefined;
}

export interface AuditedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What is kept of one request. */
export interface AuditTerms {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

export class AuditRules {
  private readonly policy: AuditPolicy;
  private readonly terms: ReadonlyMap<PolicyRule, AuditTerms>;
  private readonly none: AuditTerms;

  constructor(policy: AuditPolicy) {
    const { rules, omitStages = [], omitManagedFields = false } = policy;
    this.policy = policy;
    this.none = { level: "None", omitStages: new Set(omitStages), omitManagedFields };
    this.terms = new Map(
      rules.map((rule) => [
        rule,
        {
          level: rule.level,
          omitStages: new Set([...omitStages, ...(rule.omitStages ?? [])]),
          omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
        },
      ]),
    );
  }

  /** @param user undefined: nobody that is known */
  termsFor(request: AuditedRequest, user: UserInfo | undefined): AuditTerms {
    const found = this.policy.rules.find((rule) => matches(rule, request, user));
    return (found === undefined ? undefined : this.terms.get(found)) ?? this.none;
  }
}

function matches(rule: PolicyRule, request: AuditedRequest, user: UserInfo | undefined): boolean {
  const { users = [], userGroups = [], verbs = [], namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && (user === undefined || !users.includes(user.user))) return false;
  if (userGroups.length > 0 && user?.groups.some((group) => userGroups.includes(group)) !== true) return false;
  if (verbs.length > 0 && !verbs.includes(request.verb)) return false;
  const { resource, path } = request;
  if (namespaces.length > 0 || resources.length > 0) {
    if (resource === undefined) return false;
    if (namespaces.length > 0 && !namespaces.includes(resource.namespace)) return false;
    return resources.length === 0 || resources.some((each) => includes(each, resource));
  }
  if (nonResourceURLs.length === 0) return true;
  return resource === undefined && nonResourceURLs.some((url) => isPathOf(path, url));
}

function includes({ group = "", resources = [], resourceNames = [] }: GroupResources, asked: AuditedResource): boolean {
  if (group !== asked.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(asked.name)) return false;
  const { resource, subresource } = asked;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some(
    (each) =>
      each === "*" || each === full || each === `${resource}/*` || (subresource !== "" && each === `*/${subresource}`),
  );
}

function isPathOf(path: string, url: string): boolean {
  return url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1)));
}

const FIELDS = ["apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"];
const RULE_FIELDS: Readonly<Record<string, "texts" | "flag" | "text" | "resources">> = {
  level: "text",
  users: "texts",
  userGroups: "texts",
  verbs: "texts",
  resources: "resources",
  namespaces: "texts",
  nonResourceURLs: "texts",
  omitStages: "texts",
  omitManagedFields: "flag",
};

/** The Policy that `value` is, or what is wrong with it: in Kubernetes' words where it has some. Unknown fields are wrong, too. */
export function readPolicy(value: unknown): { readonly policy: AuditPolicy } | { readonly problem: string } {
  if (!isRecord(value))
    return { problem: "a policy is a map, as { apiVersion: audit.k8s.io/v1, kind: Policy, rules: [...] }" };
  const { apiVersion, kind } = value;
  if (apiVersion !== "audit.k8s.io/v1" || kind !== "Policy") {
    const version = typeof apiVersion === "string" ? apiVersion : "";
    const said = `no kind ${JSON.stringify(typeof kind === "string" ? kind : "")} is registered for version`;
    return { problem: `failed decoding: ${said} ${JSON.stringify(version)}; it must be Policy of audit.k8s.io/v1` };
  }
  const shape = [...unknownFields(value, FIELDS, ""), ...shapeProblems(value)];
  if (shape.length > 0) return { problem: `strict decoding error: ${shape.join(", ")}` };
  const policy = value as unknown as AuditPolicy;
  if ((policy.rules ?? []).length === 0) return { problem: "loaded illegal policy with 0 rules" };
  const errors = new FieldErrors();
  checkStages(errors, "omitStages", policy.omitStages ?? []);
  for (const [index, rule] of policy.rules.entries()) checkRule(errors, `rules[${index}]`, rule);
  const told = errors.causes.map(({ field, message }) => `${field}: ${message}`);
  if (told.length === 0) return { policy };
  return { problem: told.length === 1 ? told[0]! : `[${told.join(", ")}]` };
}

function shapeProblems({ rules, omitStages, omitManagedFields }: Readonly<Record<string, unknown>>): readonly string[] {
  const problems: string[] = [];
  if (rules !== undefined && !Array.isArray(rules)) return ["rules must be a list"];
  if (omitStages !== undefined && !areTexts(omitStages)) problems.push("omitStages must be a list of texts");
  if (omitManagedFields !== undefined && typeof omitManagedFields !== "boolean")
    problems.push("omitManagedFields must be true or false");
  for (const [index, rule] of ((rules ?? []) as readonly unknown[]).entries()) {
    const at = `rules[${index}]`;
    if (!isRecord(rule)) {
      problems.push(`${at} must be a map`);
      continue;
    }
    problems.push(...unknownFields(rule, Object.keys(RULE_FIELDS), `${at}.`));
    for (const [field, kind] of Object.entries(RULE_FIELDS)) {
      const given = rule[field];
      if (given === undefined || given === null) continue;
      const problem = fieldProblem(given, kind);
      if (problem !== undefined) problems.push(`${at}.${field} ${problem}`);
    }
  }
  return problems;
}

function fieldProblem(given: unknown, kind: (typeof RULE_FIELDS)[string]): string | undefined {
  switch (kind) {
    case "text":
      return typeof given === "string" ? undefined : "must be a text";
    case "flag":
      return typeof given === "boolean" ? undefined : "must be true or false";
    case "texts":
      return areTexts(given) ? undefined : "must be a list of texts";
    case "resources": {
      const fields = ["group", "resources", "resourceNames"];
      const isRight = (each: unknown): boolean =>
        isRecord(each) &&
        Object.keys(each).every((field) => fields.includes(field)) &&
        typeof (each["group"] ?? "") === "string" &&
        areTexts(each["resources"] ?? []) &&
        areTexts(each["resourceNames"] ?? []);
      const hint = 'must be a list of { group: "apps", resources: ["deployments"], resourceNames: ["web"] }';
      return Array.isArray(given) && given.every(isRight) ? undefined : hint;
    }
    case undefined:
      return undefined;
  }
}

function checkRule(errors: FieldErrors, at: string, rule: PolicyRule): void {
  const { level, nonResourceURLs = [], resources = [], namespaces = [], omitStages = [] } = rule;
  if (!level) errors.required(`${at}.level`);
  else errors.oneOf(`${at}.level`, level, LEVELS);
  for (const [index, url] of nonResourceURLs.entries()) {
    if (url === "*") continue;
    const field = `${at}.nonResourceURLs[${index}]`;
    if (!url.startsWith("/")) errors.invalid(field, url, "non-resource URL rules must begin with a '/' character");
    if (url.slice(0, -1).includes("*"))
      errors.invalid(field, url, "non-resource URL wildcards '*' must be the final character of the rule");
  }
  for (const { group = "", resources: names = [], resourceNames = [] } of resources) {
    if (group !== "") errors.all(`${at}.resources.group`, group, dns1123Subdomain(group));
    if (resourceNames.length > 0 && names.length === 0) {
      const detail = "using resourceNames requires at least one resource";
      errors.invalid(`${at}.resources.resourceNames`, resourceNames, detail);
    }
  }
  checkStages(errors, `${at}.omitStages`, omitStages);
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    const detail = "rules cannot apply to both regular resources and non-resource URLs";
    errors.invalid(`${at}.nonResourceURLs`, nonResourceURLs, detail);
  }
}

function checkStages(errors: FieldErrors, at: string, stages: readonly string[]): void {
  for (const [index, stage] of stages.entries()) {
    if (!(STAGES as readonly string[]).includes(stage))
      errors.invalid(`${at}[${index}]`, stage, `allowed stages are ${STAGES.join()}`);
  }
}

function unknownFields(value: object, known: readonly string[], at: string): readonly string[] {
  return Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => `unknown field ${JSON.stringify(at + field)}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
