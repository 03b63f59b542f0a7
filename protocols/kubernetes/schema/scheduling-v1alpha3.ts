/** Field tables of `scheduling.k8s.io/v1alpha3`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const schedulingV1alpha3: SchemaPackage = {
  name: "schedulingV1alpha3",
  apiVersion: "scheduling.k8s.io/v1alpha3",
  openApiPrefix: "io.k8s.api.scheduling.v1alpha3",
  enums: {},
  openEnums: {},
  types: {
    TopologyConstraint: `
key 1 string
`,
    WorkloadPodGroupAllDisruptionMode: `
`,
    WorkloadPodGroupBasicSchedulingPolicy: `
`,
    WorkloadPodGroupDisruptionMode: `
single? 1 *WorkloadPodGroupSingleDisruptionMode
all? 2 *WorkloadPodGroupAllDisruptionMode
`,
    WorkloadPodGroupGangSchedulingPolicy: `
minCount? 1 *int32
`,
    WorkloadPodGroupResourceClaim: `
name 1 string
resourceClaimName? 2 *string
resourceClaimTemplateName? 3 *string
`,
    WorkloadPodGroupSchedulingConstraints: `
topology? 1 []TopologyConstraint list=atomic
`,
    WorkloadPodGroupSchedulingPolicy: `
basic? 1 *WorkloadPodGroupBasicSchedulingPolicy
gang? 2 *WorkloadPodGroupGangSchedulingPolicy
`,
    WorkloadPodGroupSingleDisruptionMode: `
`,
  },
};
