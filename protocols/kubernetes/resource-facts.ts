/**
 * What kube-apiserver 1.37.1 tells of its resources in discovery and in the headers of its Tables. In the order of discovery:
 *
 *     APIVERSION
 *     RESOURCE KIND namespaced|cluster VERB,…|* [short=NAME,…] [in=CATEGORY,…]
 *       / SUBRESOURCE KIND VERB,… [APIVERSION]
 *       | COLUMN | COLUMN | …
 *
 * The verbs `*` are all that stored objects have. A subresource's kind is of the resource's apiVersion, when none is named. A
 * `+` before a column's name: with `-o wide` only; behind it stands the type, `#` integer, `?` boolean, `@` date,
 * or text, and `!` text that names an object (`Name` does without, but for `~`).
 */
export const RESOURCE_FACTS = `
v1
bindings Binding namespaced create
componentstatuses ComponentStatus cluster get,list short=cs
  | Name | Status | Message | Error
configmaps ConfigMap namespaced * short=cm
  | Name | Data | Age
endpoints Endpoints namespaced * short=ep
  | Name | Endpoints | Age
events Event namespaced * short=ev
  | Last Seen | Type | Reason | Object | +Subobject | +Source | Message | +First Seen | +Count | +Name
limitranges LimitRange namespaced * short=limits
  | Name | Created At@
namespaces Namespace cluster create,delete,get,list,patch,update,watch short=ns
  / finalize Namespace update
  / status Namespace get,patch,update
  | Name | Status | Age
nodes Node cluster * short=no
  / proxy NodeProxyOptions create,delete,get,patch,update
  / status Node get,patch,update
  | Name | Status | Roles | Age | Version | +Internal-IP | +External-IP | +OS-Image | +Kernel-Version | +Container-Runtime
persistentvolumeclaims PersistentVolumeClaim namespaced * short=pvc
  / status PersistentVolumeClaim get,patch,update
  | Name | Status | Volume | Capacity | Access Modes | StorageClass | VolumeAttributesClass | Age | +VolumeMode
persistentvolumes PersistentVolume cluster * short=pv
  / status PersistentVolume get,patch,update
  | Name | Capacity | Access Modes | Reclaim Policy | Status | Claim | StorageClass | VolumeAttributesClass | Reason | Age | +VolumeMode
pods Pod namespaced * short=po in=all
  / attach PodAttachOptions create,get
  / binding Binding create
  / ephemeralcontainers Pod get,patch,update
  / eviction Eviction create policy/v1
  / exec PodExecOptions create,get
  / log Pod get
  / portforward PodPortForwardOptions create,get
  / proxy PodProxyOptions create,delete,get,patch,update
  / resize Pod get,patch,update
  / status Pod get,patch,update
  | Name | Ready | Status | Restarts | Age | +IP | +Node | +Nominated Node | +Readiness Gates
podtemplates PodTemplate namespaced *
  | Name | Containers | Images | Pod Labels
replicationcontrollers ReplicationController namespaced * short=rc in=all
  / scale Scale get,patch,update autoscaling/v1
  / status ReplicationController get,patch,update
  | Name | Desired# | Current# | Ready# | Age | +Containers | +Images | +Selector
resourcequotas ResourceQuota namespaced * short=quota
  / status ResourceQuota get,patch,update
  | Name | Request | Limit | Age
secrets Secret namespaced *
  | Name | Type | Data | Age
serviceaccounts ServiceAccount namespaced * short=sa
  / token TokenRequest create authentication.k8s.io/v1
  | Name | Age
services Service namespaced * short=svc in=all
  / proxy ServiceProxyOptions create,delete,get,patch,update
  / status Service get,patch,update
  | Name | Type | Cluster-IP | External-IP | Port(s) | Age | +Selector

apiregistration.k8s.io/v1
apiservices APIService cluster * in=api-extensions
  / status APIService get,patch,update
  | Name | Service | Available | Age

apps/v1
controllerrevisions ControllerRevision namespaced *
  | Name | Controller | Revision | Age
daemonsets DaemonSet namespaced * short=ds in=all
  / status DaemonSet get,patch,update
  | Name | Desired# | Current# | Ready# | Up-to-date# | Available# | Node Selector | Age | +Containers | +Images | +Selector
deployments Deployment namespaced * short=deploy in=all
  / scale Scale get,patch,update autoscaling/v1
  / status Deployment get,patch,update
  | Name | Ready | Up-to-date | Available | Age | +Containers | +Images | +Selector
replicasets ReplicaSet namespaced * short=rs in=all
  / scale Scale get,patch,update autoscaling/v1
  / status ReplicaSet get,patch,update
  | Name | Desired# | Current# | Ready# | Age | +Containers | +Images | +Selector
statefulsets StatefulSet namespaced * short=sts in=all
  / scale Scale get,patch,update autoscaling/v1
  / status StatefulSet get,patch,update
  | Name | Ready | Age | +Containers | +Images

events.k8s.io/v1
events Event namespaced * short=ev
  | Last Seen | Type | Reason | Object | +Subobject | +Source | Message | +First Seen | +Count | +Name

authentication.k8s.io/v1
selfsubjectreviews SelfSubjectReview cluster create
tokenreviews TokenReview cluster create

authorization.k8s.io/v1
localsubjectaccessreviews LocalSubjectAccessReview namespaced create
selfsubjectaccessreviews SelfSubjectAccessReview cluster create
selfsubjectrulesreviews SelfSubjectRulesReview cluster create
subjectaccessreviews SubjectAccessReview cluster create

autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler namespaced * short=hpa in=all
  / status HorizontalPodAutoscaler get,patch,update
  | Name | Reference | Targets | MinPods | MaxPods | Replicas | Age

autoscaling/v1
horizontalpodautoscalers HorizontalPodAutoscaler namespaced * short=hpa in=all
  / status HorizontalPodAutoscaler get,patch,update
  | Name | Reference | Targets | MinPods | MaxPods | Replicas | Age

batch/v1
cronjobs CronJob namespaced * short=cj in=all
  / status CronJob get,patch,update
  | Name | Schedule | Timezone | Suspend? | Active# | Last Schedule | Age | +Containers | +Images | +Selector
jobs Job namespaced * in=all
  / status Job get,patch,update
  | Name | Status | Completions | Duration | Age | +Containers | +Images | +Selector

certificates.k8s.io/v1
certificatesigningrequests CertificateSigningRequest cluster * short=csr
  / approval CertificateSigningRequest get,patch,update
  / status CertificateSigningRequest get,patch,update
  | Name | Age | SignerName | Requestor | RequestedDuration | Condition
clustertrustbundles ClusterTrustBundle cluster *
  | Name | SignerName
podcertificaterequests PodCertificateRequest namespaced *
  / status PodCertificateRequest get,patch,update
  | Name | PodName | ServiceAccountName | NodeName | SignerName | State | UnverifiedUserAnnotations

networking.k8s.io/v1
ingressclasses IngressClass cluster *
  | Name | Controller | Parameters | Age
ingresses Ingress namespaced * short=ing
  / status Ingress get,patch,update
  | Name | Class | Hosts | Address | Ports | Age
ipaddresses IPAddress cluster * short=ip
  | Name | ParentRef
networkpolicies NetworkPolicy namespaced * short=netpol
  | Name | Pod-Selector | Age
servicecidrs ServiceCIDR cluster *
  / status ServiceCIDR get,patch,update
  | Name | CIDRs | Age

policy/v1
poddisruptionbudgets PodDisruptionBudget namespaced * short=pdb
  / status PodDisruptionBudget get,patch,update
  | Name | Min Available | Max Unavailable | Allowed Disruptions# | Age

rbac.authorization.k8s.io/v1
clusterrolebindings ClusterRoleBinding cluster *
  | Name | Role | Age | +Users | +Groups | +ServiceAccounts
clusterroles ClusterRole cluster *
  | Name | Created At@
rolebindings RoleBinding namespaced *
  | Name | Role | Age | +Users | +Groups | +ServiceAccounts
roles Role namespaced *
  | Name | Created At@

storage.k8s.io/v1
csidrivers CSIDriver cluster *
  | Name | AttachRequired? | PodInfoOnMount? | StorageCapacity? | TokenRequests | RequiresRepublish? | Modes | Age
csinodes CSINode cluster *
  / status CSINode get,patch,update
  | Name | Drivers# | Age
csistoragecapacities CSIStorageCapacity namespaced *
  | Name | Created At@
storageclasses StorageClass cluster * short=sc
  | Name | Provisioner | ReclaimPolicy | VolumeBindingMode | AllowVolumeExpansion | Age
volumeattachments VolumeAttachment cluster *
  / status VolumeAttachment get,patch,update
  | Name | Attacher! | PV | Node | Attached? | Age
volumeattributesclasses VolumeAttributesClass cluster * short=vac
  | Name | DriverName | Age

admissionregistration.k8s.io/v1
mutatingadmissionpolicies MutatingAdmissionPolicy cluster * in=api-extensions
  | Name | Mutations# | ParamKind | Age
mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster * in=api-extensions
  | Name | PolicyName | ParamRef | Age
mutatingwebhookconfigurations MutatingWebhookConfiguration cluster * in=api-extensions
  | Name | Webhooks# | Age
validatingadmissionpolicies ValidatingAdmissionPolicy cluster * in=api-extensions
  / status ValidatingAdmissionPolicy get,patch,update
  | Name | Validations# | ParamKind | Age
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster * in=api-extensions
  | Name | PolicyName | ParamRef | Age
validatingwebhookconfigurations ValidatingWebhookConfiguration cluster * in=api-extensions
  | Name | Webhooks# | Age

apiextensions.k8s.io/v1
customresourcedefinitions CustomResourceDefinition cluster * short=crd,crds in=api-extensions
  / status CustomResourceDefinition get,patch,update
  | Name | Scope | Versions | Created At@ | +Group | +Kind | +ShortNames | +Established?

scheduling.k8s.io/v1
priorityclasses PriorityClass cluster * short=pc
  | Name | Value# | Global-Default? | Age | PreemptionPolicy

coordination.k8s.io/v1
leases Lease namespaced *
  | Name | Holder | Age

node.k8s.io/v1
runtimeclasses RuntimeClass cluster *
  | Name | Handler | Age

discovery.k8s.io/v1
endpointslices EndpointSlice namespaced *
  | Name | AddressType | Ports | Endpoints | Age

resource.k8s.io/v1
deviceclasses DeviceClass cluster *
  | Name | Age
devicetaintrules DeviceTaintRule cluster *
  / status DeviceTaintRule get,patch,update
  | Name | Key | Value | Effect | TimeAdded | Age
resourceclaims ResourceClaim namespaced *
  / status ResourceClaim get,patch,update
  | Name | State | Age
resourceclaimtemplates ResourceClaimTemplate namespaced *
  | Name | Age
resourceslices ResourceSlice cluster *
  | Name | Node | Driver | Pool | Age

flowcontrol.apiserver.k8s.io/v1
flowschemas FlowSchema cluster *
  / status FlowSchema get,patch,update
  | Name | PriorityLevel | MatchingPrecedence | DistinguisherMethod | Age | MissingPL
prioritylevelconfigurations PriorityLevelConfiguration cluster *
  / status PriorityLevelConfiguration get,patch,update
  | Name | Type | NominalConcurrencyShares | Queues | HandSize | QueueLengthLimit | Age

storagemigration.k8s.io/v1
storageversionmigrations StorageVersionMigration cluster *
  / status StorageVersionMigration get,patch,update
  | Name~ | Resource | Status
`;

/** What metrics-server 0.8 tells of its own, in the same form. */
export const METRICS_FACTS = `
metrics.k8s.io/v1beta1
nodes NodeMetrics cluster get,list
  | Name | cpu | memory | Window
pods PodMetrics namespaced get,list
  | Name | cpu | memory | Window
`;
