/** ServiceAccounts. Source: Kubernetes `pkg/registry/core/serviceaccount/strategy.go`. */
import type { ServiceAccount } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { Fields, KindRules } from "../rules.ts";

const MOUNTABLE = "kubernetes.io/enforce-mountable-secrets";

export const serviceAccountRules: KindRules = {
  returnsDeletedObject: true,
  prepareCreate: withSecretNames,
  prepareUpdate: withSecretNames,
  warnings: ({ metadata }: ServiceAccount) => {
    if (metadata?.annotations?.[MOUNTABLE] === undefined) return [];
    const why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
    return [`metadata.annotations[${MOUNTABLE}]: ${why}`];
  },
  cells: (object: ServiceAccount, nowMs) => [nameOf(object), ageOf(object, nowMs)],
};

/** Of its Secrets, the names alone are kept. */
function withSecretNames(object: Fields): Fields {
  const { secrets } = object as ServiceAccount;
  if (secrets === undefined) return object;
  return { ...object, secrets: secrets.map(({ name }) => (name ? { name } : {})) };
}
