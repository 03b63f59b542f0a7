/** Field tables of `autoscaling/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const autoscalingV1: SchemaPackage = {
  name: "autoscaling",
  apiVersion: "autoscaling/v1",
  openApiPrefix: "io.k8s.api.autoscaling.v1",
  enums: {
    MetricSourceType: "Object|Pods|Resource|ContainerResource|External",
  },
  openEnums: {
    HorizontalPodAutoscalerConditionType: "ScalingActive|AbleToScale|ScalingLimited|ScaledToZero",
  },
  types: {
    ContainerResourceMetricSource: `
name 1 core.ResourceName
targetAverageUtilization? 2 *int32
targetAverageValue? 3 *Quantity
container 5 string
`,
    ContainerResourceMetricStatus: `
name 1 core.ResourceName
currentAverageUtilization? 2 *int32
currentAverageValue 3 Quantity
container 4 string
`,
    CrossVersionObjectReference: `
!atomic
kind 1 string
name 2 string
apiVersion? 3 string
`,
    ExternalMetricSource: `
metricName 1 string
metricSelector? 2 *meta.LabelSelector
targetValue? 3 *Quantity
targetAverageValue? 4 *Quantity
`,
    ExternalMetricStatus: `
metricName 1 string
metricSelector? 2 *meta.LabelSelector
currentValue 3 Quantity
currentAverageValue? 4 *Quantity
`,
    HorizontalPodAutoscaler: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 HorizontalPodAutoscalerSpec
status? 3 HorizontalPodAutoscalerStatus
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
targetCPUUtilizationPercentage? 4 *int32
`,
    HorizontalPodAutoscalerStatus: `
observedGeneration? 1 *int64
lastScaleTime? 2 *Time
currentReplicas 3 int32
desiredReplicas 4 int32
currentCPUUtilizationPercentage? 5 *int32
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
    ObjectMetricSource: `
target 1 CrossVersionObjectReference
metricName 2 string
targetValue 3 Quantity
selector? 4 *meta.LabelSelector
averageValue? 5 *Quantity
`,
    ObjectMetricStatus: `
target 1 CrossVersionObjectReference
metricName 2 string
currentValue 3 Quantity
selector? 4 *meta.LabelSelector
averageValue? 5 *Quantity
`,
    PodsMetricSource: `
metricName 1 string
targetAverageValue 2 Quantity
selector? 3 *meta.LabelSelector
`,
    PodsMetricStatus: `
metricName 1 string
currentAverageValue 2 Quantity
selector? 3 *meta.LabelSelector
`,
    ResourceMetricSource: `
name 1 core.ResourceName
targetAverageUtilization? 2 *int32
targetAverageValue? 3 *Quantity
`,
    ResourceMetricStatus: `
name 1 core.ResourceName
currentAverageUtilization? 2 *int32
currentAverageValue 3 Quantity
`,
    Scale: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ScaleSpec
status? 3 ScaleStatus
`,
    ScaleSpec: `
replicas? 1 int32 default=0
`,
    ScaleStatus: `
replicas 1 int32
selector? 2 string
`,
  },
};
