/** The rules of Roles and ClusterRoles. Source: Kubernetes `pkg/apis/rbac/validation`. */
import type { PolicyRule } from "../../../../../protocols/kubernetes/types/rbac-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

export function validatePolicyRules(
  rules: readonly PolicyRule[] | null | undefined,
  namespaced: boolean,
  errors: FieldErrors,
): void {
  for (const [i, rule] of (rules ?? []).entries()) {
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs: urls = [] } = rule;
    const at = `rules[${i}]`;
    if ((verbs ?? []).length === 0) errors.required(`${at}.verbs`);
    if (urls.length === 0) {
      if (apiGroups.length === 0)
        errors.required(`${at}.apiGroups`, "resource rules must supply at least one api group");
      if (resources.length === 0)
        errors.required(`${at}.resources`, "resource rules must supply at least one resource");
      continue;
    }
    const here = `${at}.nonResourceURLs`;
    if (namespaced) errors.invalid(here, urls, "namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.invalid(here, urls, "rules cannot apply to both regular resources and non-resource URLs");
    }
  }
}
