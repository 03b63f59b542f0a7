import { isEqual } from "../../../protocols/equality.ts";
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import type { ClusterRole, PolicyRule } from "../../../protocols/kubernetes/types/rbac-v1.ts";

/** The rules of all roles that the sum's selectors choose, selector by selector and by the roles' names, each rule once. */
export function sumOfRules(sum: ClusterRole, roles: readonly ClusterRole[]): readonly PolicyRule[] {
  const byName = roles.toSorted((one, other) => ((one.metadata?.name ?? "") < (other.metadata?.name ?? "") ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of sum.aggregationRule?.clusterRoleSelectors ?? []) {
    const { matches } = compileSelectorObject(selector);
    for (const role of byName) {
      if (role.metadata?.name === sum.metadata?.name || !matches(role.metadata?.labels)) continue;
      for (const rule of role.rules ?? []) if (!rules.some((known) => isEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
