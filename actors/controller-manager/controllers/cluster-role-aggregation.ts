/** ClusterRoles that are the sum of others, which their labels choose. @see k8s.io/kubernetes/pkg/controller/clusterroleaggregation */
import { isEqual } from "../../../protocols/equality.ts";
import { clusterRoles } from "../../client/resources.ts";
import { sumOfRules } from "../core/role-aggregation.ts";
import type { Session } from "../session.ts";

export function clusterRoleAggregationController(session: Session): void {
  const queue = session.queue("cluster-role-aggregation", (name, turn) => reconcile(turn, name));
  // Any role may be a part of any sum, by the labels that it has or had.
  session.clusterRoles.onChange(() => {
    for (const { metadata, aggregationRule } of session.clusterRoles.list()) {
      if (aggregationRule !== undefined) queue.addAfter(metadata?.name ?? "", session.options.batchMs);
    }
  });
}

async function reconcile({ client, clusterRoles: roles }: Session, name: string): Promise<void> {
  const role = roles.get(name);
  if (role?.aggregationRule === undefined) return;
  const rules = sumOfRules(role, roles.list());
  if (isEqual(rules, role.rules ?? [])) return;
  // Applied, so that of a sum of nothing only what was applied before goes.
  const applied = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    ...(rules.length === 0 ? {} : { rules }),
  };
  await client.patch(clusterRoles, name, undefined, applied, {
    patchType: "application/apply-patch+yaml",
    fieldManager: "clusterrole-aggregation-controller",
    force: true,
  });
}
