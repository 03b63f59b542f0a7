/** Field tables of `storage.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const storageV1: SchemaPackage = {
  name: "storage",
  apiVersion: "storage.k8s.io/v1",
  openApiPrefix: "io.k8s.api.storage.v1",
  enums: {
    StorageHealthStatusType: "StorageUnreachable|StorageDegraded",
    VolumeBindingMode: "Immediate|WaitForFirstConsumer",
  },
  openEnums: {
    FSGroupPolicy: "ReadWriteOnceWithFSType|File|None",
    VolumeLifecycleMode: "Persistent|Ephemeral",
  },
  types: {
    CSIDriver: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 CSIDriverSpec
`,
    CSIDriverSpec: `
attachRequired? 1 *bool
podInfoOnMount? 2 *bool
volumeLifecycleModes? 3 []VolumeLifecycleMode list=set
storageCapacity? 4 *bool
fsGroupPolicy? 5 *FSGroupPolicy
tokenRequests? 6 []TokenRequest list=atomic
requiresRepublish? 7 *bool
seLinuxMount? 8 *bool
nodeAllocatableUpdatePeriodSeconds? 9 *int64
serviceAccountTokenInSecrets? 10 *bool
preventPodSchedulingIfMissing? 11 *bool
`,
    CSINode: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 CSINodeSpec
status? 3 CSINodeStatus
`,
    CSINodeDriver: `
name 1 string
nodeID 2 string
topologyKeys~ 3 []string list=atomic
allocatable? 4 *VolumeNodeResources
`,
    CSINodeSpec: `
drivers 1 []CSINodeDriver patch=merge key=name list=map:name
`,
    CSINodeStatus: `
storageHealth? 1 []StorageHealth patch=merge key=name list=map:name
`,
    CSIStorageCapacity: `
!kind
metadata? 1 meta.ObjectMeta
nodeTopology? 2 *meta.LabelSelector
storageClassName 3 string
capacity? 4 *Quantity
maximumVolumeSize? 5 *Quantity
`,
    StorageClass: `
!kind
metadata? 1 meta.ObjectMeta
provisioner 2 string
parameters? 3 map:string
reclaimPolicy? 4 *core.PersistentVolumeReclaimPolicy
mountOptions? 5 []string list=atomic
allowVolumeExpansion? 6 *bool
volumeBindingMode? 7 *VolumeBindingMode
allowedTopologies? 8 []core.TopologySelectorTerm list=atomic
`,
    StorageHealth: `
name 1 string
healthConditions? 2 []StorageHealthCondition list=atomic
`,
    StorageHealthCondition: `
status 1 StorageHealthStatusType
reason 2 string
message? 3 string
accessMode? 4 *core.PersistentVolumeAccessMode
volumeMode? 5 *core.PersistentVolumeMode
lastTransitionTime? 6 Time
`,
    TokenRequest: `
audience 1 string
expirationSeconds? 2 *int64
`,
    VolumeAttachment: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 VolumeAttachmentSpec
status? 3 VolumeAttachmentStatus
`,
    VolumeAttachmentSource: `
persistentVolumeName? 1 *string
inlineVolumeSpec? 2 *core.PersistentVolumeSpec
`,
    VolumeAttachmentSpec: `
attacher 1 string
source 2 VolumeAttachmentSource
nodeName 3 string
`,
    VolumeAttachmentStatus: `
attached 1 bool
attachmentMetadata? 2 map:string
attachError? 3 *VolumeError
detachError? 4 *VolumeError
`,
    VolumeAttributesClass: `
!kind
metadata? 1 meta.ObjectMeta
driverName 2 string
parameters? 3 map:string
`,
    VolumeError: `
time? 1 Time
message? 2 string
errorCode? 3 *int32
`,
    VolumeNodeResources: `
count? 1 *int32
`,
  },
};
