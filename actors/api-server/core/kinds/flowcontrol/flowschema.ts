/** FlowSchemas. Source: Kubernetes `pkg/apis/flowcontrol`. */
import type {
  FlowSchema,
  FlowSchemaStatus,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from "../../../../../protocols/kubernetes/types/flowcontrol-v1.ts";
import { FLOW_SCHEMAS } from "../../bootstrap/flow-control.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

export const flowSchemaRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  defaults: (object) => setDefault(member(object, "spec"), "matchingPrecedence", 1_000, 0),
  statusKeepsMetadata: true,
  validate,
  validateStatusUpdate: ({ status }: FlowSchema, _old: FlowSchema, errors) => validateConditionTypes(status, errors),
  cells,
};

/** Of FlowSchemas as of priority levels. */
export function validateConditionTypes(status: FlowSchemaStatus | undefined, errors: FieldErrors): void {
  const types = (status?.conditions ?? []).map(({ type = "" }) => type);
  const repeated = repeatedAt(types);
  for (const [i, type] of types.entries()) {
    const at = `status.conditions[${i}].type`;
    if (repeated.has(i)) errors.duplicate(at, type);
    if (type === "") errors.required(at);
  }
}

/** What these are is fixed. */
const MANDATORY = ["catch-all", "exempt"];
const PRECEDENCE_MAX = 10_000;
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

function validate(object: FlowSchema, errors: FieldErrors): void {
  const { spec } = object;
  const name = nameOf(object);
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec ?? {};
  const at = "spec.matchingPrecedence";
  if (precedence <= 0) errors.invalid(at, precedence, "must be a positive value");
  if (precedence > PRECEDENCE_MAX) errors.invalid(at, precedence, `must not be greater than ${PRECEDENCE_MAX}`);
  if (precedence === 1 && name !== "exempt") {
    errors.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (method && !["ByNamespace", "ByUser"].includes(method.type)) {
    errors.unsupported("spec.distinguisherMethod.type", { Type: method.type }, ["ByNamespace", "ByUser"]);
  }
  const level = spec?.priorityLevelConfiguration?.name;
  if (!level) errors.required("spec.priorityLevelConfiguration.name", "must reference a priority level");
  else errors.all("spec.priorityLevelConfiguration.name", level, dns1123Subdomain(level));
  for (const [i, rule] of (spec?.rules ?? []).entries()) validateRule(`spec.rules[${i}]`, rule, errors);
  if (MANDATORY.includes(name) && !equalJson(spec, FLOW_SCHEMAS[name])) {
    errors.invalid("spec", spec, `spec of '${name}' must equal the fixed value`);
  }
}

function validateRule(at: string, rule: PolicyRulesWithSubjects, errors: FieldErrors): void {
  const { resourceRules = [], nonResourceRules = [] } = rule;
  const subjects = rule.subjects ?? [];
  if (subjects.length === 0) errors.required(`${at}.subjects`, "subjects must contain at least one value");
  for (const [i, subject] of subjects.entries()) validateSubject(`${at}.subjects[${i}]`, subject, errors);
  if (resourceRules.length + nonResourceRules.length === 0) {
    errors.required(at, "at least one of resourceRules and nonResourceRules has to be non-empty");
  }
  for (const [i, one] of resourceRules.entries()) validateResourceRule(`${at}.resourceRules[${i}]`, one, errors);
  for (const [i, one] of nonResourceRules.entries()) validateUrlRule(`${at}.nonResourceRules[${i}]`, one, errors);
}

const MEMBERS = { ServiceAccount: "serviceAccount", User: "user", Group: "group" } as const;

function validateSubject(at: string, subject: Subject, errors: FieldErrors): void {
  const { kind, serviceAccount, user, group } = subject;
  if (!Object.hasOwn(MEMBERS, kind)) {
    return errors.unsupported(`${at}.kind`, kind, ["Group", "ServiceAccount", "User"]);
  }
  for (const [other, field] of Object.entries(MEMBERS)) {
    const value = subject[field];
    if (other === kind && !value) {
      errors.required(`${at}.${field}`, `${field} is required when subject kind is '${kind}'`);
    } else if (other === kind && !value?.name) errors.required(`${at}.${field}.name`);
    else if (other !== kind && value) {
      errors.forbidden(`${at}.${field}`, `${field} is forbidden when subject kind is not '${other}'`);
    }
  }
  if (kind !== "ServiceAccount" || !serviceAccount || user || group) return;
  const { name, namespace } = serviceAccount;
  if (name && name !== "*") errors.all(`${at}.serviceAccount.name`, name, dns1123Subdomain(name));
  if (namespace) errors.all(`${at}.serviceAccount.namespace`, namespace, dns1123Label(namespace));
  else errors.required(`${at}.serviceAccount.namespace`, "must specify namespace for service account");
}

function validateVerbs(field: string, verbs: readonly string[], errors: FieldErrors): void {
  if (verbs.length === 0) errors.required(field, "verbs must contain at least one value");
  else if (verbs.includes("*")) alone(field, verbs, "verbs", errors);
  else if (!verbs.every((verb) => VERBS.includes(verb))) errors.unsupported(field, verbs, VERBS);
}

function alone(field: string, values: readonly string[], what: string, errors: FieldErrors): void {
  if (values.length < 2 || !values.includes("*")) return;
  errors.invalid(field, values, `if '*' is present, must not specify other ${what}`);
}

function validateResourceRule(at: string, rule: ResourcePolicyRule, errors: FieldErrors): void {
  const groups = rule.apiGroups ?? [];
  const resources = rule.resources ?? [];
  const namespaces = rule.namespaces ?? [];
  validateVerbs(`${at}.verbs`, rule.verbs ?? [], errors);
  if (groups.length === 0) errors.required(`${at}.apiGroups`, "resource rules must supply at least one api group");
  alone(`${at}.apiGroups`, groups, "api groups", errors);
  if (resources.length === 0) errors.required(`${at}.resources`, "resource rules must supply at least one resource");
  alone(`${at}.resources`, resources, "resources", errors);
  if (namespaces.length === 0 && rule.clusterScope !== true) {
    const detail = "resource rules that are not cluster scoped must supply at least one namespace";
    errors.required(`${at}.namespaces`, detail);
  } else if (namespaces.includes("*")) alone(`${at}.namespaces`, namespaces, "namespaces", errors);
  else {
    for (const [i, namespace] of namespaces.entries()) {
      const problems = dns1123Label(namespace).map(
        (problem) => `each member of this list must be '*' or a DNS-1123 label; ${problem}`,
      );
      errors.all(`${at}.namespaces[${i}]`, namespace, problems);
    }
  }
}

function validateUrlRule(at: string, rule: NonResourcePolicyRule, errors: FieldErrors): void {
  const urls = rule.nonResourceURLs ?? [];
  const field = `${at}.nonResourceURLs`;
  validateVerbs(`${at}.verbs`, rule.verbs ?? [], errors);
  if (urls.length === 0) errors.required(field, "nonResourceURLs must contain at least one value");
  else if (urls.includes("*")) alone(field, urls, "non-resource URLs", errors);
  else for (const [i, url] of urls.entries()) validateUrl(`${field}[${i}]`, url, errors);
}

function validateUrl(field: string, url: string, errors: FieldErrors): void {
  if (url === "") return errors.invalid(field, url, "must not be empty");
  if (url === "/") return;
  if (!url.startsWith("/")) return errors.invalid(field, url, "must start with slash");
  if (url.includes(" ")) return errors.invalid(field, url, "must not contain white-space");
  if (url.includes("//")) return errors.invalid(field, url, "must not contain double slash");
  const star = url.indexOf("*");
  if (star < 0) return;
  if (star !== url.length - 1 || !url.endsWith("/*")) {
    errors.invalid(field, url, "wildcard can only do suffix matching");
  }
}

function cells(object: FlowSchema, nowMs: number): readonly Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.priorityLevelConfiguration?.name ?? "",
    spec?.matchingPrecedence ?? 0,
    spec?.distinguisherMethod?.type ?? "<none>",
    ageOf(object, nowMs),
    status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
  ];
}
