/** ServiceAccounts. Source: `pkg/registry/core/serviceaccount/strategy.go`. */
import type { ServiceAccount } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { KindRules } from "../rules.ts";

const ENFORCES_SECRETS = "kubernetes.io/enforce-mountable-secrets";

export const serviceAccountRules: KindRules = {
  returnsDeletedObject: true,
  warnings: ({ metadata }: ServiceAccount) =>
    metadata?.annotations?.[ENFORCES_SECRETS] === undefined
      ? []
      : [
          `metadata.annotations[${ENFORCES_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ],
};
