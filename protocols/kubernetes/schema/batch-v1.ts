/** Field tables of `batch/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const batchV1: SchemaPackage = {
  name: "batch",
  apiVersion: "batch/v1",
  openApiPrefix: "io.k8s.api.batch.v1",
  enums: {
    CompletionMode: "NonIndexed|Indexed",
    ConcurrencyPolicy: "Allow|Forbid|Replace",
    PodFailurePolicyAction: "FailJob|FailIndex|Ignore|Count",
    PodFailurePolicyOnExitCodesOperator: "In|NotIn",
    PodReplacementPolicy: "TerminatingOrFailed|Failed",
  },
  openEnums: {
    JobConditionType: "Suspended|Complete|Failed|FailureTarget|SuccessCriteriaMet",
  },
  types: {
    CronJob: `
!kind
metadata? 1 meta.ObjectMeta
spec! 2 CronJobSpec
status? 3 CronJobStatus
`,
    CronJobSpec: `
schedule 1 string
timeZone? 8 *string
startingDeadlineSeconds? 2 *int64
concurrencyPolicy? 3 ConcurrencyPolicy
suspend? 4 *bool
jobTemplate 5 JobTemplateSpec
successfulJobsHistoryLimit? 6 *int32
failedJobsHistoryLimit? 7 *int32
`,
    CronJobStatus: `
active? 1 []core.ObjectReference list=atomic
lastScheduleTime? 4 *Time
lastSuccessfulTime? 5 *Time
`,
    Job: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 JobSpec
status? 3 JobStatus
`,
    JobCondition: `
type 1 JobConditionType
status 2 core.ConditionStatus
lastProbeTime? 3 Time
lastTransitionTime? 4 Time
reason? 5 string
message? 6 string
`,
    JobSchedulingConfiguration: `
schedulingPolicy? 1 *schedulingV1alpha3.WorkloadPodGroupSchedulingPolicy
schedulingConstraints? 2 *schedulingV1alpha3.WorkloadPodGroupSchedulingConstraints
disruptionMode? 3 *schedulingV1alpha3.WorkloadPodGroupDisruptionMode
resourceClaims? 4 []schedulingV1alpha3.WorkloadPodGroupResourceClaim patch=merge key=name list=map:name
`,
    JobSpec: `
parallelism? 1 *int32
completions? 2 *int32
activeDeadlineSeconds? 3 *int64
podFailurePolicy? 11 *PodFailurePolicy
successPolicy? 16 *SuccessPolicy
backoffLimit? 7 *int32
backoffLimitPerIndex? 12 *int32
maxFailedIndexes? 13 *int32
selector? 4 *meta.LabelSelector
manualSelector? 5 *bool
template 6 core.PodTemplateSpec
ttlSecondsAfterFinished? 8 *int32
completionMode? 9 *CompletionMode
suspend? 10 *bool
podReplacementPolicy? 14 *PodReplacementPolicy
managedBy? 15 *string
scheduling? 17 *JobSchedulingConfiguration
`,
    JobStatus: `
conditions? 1 []JobCondition patch=merge key=type list=atomic
startTime? 2 *Time
completionTime? 3 *Time
active? 4 int32
succeeded? 5 int32
failed? 6 int32
terminating? 11 *int32
completedIndexes? 7 string
failedIndexes? 10 *string
uncountedTerminatedPods? 8 *UncountedTerminatedPods
ready? 9 *int32
`,
    JobTemplateSpec: `
metadata? 1 meta.ObjectMeta
spec? 2 JobSpec
`,
    PodFailurePolicy: `
rules 1 []PodFailurePolicyRule list=atomic
`,
    PodFailurePolicyOnExitCodesRequirement: `
containerName? 1 *string
operator 2 PodFailurePolicyOnExitCodesOperator
values 3 []int32 list=set
`,
    PodFailurePolicyOnPodConditionsPattern: `
type 1 core.PodConditionType
status~ 2 core.ConditionStatus
`,
    PodFailurePolicyRule: `
action 1 PodFailurePolicyAction
onExitCodes? 2 *PodFailurePolicyOnExitCodesRequirement
onPodConditions? 3 []PodFailurePolicyOnPodConditionsPattern list=atomic
`,
    SuccessPolicy: `
rules 1 []SuccessPolicyRule list=atomic
`,
    SuccessPolicyRule: `
succeededIndexes? 1 *string
succeededCount? 2 *int32
`,
    UncountedTerminatedPods: `
succeeded? 1 []string list=set
failed? 2 []string list=set
`,
  },
};
