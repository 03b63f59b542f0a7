/** Field tables of `apps/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const appsV1: SchemaPackage = {
  openApiPrefix: "io.k8s.api.apps.v1",
  enums: {
    DeploymentStrategyType: "Recreate|RollingUpdate",
  },
  types: {
    Deployment: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 DeploymentSpec
status? 3 DeploymentStatus
`,
    DeploymentCondition: `
type~ 1 string
status~ 2 string
lastUpdateTime? 6 Time
lastTransitionTime? 7 Time
reason? 4 string
message? 5 string
`,
    DeploymentSpec: `
replicas? 1 *int32
selector 2 *meta.LabelSelector
template 3 core.PodTemplateSpec
strategy? 4 DeploymentStrategy patch=retainKeys
minReadySeconds? 5 int32
revisionHistoryLimit? 6 *int32
paused? 7 bool
progressDeadlineSeconds? 9 *int32
`,
    DeploymentStatus: `
observedGeneration? 1 int64
replicas? 2 int32
updatedReplicas? 3 int32
readyReplicas? 7 int32
availableReplicas? 4 int32
unavailableReplicas? 5 int32
terminatingReplicas? 9 *int32
conditions? 6 []DeploymentCondition patch=merge key=type list=map:type
collisionCount? 8 *int32
`,
    DeploymentStrategy: `
type? 1 DeploymentStrategyType
rollingUpdate? 2 *RollingUpdateDeployment
`,
    ReplicaSet: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ReplicaSetSpec
status? 3 ReplicaSetStatus
`,
    ReplicaSetCondition: `
type~ 1 string
status~ 2 string
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
`,
    ReplicaSetSpec: `
replicas? 1 *int32
minReadySeconds? 4 int32
selector 2 *meta.LabelSelector
template? 3 core.PodTemplateSpec
`,
    ReplicaSetStatus: `
replicas 1 int32
fullyLabeledReplicas? 2 int32
readyReplicas? 4 int32
availableReplicas? 5 int32
terminatingReplicas? 7 *int32
observedGeneration? 3 int64
conditions? 6 []ReplicaSetCondition patch=merge key=type list=map:type
`,
    RollingUpdateDeployment: `
maxUnavailable? 1 *IntOrString
maxSurge? 2 *IntOrString
`,
  },
};
