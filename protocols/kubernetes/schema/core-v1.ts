/** Field tables of `v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const coreV1: SchemaPackage = {
  name: "core",
  apiVersion: "v1",
  openApiPrefix: "io.k8s.api.core.v1",
  enums: {
    AppArmorProfileType: "Unconfined|RuntimeDefault|Localhost",
    AzureDataDiskCachingMode: "None|ReadOnly|ReadWrite",
    AzureDataDiskKind: "Shared|Dedicated|Managed",
    ClaimResourceStatus:
      "ControllerResizeInProgress|ControllerResizeInfeasible|NodeResizePending|NodeResizeInProgress|NodeResizeInfeasible",
    DNSPolicy: "ClusterFirstWithHostNet|ClusterFirst|Default|None",
    GRPCProbeMode: "Plaintext|TLS",
    HTTPProtocol: "HTTP1|HTTP2",
    HostPathType: "|DirectoryOrCreate|Directory|FileOrCreate|File|Socket|CharDevice|BlockDevice",
    IPFamily: "IPv4|IPv6|",
    IPFamilyPolicy: "SingleStack|PreferDualStack|RequireDualStack",
    MountPropagationMode: "None|HostToContainer|Bidirectional",
    NamespacePhase: "Active|Terminating",
    NodeInclusionPolicy: "Ignore|Honor",
    NodePhase: "Pending|Running|Terminated",
    NodeSelectorOperator: "In|NotIn|Exists|DoesNotExist|Gt|Lt",
    PersistentVolumeAccessMode: "ReadWriteOnce|ReadOnlyMany|ReadWriteMany|ReadWriteOncePod",
    PersistentVolumeClaimModifyVolumeStatus: "Pending|InProgress|Infeasible",
    PersistentVolumeClaimPhase: "Pending|Bound|Lost",
    PersistentVolumeMode: "Block|Filesystem",
    PersistentVolumePhase: "Pending|Available|Bound|Released|Failed",
    PersistentVolumeReclaimPolicy: "Recycle|Delete|Retain",
    PodFSGroupChangePolicy: "OnRootMismatch|Always",
    PodPhase: "Pending|Running|Succeeded|Failed|Unknown",
    PodQOSClass: "Guaranteed|Burstable|BestEffort",
    PreemptionPolicy: "PreemptLowerPriority|Never",
    ProcMountType: "Default|Unmasked",
    Protocol: "TCP|UDP|SCTP",
    PullPolicy: "Always|Never|IfNotPresent",
    ResourceQuotaScope:
      "Terminating|NotTerminating|BestEffort|NotBestEffort|PriorityClass|CrossNamespacePodAffinity|VolumeAttributesClass",
    RestartPolicy: "Always|OnFailure|Never",
    ScopeSelectorOperator: "In|NotIn|Exists|DoesNotExist",
    SeccompProfileType: "Unconfined|RuntimeDefault|Localhost",
    ServiceAffinity: "ClientIP|None",
    ServiceExternalTrafficPolicy: "Cluster|Local",
    ServiceInternalTrafficPolicy: "Cluster|Local",
    ServiceType: "ClusterIP|NodePort|LoadBalancer|ExternalName",
    Signal:
      "SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMAX-14|SIGRTMAX-13|SIGRTMAX-12|SIGRTMAX-11|SIGRTMAX-10|SIGRTMAX-9|SIGRTMAX-8|SIGRTMAX-7|SIGRTMAX-6|SIGRTMAX-5|SIGRTMAX-4|SIGRTMAX-3|SIGRTMAX-2|SIGRTMAX-1|SIGRTMAX",
    SupplementalGroupsPolicy: "Merge|Strict",
    TaintEffect: "NoSchedule|PreferNoSchedule|NoExecute",
    TerminationMessagePolicy: "File|FallbackToLogsOnError",
    TolerationOperator: "Exists|Equal|Lt|Gt",
    URIScheme: "HTTP|HTTPS",
    UnsatisfiableConstraintAction: "DoNotSchedule|ScheduleAnyway",
    VolumeHealthStatusType: "Inaccessible|DataLoss|Degraded",
  },
  openEnums: {
    BindMountOption: "noexec|nodev|nosuid",
    ComponentConditionType: "Healthy",
    ConditionStatus: "True|False|Unknown",
    ContainerRestartPolicy: "Always|Never|OnFailure",
    ContainerRestartRuleAction: "Restart|RestartAllContainers",
    ContainerRestartRuleOnExitCodesOperator: "In|NotIn",
    FinalizerName: "kubernetes",
    LimitType: "Pod|Container|PersistentVolumeClaim",
    LoadBalancerIPMode: "VIP|Proxy",
    NamespaceConditionType:
      "NamespaceDeletionDiscoveryFailure|NamespaceDeletionContentFailure|NamespaceDeletionGroupVersionParsingFailure|NamespaceContentRemaining|NamespaceFinalizersRemaining",
    NodeAddressType: "Hostname|InternalIP|ExternalIP|InternalDNS|ExternalDNS",
    NodeConditionType:
      "Ready|MemoryPressure|DiskPressure|PIDPressure|NetworkUnavailable|GracefulNodeShutdownInProgress|DrainInProgress|Drained|MaintenancePlanned|MaintenanceInProgress",
    OSName: "linux|windows",
    PersistentVolumeClaimConditionType:
      "Resizing|FileSystemResizePending|ControllerResizeError|NodeResizeError|ModifyVolumeError|ModifyingVolume|Unused",
    PodConditionType:
      "ContainersReady|Initialized|Ready|PodScheduled|DisruptionTarget|PodReadyToStartContainers|PodResizePending|PodResizeInProgress|AllContainersRestarting",
    PodResizeStatus: "InProgress|Deferred|Infeasible",
    PodSELinuxChangePolicy: "Recursive|MountOption",
    RecursiveReadOnlyMode: "Disabled|IfPossible|Enabled",
    ReplicationControllerConditionType: "ReplicaFailure",
    ResourceHealthStatus: "Healthy|Unhealthy|Unknown",
    ResourceName:
      "cpu|memory|storage|ephemeral-storage|pods|services|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims|services.nodeports|services.loadbalancers|requests.cpu|requests.memory|requests.storage|requests.ephemeral-storage|limits.cpu|limits.memory|limits.ephemeral-storage",
    ResourceResizeRestartPolicy: "NotRequired|RestartContainer",
    SecretType:
      "Opaque|kubernetes.io/service-account-token|kubernetes.io/dockercfg|kubernetes.io/dockerconfigjson|kubernetes.io/basic-auth|kubernetes.io/ssh-auth|kubernetes.io/tls|bootstrap.kubernetes.io/token",
    StorageMedium: "|Memory|HugePages|HugePages-",
  },
  types: {
    AWSElasticBlockStoreVolumeSource: `
volumeID 1 string
fsType? 2 string
partition? 3 int32
readOnly? 4 bool
`,
    Affinity: `
nodeAffinity? 1 *NodeAffinity
podAffinity? 2 *PodAffinity
podAntiAffinity? 3 *PodAntiAffinity
`,
    AppArmorProfile: `
type 1 AppArmorProfileType
localhostProfile? 2 *string
`,
    AttachedVolume: `
name 1 string
devicePath 2 string
`,
    AvoidPods: `
preferAvoidPods? 1 []PreferAvoidPodsEntry list=atomic
`,
    AzureDiskVolumeSource: `
diskName 1 string
diskURI 2 string
cachingMode? 3 *AzureDataDiskCachingMode default="ReadWrite"
fsType? 4 *string default="ext4"
readOnly? 5 *bool default=false
kind? 6 *AzureDataDiskKind default="Shared"
`,
    AzureFilePersistentVolumeSource: `
secretName 1 string
shareName 2 string
readOnly? 3 bool
secretNamespace~ 4 *string
`,
    AzureFileVolumeSource: `
secretName 1 string
shareName 2 string
readOnly? 3 bool
`,
    Binding: `
!kind
metadata? 1 meta.ObjectMeta
target 2 ObjectReference
`,
    CSIPersistentVolumeSource: `
driver 1 string
volumeHandle 2 string
readOnly? 3 bool
fsType? 4 string
volumeAttributes? 5 map:string
controllerPublishSecretRef? 6 *SecretReference
nodeStageSecretRef? 7 *SecretReference
nodePublishSecretRef? 8 *SecretReference
controllerExpandSecretRef? 9 *SecretReference
nodeExpandSecretRef? 10 *SecretReference
`,
    CSIVolumeSource: `
driver 1 string
readOnly? 2 *bool
fsType? 3 *string
volumeAttributes? 4 map:string
nodePublishSecretRef? 5 *LocalObjectReference
`,
    Capabilities: `
add? 1 []string list=atomic
drop? 2 []string list=atomic
`,
    CephFSPersistentVolumeSource: `
monitors 1 []string list=atomic
path? 2 string
user? 3 string
secretFile? 4 string
secretRef? 5 *SecretReference
readOnly? 6 bool
`,
    CephFSVolumeSource: `
monitors 1 []string list=atomic
path? 2 string
user? 3 string
secretFile? 4 string
secretRef? 5 *LocalObjectReference
readOnly? 6 bool
`,
    CinderPersistentVolumeSource: `
volumeID 1 string
fsType? 2 string
readOnly? 3 bool
secretRef? 4 *SecretReference
`,
    CinderVolumeSource: `
volumeID 1 string
fsType? 2 string
readOnly? 3 bool
secretRef? 4 *LocalObjectReference
`,
    ClientIPConfig: `
timeoutSeconds? 1 *int32
`,
    ClusterTrustBundleProjection: `
name? 1 *string
signerName? 2 *string
labelSelector? 3 *meta.LabelSelector
optional? 5 *bool
path 4 string
user? 6 *int64
`,
    ComponentCondition: `
type 1 ComponentConditionType
status 2 ConditionStatus
message? 3 string
error? 4 string
`,
    ComponentStatus: `
!kind
metadata? 1 meta.ObjectMeta
conditions? 2 []ComponentCondition patch=merge key=type list=map:type
`,
    ConfigMap: `
!kind
metadata? 1 meta.ObjectMeta
immutable? 4 *bool
data? 2 map:string
binaryData? 3 map:bytes
`,
    ConfigMapEnvSource: `
= 1 LocalObjectReference
optional? 2 *bool
`,
    ConfigMapKeySelector: `
!atomic
= 1 LocalObjectReference
key 2 string
optional? 3 *bool
`,
    ConfigMapNodeConfigSource: `
namespace 1 string
name 2 string
uid? 3 string
resourceVersion? 4 string
kubeletConfigKey 5 string
`,
    ConfigMapProjection: `
= 1 LocalObjectReference
items? 2 []KeyToPath list=atomic
optional? 4 *bool
`,
    ConfigMapVolumeSource: `
= 1 LocalObjectReference
items? 2 []KeyToPath list=atomic
defaultMode? 3 *int32
optional? 4 *bool
defaultUser? 5 *int64
`,
    Container: `
name 1 string
image? 2 string
command? 3 []string list=atomic
args? 4 []string list=atomic
workingDir? 5 string
ports? 6 []ContainerPort patch=merge key=containerPort list=map:containerPort,protocol
envFrom? 19 []EnvFromSource list=atomic
env? 7 []EnvVar patch=merge key=name list=map:name
resources? 8 ResourceRequirements
resizePolicy? 23 []ContainerResizePolicy list=atomic
restartPolicy? 24 *ContainerRestartPolicy
restartPolicyRules? 25 []ContainerRestartRule list=atomic
volumeMounts? 9 []VolumeMount patch=merge key=mountPath list=map:mountPath
volumeDevices? 21 []VolumeDevice patch=merge key=devicePath list=map:devicePath
livenessProbe? 10 *Probe
readinessProbe? 11 *Probe
startupProbe? 22 *Probe
lifecycle? 12 *Lifecycle
terminationMessagePath? 13 string
terminationMessagePolicy? 20 TerminationMessagePolicy
imagePullPolicy? 14 PullPolicy
securityContext? 15 *SecurityContext
stdin? 16 bool
stdinOnce? 17 bool
tty? 18 bool
`,
    ContainerExtendedResourceRequest: `
containerName 1 string
resourceName 2 string
requestName 3 string
`,
    ContainerImage: `
names~ 1 []string list=atomic
sizeBytes? 2 int64
`,
    ContainerPort: `
name? 1 string
hostPort? 2 int32
containerPort 3 int32
protocol? 4 Protocol default="TCP"
hostIP? 5 string
`,
    ContainerResizePolicy: `
resourceName 1 ResourceName
restartPolicy 2 ResourceResizeRestartPolicy
`,
    ContainerRestartRule: `
action! 1 ContainerRestartRuleAction
exitCodes? 2 *ContainerRestartRuleOnExitCodes
`,
    ContainerRestartRuleOnExitCodes: `
operator! 1 ContainerRestartRuleOnExitCodesOperator
values? 2 []int32 list=set
`,
    ContainerState: `
waiting? 1 *ContainerStateWaiting
running? 2 *ContainerStateRunning
terminated? 3 *ContainerStateTerminated
`,
    ContainerStateRunning: `
startedAt? 1 Time
`,
    ContainerStateTerminated: `
exitCode 1 int32
signal? 2 int32
reason? 3 string
message? 4 string
startedAt? 5 Time
finishedAt? 6 Time
containerID? 7 string
`,
    ContainerStateWaiting: `
reason? 1 string
message? 2 string
`,
    ContainerStatus: `
name 1 string
state? 2 ContainerState
lastState? 3 ContainerState
ready 4 bool
restartCount 5 int32
image 6 string
imageID 7 string
containerID? 8 string
started? 9 *bool
allocatedResources? 10 map:Quantity
resources? 11 *ResourceRequirements
volumeMounts? 12 []VolumeMountStatus patch=merge key=mountPath list=map:mountPath
user? 13 *ContainerUser
allocatedResourcesStatus? 14 []ResourceStatus patch=merge key=name list=map:name
stopSignal? 15 *Signal
`,
    ContainerUser: `
linux? 1 *LinuxContainerUser
`,
    DaemonEndpoint: `
Port 1 int32
`,
    DownwardAPIProjection: `
items? 1 []DownwardAPIVolumeFile list=atomic
`,
    DownwardAPIVolumeFile: `
path 1 string
fieldRef? 2 *ObjectFieldSelector
resourceFieldRef? 3 *ResourceFieldSelector
mode? 4 *int32
user? 5 *int64
`,
    DownwardAPIVolumeSource: `
items? 1 []DownwardAPIVolumeFile list=atomic
defaultMode? 2 *int32
defaultUser? 3 *int64
`,
    EmptyDirVolumeSource: `
medium? 1 StorageMedium
sizeLimit? 2 *Quantity
mode? 3 *int32
`,
    EndpointAddress: `
!atomic
ip 1 string
hostname? 3 string
nodeName? 4 *string
targetRef? 2 *ObjectReference
`,
    EndpointPort: `
!atomic
name? 1 string
port 2 int32
protocol? 3 Protocol
appProtocol? 4 *string
`,
    EndpointSubset: `
addresses? 1 []EndpointAddress list=atomic
notReadyAddresses? 2 []EndpointAddress list=atomic
ports? 3 []EndpointPort list=atomic
`,
    Endpoints: `
!kind
metadata? 1 meta.ObjectMeta
subsets? 2 []EndpointSubset list=atomic
`,
    EnvFromSource: `
prefix? 1 string
configMapRef? 2 *ConfigMapEnvSource
secretRef? 3 *SecretEnvSource
`,
    EnvVar: `
name 1 string
value? 2 string
valueFrom? 3 *EnvVarSource
`,
    EnvVarSource: `
fieldRef? 1 *ObjectFieldSelector
resourceFieldRef? 2 *ResourceFieldSelector
configMapKeyRef? 3 *ConfigMapKeySelector
secretKeyRef? 4 *SecretKeySelector
fileKeyRef? 5 *FileKeySelector
`,
    EphemeralContainer: `
= 1 EphemeralContainerCommon
targetContainerName? 2 string
`,
    EphemeralContainerCommon: `
name 1 string
image? 2 string
command? 3 []string list=atomic
args? 4 []string list=atomic
workingDir? 5 string
ports? 6 []ContainerPort patch=merge key=containerPort list=map:containerPort,protocol
envFrom? 19 []EnvFromSource list=atomic
env? 7 []EnvVar patch=merge key=name list=map:name
resources? 8 ResourceRequirements
resizePolicy? 23 []ContainerResizePolicy list=atomic
restartPolicy? 24 *ContainerRestartPolicy
restartPolicyRules? 25 []ContainerRestartRule list=atomic
volumeMounts? 9 []VolumeMount patch=merge key=mountPath list=map:mountPath
volumeDevices? 21 []VolumeDevice patch=merge key=devicePath list=map:devicePath
livenessProbe? 10 *Probe
readinessProbe? 11 *Probe
startupProbe? 22 *Probe
lifecycle? 12 *Lifecycle
terminationMessagePath? 13 string
terminationMessagePolicy? 20 TerminationMessagePolicy
imagePullPolicy? 14 PullPolicy
securityContext? 15 *SecurityContext
stdin? 16 bool
stdinOnce? 17 bool
tty? 18 bool
`,
    EphemeralVolumeSource: `
volumeClaimTemplate? 1 *PersistentVolumeClaimTemplate
`,
    Event: `
!kind
metadata 1 meta.ObjectMeta
involvedObject 2 ObjectReference
reason? 3 string
message? 4 string
source? 5 EventSource
firstTimestamp? 6 Time
lastTimestamp? 7 Time
count? 8 int32
type? 9 string
eventTime? 10 MicroTime
series? 11 *EventSeries
action? 12 string
related? 13 *ObjectReference
reportingComponent~ 14 string
reportingInstance~ 15 string
`,
    EventSeries: `
count? 1 int32
lastObservedTime? 2 MicroTime
`,
    EventSource: `
component? 1 string
host? 2 string
`,
    EvictionResponder: `
!atomic
name 1 string
priority 2 *int32
`,
    ExecAction: `
command? 1 []string list=atomic
`,
    FCVolumeSource: `
targetWWNs? 1 []string list=atomic
lun? 2 *int32
fsType? 3 string
readOnly? 4 bool
wwids? 5 []string list=atomic
`,
    FileKeySelector: `
!atomic
volumeName 1 string
path 2 string
key 3 string
optional? 4 *bool default=false
`,
    FlexPersistentVolumeSource: `
driver 1 string
fsType? 2 string
secretRef? 3 *SecretReference
readOnly? 4 bool
options? 5 map:string
`,
    FlexVolumeSource: `
driver 1 string
fsType? 2 string
secretRef? 3 *LocalObjectReference
readOnly? 4 bool
options? 5 map:string
`,
    FlockerVolumeSource: `
datasetName? 1 string
datasetUUID? 2 string
`,
    GCEPersistentDiskVolumeSource: `
pdName 1 string
fsType? 2 string
partition? 3 int32
readOnly? 4 bool
`,
    GRPCAction: `
port 1 int32
service~ 2 *string default=""
mode? 3 *GRPCProbeMode
`,
    GitRepoVolumeSource: `
repository 1 string
revision? 2 string
directory? 3 string
`,
    GlusterfsPersistentVolumeSource: `
endpoints 1 string
path 2 string
readOnly? 3 bool
endpointsNamespace? 4 *string
`,
    GlusterfsVolumeSource: `
endpoints 1 string
path 2 string
readOnly? 3 bool
`,
    HTTPGetAction: `
path? 1 string
port 2 IntOrString
host? 3 string
scheme? 4 URIScheme
httpHeaders? 5 []HTTPHeader list=atomic
protocol? 6 *HTTPProtocol
`,
    HTTPHeader: `
name 1 string
value 2 string
`,
    HostAlias: `
ip 1 string
hostnames? 2 []string list=atomic
`,
    HostIP: `
ip 1 string
`,
    HostPathVolumeSource: `
path 1 string
type? 2 *HostPathType
`,
    ISCSIPersistentVolumeSource: `
targetPortal 1 string
iqn 2 string
lun 3 int32
iscsiInterface? 4 string default="default"
fsType? 5 string
readOnly? 6 bool
portals? 7 []string list=atomic
chapAuthDiscovery? 8 bool
chapAuthSession? 11 bool
secretRef? 10 *SecretReference
initiatorName? 12 *string
`,
    ISCSIVolumeSource: `
targetPortal 1 string
iqn 2 string
lun 3 int32
iscsiInterface? 4 string default="default"
fsType? 5 string
readOnly? 6 bool
portals? 7 []string list=atomic
chapAuthDiscovery? 8 bool
chapAuthSession? 11 bool
secretRef? 10 *LocalObjectReference
initiatorName? 12 *string
`,
    ImageVolumeSource: `
reference? 1 string
pullPolicy? 2 PullPolicy
`,
    ImageVolumeStatus: `
imageRef! 1 string
`,
    KeyToPath: `
key 1 string
path 2 string
mode? 3 *int32
user? 4 *int64
`,
    Lifecycle: `
postStart? 1 *LifecycleHandler
preStop? 2 *LifecycleHandler
stopSignal? 3 *Signal
`,
    LifecycleHandler: `
exec? 1 *ExecAction
httpGet? 2 *HTTPGetAction
tcpSocket? 3 *TCPSocketAction
sleep? 4 *SleepAction
`,
    LimitRange: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 LimitRangeSpec
`,
    LimitRangeItem: `
type 1 LimitType
max? 2 map:Quantity
min? 3 map:Quantity
default? 4 map:Quantity
defaultRequest? 5 map:Quantity
maxLimitRequestRatio? 6 map:Quantity
`,
    LimitRangeSpec: `
limits 1 []LimitRangeItem list=atomic
`,
    LinuxContainerUser: `
uid 1 int64
gid 2 int64
supplementalGroups? 3 []int64 list=atomic
`,
    LoadBalancerIngress: `
ip? 1 string
hostname? 2 string
ipMode? 3 *LoadBalancerIPMode
ports? 4 []PortStatus list=atomic
`,
    LoadBalancerStatus: `
ingress? 1 []LoadBalancerIngress list=atomic
`,
    LocalObjectReference: `
!atomic
name? 1 string default=""
`,
    LocalVolumeSource: `
path 1 string
fsType? 2 *string
`,
    ModifyVolumeStatus: `
targetVolumeAttributesClassName? 1 string
status 2 PersistentVolumeClaimModifyVolumeStatus
`,
    NFSVolumeSource: `
server 1 string
path 2 string
readOnly? 3 bool
`,
    Namespace: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 NamespaceSpec
status? 3 NamespaceStatus
`,
    NamespaceCondition: `
type 1 NamespaceConditionType
status 2 ConditionStatus
lastTransitionTime? 4 Time
reason? 5 string
message? 6 string
`,
    NamespaceSpec: `
finalizers? 1 []FinalizerName list=atomic
`,
    NamespaceStatus: `
phase? 1 NamespacePhase
conditions? 2 []NamespaceCondition patch=merge key=type list=map:type
`,
    Node: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 NodeSpec
status? 3 NodeStatus
`,
    NodeAddress: `
type 1 NodeAddressType
address 2 string
`,
    NodeAffinity: `
requiredDuringSchedulingIgnoredDuringExecution? 1 *NodeSelector
preferredDuringSchedulingIgnoredDuringExecution? 2 []PreferredSchedulingTerm list=atomic
`,
    NodeAllocatableMappedResources: `
name 1 ResourceName
quantity 2 *Quantity
`,
    NodeAllocatableOverheadResources: `
name 1 ResourceName
perPod? 2 *Quantity
perContainer? 3 *Quantity
`,
    NodeAllocatableResourceClaimStatus: `
resourceClaimName 1 string
containers? 2 []string list=set
mapping? 4 []NodeAllocatableMappedResources patch=merge key=name list=map:name
overhead? 5 []NodeAllocatableOverheadResources patch=merge key=name list=map:name
`,
    NodeCondition: `
type 1 NodeConditionType
status 2 ConditionStatus
lastHeartbeatTime? 3 Time
lastTransitionTime? 4 Time
reason? 5 string
message? 6 string
`,
    NodeConfigSource: `
configMap? 2 *ConfigMapNodeConfigSource
`,
    NodeConfigStatus: `
assigned? 1 *NodeConfigSource
active? 2 *NodeConfigSource
lastKnownGood? 3 *NodeConfigSource
error? 4 string
`,
    NodeDaemonEndpoints: `
kubeletEndpoint? 1 DaemonEndpoint
`,
    NodeFeatures: `
supplementalGroupsPolicy? 1 *bool
`,
    NodePodPreemptionPolicy: `
disableResizePreemption? 1 []string list=set
`,
    NodeProxyOptions: `
!kind
path? 1 string
`,
    NodeRuntimeHandler: `
name~ 1 string
features? 2 *NodeRuntimeHandlerFeatures
`,
    NodeRuntimeHandlerFeatures: `
recursiveReadOnlyMounts? 1 *bool
userNamespaces? 2 *bool
`,
    NodeSelector: `
!atomic
nodeSelectorTerms 1 []NodeSelectorTerm list=atomic
`,
    NodeSelectorRequirement: `
key 1 string
operator 2 NodeSelectorOperator
values? 3 []string list=atomic
`,
    NodeSelectorTerm: `
!atomic
matchExpressions? 1 []NodeSelectorRequirement list=atomic
matchFields? 2 []NodeSelectorRequirement list=atomic
`,
    NodeSpec: `
podCIDR? 1 string
podCIDRs? 7 []string patch=merge list=set
providerID? 3 string
unschedulable? 4 bool
taints? 5 []Taint list=atomic
configSource? 6 *NodeConfigSource
externalID? 2 string
podPreemptionPolicy? 8 *NodePodPreemptionPolicy
`,
    NodeStatus: `
capacity? 1 map:Quantity
allocatable? 2 map:Quantity
phase? 3 NodePhase
conditions? 4 []NodeCondition patch=merge key=type list=map:type
addresses? 5 []NodeAddress patch=merge key=type list=map:type
daemonEndpoints? 6 NodeDaemonEndpoints
nodeInfo? 7 NodeSystemInfo
images? 8 []ContainerImage list=atomic
volumesInUse? 9 []string list=atomic
volumesAttached? 10 []AttachedVolume list=atomic
config? 11 *NodeConfigStatus
runtimeHandlers? 12 []NodeRuntimeHandler list=atomic
features? 13 *NodeFeatures
declaredFeatures? 14 []string list=atomic
`,
    NodeSwapStatus: `
capacity? 1 *int64
`,
    NodeSystemInfo: `
machineID 1 string
systemUUID 2 string
bootID 3 string
kernelVersion 4 string
osImage 5 string
containerRuntimeVersion 6 string
kubeletVersion 7 string
kubeProxyVersion 8 string
operatingSystem 9 string
architecture 10 string
swap? 11 *NodeSwapStatus
runningInUserNamespace? 12 *bool
`,
    ObjectFieldSelector: `
!atomic
apiVersion? 1 string
fieldPath 2 string
`,
    ObjectReference: `
!atomic
kind? 1 string
namespace? 2 string
name? 3 string
uid? 4 string
apiVersion? 5 string
resourceVersion? 6 string
fieldPath? 7 string
`,
    PersistentVolume: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 PersistentVolumeSpec
status? 3 PersistentVolumeStatus
`,
    PersistentVolumeClaim: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 PersistentVolumeClaimSpec
status? 3 PersistentVolumeClaimStatus
`,
    PersistentVolumeClaimCondition: `
type 1 PersistentVolumeClaimConditionType
status 2 ConditionStatus
lastProbeTime? 3 Time
lastTransitionTime? 4 Time
reason? 5 string
message? 6 string
`,
    PersistentVolumeClaimSpec: `
accessModes? 1 []PersistentVolumeAccessMode list=atomic
selector? 4 *meta.LabelSelector
resources? 2 VolumeResourceRequirements
volumeName? 3 string
storageClassName? 5 *string
volumeMode? 6 *PersistentVolumeMode
dataSource? 7 *TypedLocalObjectReference
dataSourceRef? 8 *TypedObjectReference
volumeAttributesClassName? 9 *string
`,
    PersistentVolumeClaimStatus: `
phase? 1 PersistentVolumeClaimPhase
accessModes? 2 []PersistentVolumeAccessMode list=atomic
capacity? 3 map:Quantity
conditions? 4 []PersistentVolumeClaimCondition patch=merge key=type list=map:type
allocatedResources? 5 map:Quantity
allocatedResourceStatuses? 7 map:ClaimResourceStatus map=granular
currentVolumeAttributesClassName? 8 *string
modifyVolumeStatus? 9 *ModifyVolumeStatus
healthStatus? 10 *VolumeHealthStatus
`,
    PersistentVolumeClaimTemplate: `
metadata? 1 meta.ObjectMeta
spec 2 PersistentVolumeClaimSpec
`,
    PersistentVolumeClaimVolumeSource: `
claimName 1 string
readOnly? 2 bool
`,
    PersistentVolumeSource: `
gcePersistentDisk? 1 *GCEPersistentDiskVolumeSource
awsElasticBlockStore? 2 *AWSElasticBlockStoreVolumeSource
hostPath? 3 *HostPathVolumeSource
glusterfs? 4 *GlusterfsPersistentVolumeSource
nfs? 5 *NFSVolumeSource
rbd? 6 *RBDPersistentVolumeSource
iscsi? 7 *ISCSIPersistentVolumeSource
cinder? 8 *CinderPersistentVolumeSource
cephfs? 9 *CephFSPersistentVolumeSource
fc? 10 *FCVolumeSource
flocker? 11 *FlockerVolumeSource
flexVolume? 12 *FlexPersistentVolumeSource
azureFile? 13 *AzureFilePersistentVolumeSource
vsphereVolume? 14 *VsphereVirtualDiskVolumeSource
quobyte? 15 *QuobyteVolumeSource
azureDisk? 16 *AzureDiskVolumeSource
photonPersistentDisk? 17 *PhotonPersistentDiskVolumeSource
portworxVolume? 18 *PortworxVolumeSource
scaleIO? 19 *ScaleIOPersistentVolumeSource
local? 20 *LocalVolumeSource
storageos? 21 *StorageOSPersistentVolumeSource
csi? 22 *CSIPersistentVolumeSource
`,
    PersistentVolumeSpec: `
capacity? 1 map:Quantity
= 2 PersistentVolumeSource
accessModes? 3 []PersistentVolumeAccessMode list=atomic
claimRef? 4 *ObjectReference map=granular
persistentVolumeReclaimPolicy? 5 PersistentVolumeReclaimPolicy
storageClassName? 6 string
mountOptions? 7 []string list=atomic
volumeMode? 8 *PersistentVolumeMode
nodeAffinity? 9 *VolumeNodeAffinity
volumeAttributesClassName? 10 *string
`,
    PersistentVolumeStatus: `
phase? 1 PersistentVolumePhase
message? 2 string
reason? 3 string
lastPhaseTransitionTime? 4 *Time
`,
    PhotonPersistentDiskVolumeSource: `
pdID 1 string
fsType? 2 string
`,
    Pod: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 PodSpec
status? 3 PodStatus
`,
    PodAffinity: `
requiredDuringSchedulingIgnoredDuringExecution? 1 []PodAffinityTerm list=atomic
preferredDuringSchedulingIgnoredDuringExecution? 2 []WeightedPodAffinityTerm list=atomic
`,
    PodAffinityTerm: `
labelSelector? 1 *meta.LabelSelector
namespaces? 2 []string list=atomic
topologyKey 3 string
namespaceSelector? 4 *meta.LabelSelector
matchLabelKeys? 5 []string list=atomic
mismatchLabelKeys? 6 []string list=atomic
`,
    PodAntiAffinity: `
requiredDuringSchedulingIgnoredDuringExecution? 1 []PodAffinityTerm list=atomic
preferredDuringSchedulingIgnoredDuringExecution? 2 []WeightedPodAffinityTerm list=atomic
`,
    PodAttachOptions: `
!kind
stdin? 1 bool
stdout? 2 bool
stderr? 3 bool
tty? 4 bool
container? 5 string
`,
    PodCertificateProjection: `
signerName! 1 string
keyType! 2 string
maxExpirationSeconds? 3 *int32
credentialBundlePath? 4 string
keyPath? 5 string
certificateChainPath? 6 string
userAnnotations? 7 map:string
user? 8 *int64
`,
    PodCondition: `
type 1 PodConditionType
observedGeneration? 7 int64
status 2 ConditionStatus
lastProbeTime? 3 Time
lastTransitionTime? 4 Time
reason? 5 string
message? 6 string
`,
    PodDNSConfig: `
nameservers? 1 []string list=atomic
searches? 2 []string list=atomic
options? 3 []PodDNSConfigOption list=atomic
`,
    PodDNSConfigOption: `
name? 1 string
value? 2 *string
`,
    PodExecOptions: `
!kind
stdin? 1 bool
stdout? 2 bool
stderr? 3 bool
tty? 4 bool
container? 5 string
command 6 []string list=atomic
`,
    PodExtendedResourceClaimStatus: `
requestMappings 1 []ContainerExtendedResourceRequest list=atomic
resourceClaimName 2 string
`,
    PodIP: `
ip 1 string
`,
    PodLogOptions: `
!kind
container? 1 string
follow? 2 bool
previous? 3 bool
sinceSeconds? 4 *int64
sinceTime? 5 *Time
timestamps? 6 bool
tailLines? 7 *int64
limitBytes? 8 *int64
insecureSkipTLSVerifyBackend? 9 bool
stream? 10 *string
`,
    PodOS: `
name 1 OSName
`,
    PodPortForwardOptions: `
!kind
ports? 1 []int32 list=atomic
`,
    PodProxyOptions: `
!kind
path? 1 string
`,
    PodReadinessGate: `
conditionType 1 PodConditionType
`,
    PodResourceClaim: `
name 1 string
resourceClaimName? 3 *string
resourceClaimTemplateName? 4 *string
`,
    PodResourceClaimStatus: `
name 1 string
resourceClaimName? 2 *string
`,
    PodSchedulingGate: `
name 1 string
`,
    PodSchedulingGroup: `
podGroupName? 1 *string
`,
    PodSecurityContext: `
seLinuxOptions? 1 *SELinuxOptions
windowsOptions? 8 *WindowsSecurityContextOptions
runAsUser? 2 *int64
runAsGroup? 6 *int64
runAsNonRoot? 3 *bool
supplementalGroups? 4 []int64 list=atomic
supplementalGroupsPolicy? 12 *SupplementalGroupsPolicy
fsGroup? 5 *int64
sysctls? 7 []Sysctl list=atomic
fsGroupChangePolicy? 9 *PodFSGroupChangePolicy
seccompProfile? 10 *SeccompProfile
appArmorProfile? 11 *AppArmorProfile
seLinuxChangePolicy? 13 *PodSELinuxChangePolicy
`,
    PodSignature: `
podController? 1 *meta.OwnerReference
`,
    PodSpec: `
volumes? 1 []Volume patch=merge,retainKeys key=name list=map:name
initContainers? 20 []Container patch=merge key=name list=map:name
containers 2 []Container patch=merge key=name list=map:name
ephemeralContainers? 34 []EphemeralContainer patch=merge key=name list=map:name
restartPolicy? 3 RestartPolicy
terminationGracePeriodSeconds? 4 *int64
activeDeadlineSeconds? 5 *int64
dnsPolicy? 6 DNSPolicy
nodeSelector? 7 map:string map=atomic
serviceAccountName? 8 string
serviceAccount? 9 string
automountServiceAccountToken? 21 *bool
nodeName? 10 string
hostNetwork? 11 bool
hostPID? 12 bool
hostIPC? 13 bool
shareProcessNamespace? 27 *bool
securityContext? 14 *PodSecurityContext
imagePullSecrets? 15 []LocalObjectReference patch=merge key=name list=map:name
hostname? 16 string
subdomain? 17 string
affinity? 18 *Affinity
schedulerName? 19 string
tolerations? 22 []Toleration list=atomic
hostAliases? 23 []HostAlias patch=merge key=ip list=map:ip
priorityClassName? 24 string
priority? 25 *int32
dnsConfig? 26 *PodDNSConfig
readinessGates? 28 []PodReadinessGate list=atomic
runtimeClassName? 29 *string
enableServiceLinks? 30 *bool
preemptionPolicy? 31 *PreemptionPolicy
overhead? 32 map:Quantity
topologySpreadConstraints? 33 []TopologySpreadConstraint patch=merge key=topologyKey list=map:topologyKey,whenUnsatisfiable
setHostnameAsFQDN? 35 *bool
os? 36 *PodOS
hostUsers? 37 *bool
schedulingGates? 38 []PodSchedulingGate patch=merge key=name list=map:name
resourceClaims? 39 []PodResourceClaim patch=merge,retainKeys key=name list=map:name
resources? 40 *ResourceRequirements
hostnameOverride? 41 *string
schedulingGroup? 43 *PodSchedulingGroup
evictionResponders? 44 []EvictionResponder patch=merge key=name list=map:name
`,
    PodStatus: `
observedGeneration? 17 int64
phase? 1 PodPhase
conditions? 2 []PodCondition patch=merge key=type list=map:type
message? 3 string
reason? 4 string
nominatedNodeName? 11 string
hostIP? 5 string
hostIPs? 16 []HostIP patch=merge key=ip list=atomic
podIP? 6 string
podIPs? 12 []PodIP patch=merge key=ip list=map:ip
startTime? 7 *Time
initContainerStatuses? 10 []ContainerStatus list=atomic
containerStatuses? 8 []ContainerStatus list=atomic
qosClass? 9 PodQOSClass
ephemeralContainerStatuses? 13 []ContainerStatus list=atomic
resize? 14 PodResizeStatus
resourceClaimStatuses? 15 []PodResourceClaimStatus patch=merge,retainKeys key=name list=map:name
extendedResourceClaimStatus? 18 *PodExtendedResourceClaimStatus
allocatedResources? 19 map:Quantity
resources? 20 *ResourceRequirements
nodeAllocatableResourceClaimStatuses? 21 []NodeAllocatableResourceClaimStatus patch=merge key=resourceClaimName list=map:resourceClaimName
volumeHealth? 22 []PodVolumeHealth list=map:name
`,
    PodTemplate: `
!kind
metadata? 1 meta.ObjectMeta
template? 2 PodTemplateSpec
`,
    PodTemplateSpec: `
metadata? 1 meta.ObjectMeta
spec? 2 PodSpec
`,
    PodVolumeHealth: `
name 1 string
healthConditions? 2 []VolumeHealthCondition patch=merge key=status list=map:status,reason
lastTransitionTime? 3 Time
`,
    PortStatus: `
port 1 int32
protocol 2 Protocol
error? 3 *string
`,
    PortworxVolumeSource: `
volumeID 1 string
fsType? 2 string
readOnly? 3 bool
`,
    Preconditions: `
uid? 1 *string
`,
    PreferAvoidPodsEntry: `
podSignature 1 PodSignature
evictionTime? 2 Time
reason? 3 string
message? 4 string
`,
    PreferredSchedulingTerm: `
weight 1 int32
preference 2 NodeSelectorTerm
`,
    Probe: `
= 1 ProbeHandler
initialDelaySeconds? 2 int32
timeoutSeconds? 3 int32
periodSeconds? 4 int32
successThreshold? 5 int32
failureThreshold? 6 int32
terminationGracePeriodSeconds? 7 *int64
`,
    ProbeHandler: `
exec? 1 *ExecAction
httpGet? 2 *HTTPGetAction
tcpSocket? 3 *TCPSocketAction
grpc? 4 *GRPCAction
`,
    ProjectedVolumeSource: `
sources~ 1 []VolumeProjection list=atomic
defaultMode? 2 *int32
defaultUser? 3 *int64
`,
    QuobyteVolumeSource: `
registry 1 string
volume 2 string
readOnly? 3 bool
user? 4 string
group? 5 string
tenant? 6 string
`,
    RBDPersistentVolumeSource: `
monitors 1 []string list=atomic
image 2 string
fsType? 3 string
pool? 4 string default="rbd"
user? 5 string default="admin"
keyring? 6 string default="/etc/ceph/keyring"
secretRef? 7 *SecretReference
readOnly? 8 bool
`,
    RBDVolumeSource: `
monitors 1 []string list=atomic
image 2 string
fsType? 3 string
pool? 4 string default="rbd"
user? 5 string default="admin"
keyring? 6 string default="/etc/ceph/keyring"
secretRef? 7 *LocalObjectReference
readOnly? 8 bool
`,
    RangeAllocation: `
!kind
metadata? 1 meta.ObjectMeta
range 2 string
data 3 bytes
`,
    ReplicationController: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ReplicationControllerSpec
status? 3 ReplicationControllerStatus
`,
    ReplicationControllerCondition: `
type 1 ReplicationControllerConditionType
status 2 ConditionStatus
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
`,
    ReplicationControllerSpec: `
replicas? 1 *int32 default=1
minReadySeconds? 4 int32 default=0
selector? 2 map:string map=atomic
template? 3 *PodTemplateSpec
`,
    ReplicationControllerStatus: `
replicas 1 int32
fullyLabeledReplicas? 2 int32
readyReplicas? 4 int32
availableReplicas? 5 int32
observedGeneration? 3 int64
conditions? 6 []ReplicationControllerCondition patch=merge key=type list=map:type
`,
    ResourceClaim: `
name 1 string
request? 2 string
`,
    ResourceFieldSelector: `
!atomic
containerName? 1 string
resource 2 string
divisor? 3 Quantity
`,
    ResourceHealth: `
resourceID 1 string
health? 2 ResourceHealthStatus
message? 6 *string
`,
    ResourceQuota: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ResourceQuotaSpec
status? 3 ResourceQuotaStatus
`,
    ResourceQuotaSpec: `
hard? 1 map:Quantity
scopes? 2 []ResourceQuotaScope list=atomic
scopeSelector? 3 *ScopeSelector
`,
    ResourceQuotaStatus: `
hard? 1 map:Quantity
used? 2 map:Quantity
`,
    ResourceRequirements: `
limits? 1 map:Quantity
requests? 2 map:Quantity
claims? 3 []ResourceClaim list=map:name
`,
    ResourceStatus: `
name 1 ResourceName
resources? 2 []ResourceHealth list=map:resourceID
`,
    SELinuxOptions: `
user? 1 string
role? 2 string
type? 3 string
level? 4 string
`,
    ScaleIOPersistentVolumeSource: `
gateway 1 string
system 2 string
secretRef 3 *SecretReference
sslEnabled? 4 bool
protectionDomain? 5 string
storagePool? 6 string
storageMode? 7 string default="ThinProvisioned"
volumeName? 8 string
fsType? 9 string default="xfs"
readOnly? 10 bool
`,
    ScaleIOVolumeSource: `
gateway 1 string
system 2 string
secretRef 3 *LocalObjectReference
sslEnabled? 4 bool
protectionDomain? 5 string
storagePool? 6 string
storageMode? 7 string default="ThinProvisioned"
volumeName? 8 string
fsType? 9 string default="xfs"
readOnly? 10 bool
`,
    ScopeSelector: `
!atomic
matchExpressions? 1 []ScopedResourceSelectorRequirement list=atomic
`,
    ScopedResourceSelectorRequirement: `
scopeName 1 ResourceQuotaScope
operator 2 ScopeSelectorOperator
values? 3 []string list=atomic
`,
    SeccompProfile: `
type 1 SeccompProfileType
localhostProfile? 2 *string
`,
    Secret: `
!kind
metadata? 1 meta.ObjectMeta
immutable? 5 *bool
data? 2 map:bytes
stringData? 4 map:string
type? 3 SecretType
`,
    SecretEnvSource: `
= 1 LocalObjectReference
optional? 2 *bool
`,
    SecretKeySelector: `
!atomic
= 1 LocalObjectReference
key 2 string
optional? 3 *bool
`,
    SecretProjection: `
= 1 LocalObjectReference
items? 2 []KeyToPath list=atomic
optional? 4 *bool
`,
    SecretReference: `
!atomic
name? 1 string
namespace? 2 string
`,
    SecretVolumeSource: `
secretName? 1 string
items? 2 []KeyToPath list=atomic
defaultMode? 3 *int32
optional? 4 *bool
defaultUser? 5 *int64
`,
    SecurityContext: `
capabilities? 1 *Capabilities
privileged? 2 *bool
seLinuxOptions? 3 *SELinuxOptions
windowsOptions? 10 *WindowsSecurityContextOptions
runAsUser? 4 *int64
runAsGroup? 8 *int64
runAsNonRoot? 5 *bool
readOnlyRootFilesystem? 6 *bool
allowPrivilegeEscalation? 7 *bool
procMount? 9 *ProcMountType
seccompProfile? 11 *SeccompProfile
appArmorProfile? 12 *AppArmorProfile
`,
    SerializedReference: `
!kind
reference? 1 ObjectReference
`,
    Service: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ServiceSpec
status? 3 ServiceStatus
`,
    ServiceAccount: `
!kind
metadata? 1 meta.ObjectMeta
secrets? 2 []ObjectReference patch=merge key=name list=map:name
imagePullSecrets? 3 []LocalObjectReference list=atomic
automountServiceAccountToken? 4 *bool
`,
    ServiceAccountTokenProjection: `
audience? 1 string
expirationSeconds? 2 *int64
path 3 string
user? 4 *int64
`,
    ServicePort: `
name? 1 string
protocol? 2 Protocol default="TCP"
appProtocol? 6 *string
port 3 int32
targetPort? 4 IntOrString
nodePort? 5 int32
`,
    ServiceProxyOptions: `
!kind
path? 1 string
`,
    ServiceSpec: `
ports? 1 []ServicePort patch=merge key=port list=map:port,protocol
selector? 2 map:string map=atomic
clusterIP? 3 string
clusterIPs? 18 []string list=atomic
type? 4 ServiceType
externalIPs? 5 []string list=atomic
sessionAffinity? 7 ServiceAffinity
loadBalancerIP? 8 string
loadBalancerSourceRanges? 9 []string list=atomic
externalName? 10 string
externalTrafficPolicy? 11 ServiceExternalTrafficPolicy
healthCheckNodePort? 12 int32
publishNotReadyAddresses? 13 bool
sessionAffinityConfig? 14 *SessionAffinityConfig
ipFamilies? 19 []IPFamily list=atomic
ipFamilyPolicy? 17 *IPFamilyPolicy
allocateLoadBalancerNodePorts? 20 *bool
loadBalancerClass? 21 *string
internalTrafficPolicy? 22 *ServiceInternalTrafficPolicy
trafficDistribution? 23 *string
`,
    ServiceStatus: `
loadBalancer? 1 LoadBalancerStatus
conditions? 2 []meta.Condition patch=merge key=type list=map:type
`,
    SessionAffinityConfig: `
clientIP? 1 *ClientIPConfig
`,
    SleepAction: `
seconds 1 int64
`,
    StorageOSPersistentVolumeSource: `
volumeName? 1 string
volumeNamespace? 2 string
fsType? 3 string
readOnly? 4 bool
secretRef? 5 *ObjectReference
`,
    StorageOSVolumeSource: `
volumeName? 1 string
volumeNamespace? 2 string
fsType? 3 string
readOnly? 4 bool
secretRef? 5 *LocalObjectReference
`,
    Sysctl: `
name 1 string
value 2 string
`,
    TCPSocketAction: `
port 1 IntOrString
host? 2 string
`,
    Taint: `
key 1 string
value? 2 string
effect 3 TaintEffect
timeAdded? 4 *Time
`,
    Toleration: `
key? 1 string
operator? 2 TolerationOperator
value? 3 string
effect? 4 TaintEffect
tolerationSeconds? 5 *int64
`,
    TopologySelectorLabelRequirement: `
key 1 string
values 2 []string list=atomic
`,
    TopologySelectorTerm: `
!atomic
matchLabelExpressions? 1 []TopologySelectorLabelRequirement list=atomic
`,
    TopologySpreadConstraint: `
maxSkew 1 int32
topologyKey 2 string
whenUnsatisfiable 3 UnsatisfiableConstraintAction
labelSelector? 4 *meta.LabelSelector
minDomains? 5 *int32
nodeAffinityPolicy? 6 *NodeInclusionPolicy
nodeTaintsPolicy? 7 *NodeInclusionPolicy
matchLabelKeys? 8 []string list=atomic
`,
    TypedLocalObjectReference: `
!atomic
apiGroup~ 1 *string
kind 2 string
name 3 string
`,
    TypedObjectReference: `
apiGroup~ 1 *string
kind 2 string
name 3 string
namespace? 4 *string
`,
    Volume: `
name 1 string
= 2 VolumeSource
`,
    VolumeDevice: `
name 1 string
devicePath 2 string
`,
    VolumeHealthCondition: `
status 1 VolumeHealthStatusType
reason 2 string
message? 3 string
`,
    VolumeHealthStatus: `
healthConditions? 1 []VolumeHealthCondition patch=merge key=status list=map:status,reason
lastTransitionTime? 2 Time
`,
    VolumeMount: `
name 1 string
readOnly? 2 bool
recursiveReadOnly? 7 *RecursiveReadOnlyMode
mountPath 3 string
subPath? 4 string
mountPropagation? 5 *MountPropagationMode
subPathExpr? 6 string
bindMountOptions? 8 []string list=set
`,
    VolumeMountStatus: `
name 1 string
mountPath 2 string
readOnly? 3 bool
recursiveReadOnly? 4 *RecursiveReadOnlyMode
volumeStatus? 5 *VolumeStatus
`,
    VolumeNodeAffinity: `
required? 1 *NodeSelector
`,
    VolumeProjection: `
secret? 1 *SecretProjection
downwardAPI? 2 *DownwardAPIProjection
configMap? 3 *ConfigMapProjection
serviceAccountToken? 4 *ServiceAccountTokenProjection
clusterTrustBundle? 5 *ClusterTrustBundleProjection
podCertificate? 6 *PodCertificateProjection
`,
    VolumeResourceRequirements: `
limits? 1 map:Quantity
requests? 2 map:Quantity
`,
    VolumeSource: `
hostPath? 1 *HostPathVolumeSource
emptyDir? 2 *EmptyDirVolumeSource
gcePersistentDisk? 3 *GCEPersistentDiskVolumeSource
awsElasticBlockStore? 4 *AWSElasticBlockStoreVolumeSource
gitRepo? 5 *GitRepoVolumeSource
secret? 6 *SecretVolumeSource
nfs? 7 *NFSVolumeSource
iscsi? 8 *ISCSIVolumeSource
glusterfs? 9 *GlusterfsVolumeSource
persistentVolumeClaim? 10 *PersistentVolumeClaimVolumeSource
rbd? 11 *RBDVolumeSource
flexVolume? 12 *FlexVolumeSource
cinder? 13 *CinderVolumeSource
cephfs? 14 *CephFSVolumeSource
flocker? 15 *FlockerVolumeSource
downwardAPI? 16 *DownwardAPIVolumeSource
fc? 17 *FCVolumeSource
azureFile? 18 *AzureFileVolumeSource
configMap? 19 *ConfigMapVolumeSource
vsphereVolume? 20 *VsphereVirtualDiskVolumeSource
quobyte? 21 *QuobyteVolumeSource
azureDisk? 22 *AzureDiskVolumeSource
photonPersistentDisk? 23 *PhotonPersistentDiskVolumeSource
projected? 26 *ProjectedVolumeSource
portworxVolume? 24 *PortworxVolumeSource
scaleIO? 25 *ScaleIOVolumeSource
storageos? 27 *StorageOSVolumeSource
csi? 28 *CSIVolumeSource
ephemeral? 29 *EphemeralVolumeSource
image? 30 *ImageVolumeSource
`,
    VolumeStatus: `
image? 1 *ImageVolumeStatus
`,
    VsphereVirtualDiskVolumeSource: `
volumePath 1 string
fsType? 2 string
storagePolicyName? 3 string
storagePolicyID? 4 string
`,
    WeightedPodAffinityTerm: `
weight 1 int32
podAffinityTerm 2 PodAffinityTerm
`,
    WindowsSecurityContextOptions: `
gmsaCredentialSpecName? 1 *string
gmsaCredentialSpec? 2 *string
runAsUserName? 3 *string
hostProcess? 4 *bool
`,
  },
};
