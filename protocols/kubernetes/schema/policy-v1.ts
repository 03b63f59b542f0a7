/** Field tables of `policy/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const policyV1: SchemaPackage = {
  openApiPrefix: "io.k8s.api.policy.v1",
  enums: {},
  types: {
    Eviction: `
!kind
metadata? 1 meta.ObjectMeta
deleteOptions? 2 *meta.DeleteOptions
`,
  },
};
