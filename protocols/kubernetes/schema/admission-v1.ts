/** Field tables of `admission.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const admissionV1: SchemaPackage = {
  name: "admission",
  apiVersion: "admission.k8s.io/v1",
  openApiPrefix: "io.k8s.api.admission.v1",
  enums: {},
  openEnums: {
    Operation: "CREATE|UPDATE|DELETE|CONNECT",
    PatchType: "JSONPatch",
  },
  types: {
    AdmissionRequest: `
uid~ 1 string
kind~ 2 meta.GroupVersionKind
resource~ 3 meta.GroupVersionResource
subResource? 4 string
requestKind? 13 *meta.GroupVersionKind
requestResource? 14 *meta.GroupVersionResource
requestSubResource? 15 string
name? 5 string
namespace? 6 string
operation~ 7 Operation
userInfo~ 8 authentication.UserInfo
object? 9 RawExtension
oldObject? 10 RawExtension
dryRun? 11 *bool
options? 12 RawExtension
`,
    AdmissionResponse: `
uid~ 1 string
allowed~ 2 bool
status? 3 *meta.Status
patch? 4 bytes
patchType? 5 *PatchType
auditAnnotations? 6 map:string
warnings? 7 []string list=atomic
`,
    AdmissionReview: `
!kind
request? 1 *AdmissionRequest
response? 2 *AdmissionResponse
`,
  },
};
