/** Field tables of `rbac.authorization.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const rbacV1: SchemaPackage = {
  name: "rbac",
  apiVersion: "rbac.authorization.k8s.io/v1",
  openApiPrefix: "io.k8s.api.rbac.v1",
  enums: {},
  openEnums: {},
  types: {
    AggregationRule: `
clusterRoleSelectors? 1 []meta.LabelSelector list=atomic
`,
    ClusterRole: `
!kind
metadata? 1 meta.ObjectMeta
rules~ 2 []PolicyRule list=atomic
aggregationRule? 3 *AggregationRule
`,
    ClusterRoleBinding: `
!kind
metadata? 1 meta.ObjectMeta
subjects? 2 []Subject list=atomic
roleRef 3 RoleRef
`,
    PolicyRule: `
verbs 1 []string list=atomic
apiGroups? 2 []string list=atomic
resources? 3 []string list=atomic
resourceNames? 4 []string list=atomic
nonResourceURLs? 5 []string list=atomic
`,
    Role: `
!kind
metadata? 1 meta.ObjectMeta
rules~ 2 []PolicyRule list=atomic
`,
    RoleBinding: `
!kind
metadata? 1 meta.ObjectMeta
subjects? 2 []Subject list=atomic
roleRef 3 RoleRef
`,
    RoleRef: `
!atomic
apiGroup~ 1 string
kind 2 string
name 3 string
`,
    Subject: `
!atomic
kind 1 string
apiGroup? 2 string
name 3 string
namespace? 4 string
`,
  },
};
