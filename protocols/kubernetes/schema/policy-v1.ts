/** Field tables of `policy/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const policyV1: SchemaPackage = {
  name: "policy",
  apiVersion: "policy/v1",
  openApiPrefix: "io.k8s.api.policy.v1",
  enums: {
    UnhealthyPodEvictionPolicyType: "IfHealthyBudget|AlwaysAllow",
  },
  openEnums: {},
  types: {
    Eviction: `
!kind
metadata? 1 meta.ObjectMeta
deleteOptions? 2 *meta.DeleteOptions
`,
    PodDisruptionBudget: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 PodDisruptionBudgetSpec
status? 3 PodDisruptionBudgetStatus
`,
    PodDisruptionBudgetSpec: `
minAvailable? 1 *IntOrString
selector? 2 *meta.LabelSelector patch=replace
maxUnavailable? 3 *IntOrString
unhealthyPodEvictionPolicy? 4 *UnhealthyPodEvictionPolicyType
`,
    PodDisruptionBudgetStatus: `
observedGeneration? 1 int64
disruptedPods? 2 map:Time
disruptionsAllowed~ 3 int32
currentHealthy~ 4 int32
desiredHealthy~ 5 int32
expectedPods~ 6 int32
conditions? 7 []meta.Condition patch=merge key=type list=map:type
`,
  },
};
