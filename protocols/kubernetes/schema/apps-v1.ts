/** Field tables of `apps/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const appsV1: SchemaPackage = {
  name: "apps",
  apiVersion: "apps/v1",
  openApiPrefix: "io.k8s.api.apps.v1",
  enums: {
    DaemonSetUpdateStrategyType: "RollingUpdate|OnDelete",
    DeploymentStrategyType: "Recreate|RollingUpdate",
    PodManagementPolicyType: "OrderedReady|Parallel",
    StatefulSetUpdateStrategyType: "RollingUpdate|OnDelete|Recreate",
  },
  openEnums: {
    DeploymentConditionType: "Available|Progressing|ReplicaFailure",
    PersistentVolumeClaimRetentionPolicyType: "Retain|Delete",
    ReplicaSetConditionType: "ReplicaFailure",
    StatefulSetConditionType: "Progressing",
  },
  types: {
    ControllerRevision: `
!kind
metadata? 1 meta.ObjectMeta
data 2 RawExtension
revision~ 3 int64
`,
    DaemonSet: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 DaemonSetSpec
status? 3 DaemonSetStatus
`,
    DaemonSetCondition: `
type~ 1 string
status~ 2 core.ConditionStatus
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
`,
    DaemonSetSpec: `
selector 1 *meta.LabelSelector
template 2 core.PodTemplateSpec
updateStrategy? 3 DaemonSetUpdateStrategy
minReadySeconds? 4 int32
revisionHistoryLimit? 6 *int32
`,
    DaemonSetStatus: `
currentNumberScheduled 1 int32
numberMisscheduled 2 int32
desiredNumberScheduled 3 int32
numberReady 4 int32
observedGeneration? 5 int64
updatedNumberScheduled? 6 int32
numberAvailable? 7 int32
numberUnavailable? 8 int32
collisionCount? 9 *int32
conditions? 10 []DaemonSetCondition patch=merge key=type list=map:type
`,
    DaemonSetUpdateStrategy: `
type? 1 DaemonSetUpdateStrategyType
rollingUpdate? 2 *RollingUpdateDaemonSet
`,
    Deployment: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 DeploymentSpec
status? 3 DeploymentStatus
`,
    DeploymentCondition: `
type~ 1 DeploymentConditionType
status~ 2 core.ConditionStatus
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
spec! 2 ReplicaSetSpec
status? 3 ReplicaSetStatus
`,
    ReplicaSetCondition: `
type~ 1 ReplicaSetConditionType
status~ 2 core.ConditionStatus
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
    RollingUpdateDaemonSet: `
maxUnavailable? 1 *IntOrString
maxSurge? 2 *IntOrString
`,
    RollingUpdateDeployment: `
maxUnavailable? 1 *IntOrString
maxSurge? 2 *IntOrString
`,
    RollingUpdateStatefulSetStrategy: `
partition? 1 *int32
maxUnavailable? 2 *IntOrString
`,
    StatefulSet: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 StatefulSetSpec
status? 3 StatefulSetStatus
`,
    StatefulSetCondition: `
type~ 1 StatefulSetConditionType
status~ 2 core.ConditionStatus
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
`,
    StatefulSetOrdinals: `
start~ 1 int32
`,
    StatefulSetPersistentVolumeClaimRetentionPolicy: `
whenDeleted? 1 PersistentVolumeClaimRetentionPolicyType
whenScaled? 2 PersistentVolumeClaimRetentionPolicyType
`,
    StatefulSetSpec: `
replicas? 1 *int32
selector 2 *meta.LabelSelector
template 3 core.PodTemplateSpec
volumeClaimTemplates? 4 []core.PersistentVolumeClaim list=atomic
serviceName~ 5 string
podManagementPolicy? 6 PodManagementPolicyType
updateStrategy? 7 StatefulSetUpdateStrategy
revisionHistoryLimit? 8 *int32
minReadySeconds? 9 int32
persistentVolumeClaimRetentionPolicy? 10 *StatefulSetPersistentVolumeClaimRetentionPolicy
ordinals? 11 *StatefulSetOrdinals
`,
    StatefulSetStatus: `
observedGeneration? 1 int64
replicas 2 int32
readyReplicas? 3 int32
currentReplicas? 4 int32
updatedReplicas? 5 int32
currentRevision? 6 string
updateRevision? 7 string
collisionCount? 9 *int32
conditions? 10 []StatefulSetCondition patch=merge key=type list=map:type
availableReplicas~ 11 int32
`,
    StatefulSetUpdateStrategy: `
type? 1 StatefulSetUpdateStrategyType
rollingUpdate? 2 *RollingUpdateStatefulSetStrategy
`,
  },
};
