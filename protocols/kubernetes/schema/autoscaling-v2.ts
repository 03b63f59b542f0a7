/** Field tables of `autoscaling/v2`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const autoscalingV2: SchemaPackage = {
  name: "autoscalingV2",
  apiVersion: "autoscaling/v2",
  openApiPrefix: "io.k8s.api.autoscaling.v2",
  enums: {},
  openEnums: {
    HPAScalingPolicyType: "Pods|Percent",
    HorizontalPodAutoscalerConditionType: "ScalingActive|AbleToScale|ScalingLimited|ScaledToZero",
    MetricSourceType: "Object|Pods|Resource|ContainerResource|External",
    MetricTargetType: "Utilization|Value|AverageValue",
    ScalingPolicySelect: "Max|Min|Disabled",
  },
  types: {
    ContainerResourceMetricSource: `
name 1 core.ResourceName
target 2 MetricTarget
container 3 string
`,
    ContainerResourceMetricStatus: `
name 1 core.ResourceName
current 2 MetricValueStatus
container 3 string
`,
    CrossVersionObjectReference: `
kind 1 string
name 2 string
apiVersion? 3 string
`,
    ExternalMetricSource: `
metric 1 MetricIdentifier
target 2 MetricTarget
`,
    ExternalMetricStatus: `
metric 1 MetricIdentifier
current 2 MetricValueStatus
`,
    HPAScalingPolicy: `
type 1 HPAScalingPolicyType
value 2 int32
periodSeconds 3 int32
`,
    HPAScalingRules: `
stabilizationWindowSeconds? 3 *int32
selectPolicy? 1 *ScalingPolicySelect
policies? 2 []HPAScalingPolicy list=atomic
tolerance? 4 *Quantity
`,
    HorizontalPodAutoscaler: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 HorizontalPodAutoscalerSpec
status? 3 HorizontalPodAutoscalerStatus
`,
    HorizontalPodAutoscalerBehavior: `
scaleUp? 1 *HPAScalingRules
scaleDown? 2 *HPAScalingRules
`,
    HorizontalPodAutoscalerCondition: `
type 1 HorizontalPodAutoscalerConditionType
status 2 core.ConditionStatus
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
observedGeneration? 6 *int64
`,
    HorizontalPodAutoscalerSpec: `
scaleTargetRef 1 CrossVersionObjectReference
minReplicas? 2 *int32
maxReplicas 3 int32
metrics? 4 []MetricSpec list=atomic
behavior? 5 *HorizontalPodAutoscalerBehavior
`,
    HorizontalPodAutoscalerStatus: `
observedGeneration? 1 *int64
lastScaleTime? 2 *Time
currentReplicas? 3 int32
desiredReplicas 4 int32
currentMetrics~ 5 []MetricStatus list=atomic
conditions? 6 []HorizontalPodAutoscalerCondition patch=merge key=type list=map:type
`,
    MetricIdentifier: `
name 1 string
selector? 2 *meta.LabelSelector
`,
    MetricSpec: `
type 1 MetricSourceType
object? 2 *ObjectMetricSource
pods? 3 *PodsMetricSource
resource? 4 *ResourceMetricSource
containerResource? 7 *ContainerResourceMetricSource
external? 5 *ExternalMetricSource
`,
    MetricStatus: `
type 1 MetricSourceType
object? 2 *ObjectMetricStatus
pods? 3 *PodsMetricStatus
resource? 4 *ResourceMetricStatus
containerResource? 7 *ContainerResourceMetricStatus
external? 5 *ExternalMetricStatus
`,
    MetricTarget: `
type 1 MetricTargetType
value? 2 *Quantity
averageValue? 3 *Quantity
averageUtilization? 4 *int32
`,
    MetricValueStatus: `
value? 1 *Quantity
averageValue? 2 *Quantity
averageUtilization? 3 *int32
`,
    ObjectMetricSource: `
describedObject 1 CrossVersionObjectReference
target 2 MetricTarget
metric 3 MetricIdentifier
`,
    ObjectMetricStatus: `
metric 1 MetricIdentifier
current 2 MetricValueStatus
describedObject 3 CrossVersionObjectReference
`,
    PodsMetricSource: `
metric 1 MetricIdentifier
target 2 MetricTarget
`,
    PodsMetricStatus: `
metric 1 MetricIdentifier
current 2 MetricValueStatus
`,
    ResourceMetricSource: `
name 1 core.ResourceName
target 2 MetricTarget
`,
    ResourceMetricStatus: `
name 1 core.ResourceName
current 2 MetricValueStatus
`,
  },
};
