/** What policies and their bindings are about, and their parameters. Source: Kubernetes `pkg/apis/admissionregistration/validation`, `v1/defaults.go`. */
import type {
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { LabelSelector } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { dns1035Label, dns1123Subdomain, pathSegment } from "../../machinery/validation/names.ts";
import { defaultRules, validateRuleWithOperations } from "./rules-of-hooks.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export function defaultMatch(match: JsonObject | undefined): void {
  if (match === undefined) return;
  setDefault(match, "matchPolicy", "Equivalent");
  setDefault(match, "namespaceSelector", {});
  setDefault(match, "objectSelector", {});
  defaultRules(match["resourceRules"]);
  defaultRules(match["excludeResourceRules"]);
}

export function validateMatchResources(at: string, match: MatchResources, errors: FieldErrors): void {
  errors.oneOf(`${at}.matchPolicy`, match.matchPolicy, ["Equivalent", "Exact"]);
  if (match.namespaceSelector) validateLabelSelector(`${at}.namespaceSelector`, match.namespaceSelector, errors);
  if (match.objectSelector) validateLabelSelector(`${at}.objectSelector`, match.objectSelector, errors);
  for (const field of ["resourceRules", "excludeResourceRules"] as const) {
    for (const [i, rule] of (match[field] ?? []).entries()) validateNamedRule(`${at}.${field}[${i}]`, rule, errors);
  }
}

function validateNamedRule(at: string, rule: NamedRuleWithOperations, errors: FieldErrors): void {
  const names = rule.resourceNames ?? [];
  const repeated = repeatedAt(names);
  for (const [i, name] of names.entries()) {
    errors.all(`${at}.resourceNames[${i}]`, name, pathSegment(name));
    if (repeated.has(i)) errors.duplicate(`${at}.resourceNames[${i}]`, name);
  }
  validateRuleWithOperations(at, rule, errors);
}

const MUTABLE_OPERATIONS = ["*", "CONNECT", "CREATE", "UPDATE"];

/** Only what is created or updated can be mutated. */
export function validateMutableOperations(at: string, match: MatchResources, errors: FieldErrors): void {
  for (const { operations } of match.resourceRules ?? []) {
    for (const operation of operations ?? []) {
      errors.oneOf(`${at}.resourceRules.operations`, operation, MUTABLE_OPERATIONS);
    }
  }
}

export function validateParamKind(at: string, { apiVersion = "", kind = "" }: ParamKind, errors: FieldErrors): void {
  const parts = apiVersion.split("/");
  const field = `${at}.apiVersion`;
  if (apiVersion === "") errors.required(field);
  else if (parts.length > 2) errors.invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const [group = "", version = ""] = parts.length === 2 ? parts : ["", apiVersion];
    joined(field, group, group === "" ? [] : dns1123Subdomain(group), errors);
    if (version === "") errors.invalid(field, apiVersion, "version must be specified");
    else joined(field, version, dns1035Label(version), errors);
  }
  if (kind === "") return errors.required(`${at}.kind`);
  const problems = dns1035Label(kind.toLowerCase());
  if (problems.length === 0) return;
  errors.invalid(`${at}.kind`, kind, `may have mixed case, but should otherwise match: ${problems.join(",")}`);
}

function joined(field: string, value: string, problems: readonly string[], errors: FieldErrors): void {
  if (problems.length > 0) errors.invalid(field, value, problems.join(","));
}

export function validatePolicyName(name: string | undefined, errors: FieldErrors): void {
  if (!name) errors.required("spec.policyName");
  else errors.all("spec.policyName", name, dns1123Subdomain(name));
}

const EXCLUSIVE = "name and selector are mutually exclusive";

export function validateParamRef(at: string, ref: ParamRef, errors: FieldErrors): void {
  const { name = "", selector, parameterNotFoundAction: action } = ref;
  if (name !== "") {
    errors.all(`${at}.name`, name, pathSegment(name));
    if (selector) errors.forbidden(`${at}.name`, EXCLUSIVE);
  }
  if (selector) {
    validateLabelSelector(`${at}.selector`, selector, errors);
    if (name !== "") errors.forbidden(`${at}.selector`, EXCLUSIVE);
  } else if (name === "") errors.required(at, "one of name or selector must be specified");
  if (!action) errors.required(`${at}.parameterNotFoundAction`);
  else errors.oneOf(`${at}.parameterNotFoundAction`, action, ["Deny", "Allow"]);
}

const UNSET = "<unset>";

export function shownParamKind(kind: ParamKind | undefined): string {
  return kind === undefined ? UNSET : `${kind.apiVersion ?? ""}/${kind.kind ?? ""}`;
}

/** Whether the parameter has a namespace can't be seen from here: `*`. */
export function shownParamRef(ref: ParamRef | undefined): string {
  if (ref?.name) return `${ref.namespace || "*"}/${ref.name}`;
  return ref?.selector ? shownSelector(ref.selector) : UNSET;
}

/** As Go prints one. */
function shownSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = Object.entries(matchLabels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = (matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(" ")}],},`,
  );
  const wanted = `[]LabelSelectorRequirement{${expressions.join("")}}`;
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:${wanted},}`;
}
