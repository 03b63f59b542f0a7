/** What webhooks and policies say about what they look at. Source: Kubernetes `pkg/apis/admissionregistration/validation`. */
import type { RuleWithOperations } from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import { objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES = ["*", "Cluster", "Namespaced"];

export function defaultRules(rules: unknown): void {
  for (const rule of objectsIn(rules)) setDefault(rule, "scope", "*");
}

export function validateRuleWithOperations(at: string, rule: RuleWithOperations, errors: FieldErrors): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  if (operations.length === 0) errors.required(`${at}.operations`);
  alone(`${at}.operations`, operations, "operations", errors);
  for (const [i, operation] of operations.entries()) errors.oneOf(`${at}.operations[${i}]`, operation, OPERATIONS);
  if (apiGroups.length === 0) errors.required(`${at}.apiGroups`);
  alone(`${at}.apiGroups`, apiGroups, "API groups", errors);
  if (apiVersions.length === 0) errors.required(`${at}.apiVersions`);
  alone(`${at}.apiVersions`, apiVersions, "API versions", errors);
  for (const [i, version] of apiVersions.entries()) if (version === "") errors.required(`${at}.apiVersions[${i}]`);
  validateResources(`${at}.resources`, resources, errors);
  if (scope !== undefined) errors.oneOf(`${at}.scope`, scope, SCOPES);
}

/** `*` stands for all, so nothing stands beside it. */
function alone(field: string, values: readonly string[], what: string, errors: FieldErrors): void {
  if (values.length < 2 || !values.includes("*")) return;
  errors.invalid(field, values, `if '*' is present, must not specify other ${what}`);
}

/** `pods`, `pods/status`, and with `*` on either side or alone. */
function validateResources(field: string, resources: readonly string[], errors: FieldErrors): void {
  if (resources.length === 0) errors.required(field);
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let plain = false;
  for (const [i, text] of resources.entries()) {
    if (text === "") {
      errors.required(`${field}[${i}]`);
      continue;
    }
    const slash = text.indexOf("/");
    if (slash < 0) {
      plain = text !== "*";
      continue;
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholeResources.has(resource)) {
      errors.invalid(`${field}[${i}]`, text, `if '${resource}/*' is present, must not specify ${text}`);
    }
    if (wholeSubresources.has(subresource)) {
      errors.invalid(`${field}[${i}]`, text, `if '*/${subresource}' is present, must not specify ${text}`);
    }
    if (subresource === "*") wholeResources.add(resource);
    if (resource === "*") wholeSubresources.add(subresource);
  }
  if (resources.length > 1 && resources.includes("*/*")) {
    errors.invalid(field, resources, "if '*/*' is present, must not specify other resources");
  }
  if (resources.includes("*") && plain) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.invalid(field, resources, detail);
  }
}
