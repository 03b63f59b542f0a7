/** ClusterRoles, which may take over the rules of others that they select by their labels. */
import type { ClusterRole } from "../../../../../protocols/kubernetes/types/rbac-v1.ts";
import { nameOf } from "../../machinery/cells.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isSelector, validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";
import { validatePolicyRules } from "./policy-rules.ts";

export const clusterRoleRules: KindRules = {
  name: pathSegment,
  validate,
  cells: (object: ClusterRole) => [nameOf(object), object.metadata?.creationTimestamp ?? ""],
};

function validate({ rules, aggregationRule }: ClusterRole, errors: FieldErrors): void {
  validatePolicyRules(rules, false, errors);
  if (!aggregationRule) return;
  const at = "aggregationRule.clusterRoleSelectors";
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    errors.required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  }
  for (const [i, selector] of selectors.entries()) {
    validateLabelSelector(`${at}[${i}]`, selector, errors);
    if (!isSelector(selector)) errors.invalid(`${at}[${i}]`, null, "invalid label selector.");
  }
}
