/** Field tables of `meta.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const metaV1: SchemaPackage = {
  name: "meta",
  apiVersion: "meta.k8s.io/v1",
  openApiPrefix: "io.k8s.apimachinery.pkg.apis.meta.v1",
  enums: {},
  openEnums: {
    CauseType:
      "FieldValueNotFound|FieldValueRequired|FieldValueDuplicate|FieldValueInvalid|FieldValueNotSupported|FieldValueForbidden|FieldValueTooLong|FieldValueTooMany|InternalError|FieldValueTypeInvalid|UnexpectedServerResponse|FieldManagerConflict|ResourceVersionTooLarge",
    ConditionStatus: "True|False|Unknown",
    DeletionPropagation: "Orphan|Background|Foreground",
    FieldSelectorOperator: "In|NotIn|Exists|DoesNotExist",
    IncludeObjectPolicy: "None|Metadata|Object",
    LabelSelectorOperator: "In|NotIn|Exists|DoesNotExist",
    ManagedFieldsOperationType: "Apply|Update",
    ResourceVersionMatch: "NotOlderThan|Exact",
    RowConditionType: "Completed",
    StatusReason:
      "|Unauthorized|Forbidden|NotFound|AlreadyExists|Conflict|Gone|Invalid|ServerTimeout|StorageReadError|Timeout|TooManyRequests|BadRequest|MethodNotAllowed|NotAcceptable|RequestEntityTooLarge|UnsupportedMediaType|InternalError|Expired|ServiceUnavailable",
  },
  types: {
    APIGroup: `
!kind
name 1 string
versions 2 []GroupVersionForDiscovery list=atomic
preferredVersion? 3 GroupVersionForDiscovery
serverAddressByClientCIDRs? 4 []ServerAddressByClientCIDR list=atomic
`,
    APIGroupList: `
!kind
groups 1 []APIGroup list=atomic
`,
    APIResource: `
name 1 string
singularName 6 string
namespaced 2 bool
group? 8 string
version? 9 string
kind 3 string
verbs 4 []string
shortNames? 5 []string list=atomic
categories? 7 []string list=atomic
storageVersionHash? 10 string
`,
    APIResourceList: `
!kind
groupVersion 1 string
resources 2 []APIResource list=atomic
`,
    APIVersions: `
!kind
versions 1 []string list=atomic
serverAddressByClientCIDRs 2 []ServerAddressByClientCIDR list=atomic
`,
    ApplyOptions: `
!kind
dryRun? 1 []string list=atomic
force 2 bool
fieldManager 3 string
`,
    Condition: `
type 1 string
status 2 ConditionStatus
observedGeneration? 3 int64
lastTransitionTime 4 Time
reason 5 string
message 6 string
`,
    CreateOptions: `
!kind
dryRun? 1 []string list=atomic
fieldManager? 3 string
fieldValidation? 4 string
`,
    DeleteOptions: `
!kind
gracePeriodSeconds? 1 *int64
preconditions? 2 *Preconditions
orphanDependents? 3 *bool
propagationPolicy? 4 *DeletionPropagation
dryRun? 5 []string list=atomic
ignoreStoreReadErrorWithClusterBreakingPotential? 6 *bool
`,
    FieldSelectorRequirement: `
key 1 string
operator 2 FieldSelectorOperator
values? 3 []string list=atomic
`,
    GetOptions: `
!kind
resourceVersion? 1 string
`,
    GroupKind: `
group 1 string
kind 2 string
`,
    GroupResource: `
group 1 string
resource 2 string
`,
    GroupVersion: `
group 1 string
version 2 string
`,
    GroupVersionForDiscovery: `
groupVersion 1 string
version 2 string
`,
    GroupVersionKind: `
group 1 string
version 2 string
kind 3 string
`,
    GroupVersionResource: `
group 1 string
version 2 string
resource 3 string
`,
    LabelSelector: `
!atomic
matchLabels? 1 map:string
matchExpressions? 2 []LabelSelectorRequirement list=atomic
`,
    LabelSelectorRequirement: `
key 1 string
operator 2 LabelSelectorOperator
values? 3 []string list=atomic
`,
    List: `
!kind
metadata? 1 ListMeta
items 2 []RawExtension
`,
    ListMeta: `
selfLink? 1 string
resourceVersion? 2 string
continue? 3 string
remainingItemCount? 4 *int64
shardInfo? 5 *ShardInfo
`,
    ListOptions: `
!kind
labelSelector? 1 string
fieldSelector? 2 string
watch? 3 bool
allowWatchBookmarks? 9 bool
resourceVersion? 4 string
resourceVersionMatch? 10 ResourceVersionMatch
timeoutSeconds? 5 *int64
limit? 7 int64
continue? 8 string
sendInitialEvents? 11 *bool
shardSelector? 15 string
`,
    ManagedFieldsEntry: `
manager? 1 string
operation? 2 ManagedFieldsOperationType
apiVersion? 3 string
time? 4 *Time
fieldsType? 6 string
fieldsV1? 7 *FieldsV1
subresource? 8 string
`,
    ObjectMeta: `
name? 1 string
generateName? 2 string
namespace? 3 string
selfLink? 4 string
uid? 5 string
resourceVersion? 6 string
generation? 7 int64
creationTimestamp? 8 *Time
deletionTimestamp? 9 *Time
deletionGracePeriodSeconds? 10 *int64
labels? 11 map:string
annotations? 12 map:string
ownerReferences? 13 []OwnerReference patch=merge key=uid list=map:uid
finalizers? 14 []string patch=merge list=set
managedFields? 17 []ManagedFieldsEntry list=atomic
`,
    OwnerReference: `
!atomic
apiVersion 5 string
kind 1 string
name 3 string
uid 4 string
controller? 6 *bool
blockOwnerDeletion? 7 *bool
`,
    PartialObjectMetadata: `
!kind
metadata? 1 ObjectMeta
`,
    Patch: `
`,
    PatchOptions: `
!kind
dryRun? 1 []string list=atomic
force? 2 *bool
fieldManager? 3 string
fieldValidation? 4 string
`,
    Preconditions: `
uid? 1 *string
resourceVersion? 2 *string
`,
    RootPaths: `
paths 1 []string list=atomic
`,
    ServerAddressByClientCIDR: `
clientCIDR 1 string
serverAddress 2 string
`,
    ShardInfo: `
selector 1 string
`,
    Status: `
!kind
metadata? 1 ListMeta
status? 2 string
message? 3 string
reason? 4 StatusReason
details? 5 *StatusDetails
code? 6 int32
`,
    StatusCause: `
reason? 1 CauseType
message? 2 string
field? 3 string
`,
    StatusDetails: `
name? 1 string
group? 2 string
kind? 3 string
uid? 6 string
causes? 4 []StatusCause list=atomic
retryAfterSeconds? 5 int32
`,
    Table: `
!kind
metadata? 0 ListMeta
columnDefinitions 0 []TableColumnDefinition list=atomic
rows 0 []TableRow list=atomic
`,
    TableColumnDefinition: `
name 0 string
type 0 string
format 0 string
description 0 string
priority 0 int32
`,
    TableOptions: `
!kind
includeObject? 1 IncludeObjectPolicy
`,
    TableRow: `
cells 0 []JSON list=atomic
conditions? 0 []TableRowCondition list=atomic
object? 0 RawExtension
`,
    TableRowCondition: `
type 0 RowConditionType
status 0 ConditionStatus
reason? 0 string
message? 0 string
`,
    UpdateOptions: `
!kind
dryRun? 1 []string list=atomic
fieldManager? 2 string
fieldValidation? 3 string
`,
    WatchEvent: `
type 1 string
object 2 RawExtension
`,
  },
};
