/** Field tables of `apiregistration.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const apiregistrationV1: SchemaPackage = {
  name: "apiregistration",
  apiVersion: "apiregistration.k8s.io/v1",
  openApiPrefix: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
  enums: {},
  openEnums: {
    APIServiceConditionType: "Available",
    ConditionStatus: "True|False|Unknown",
  },
  types: {
    APIService: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 APIServiceSpec
status? 3 APIServiceStatus
`,
    APIServiceCondition: `
type 1 APIServiceConditionType
status 2 ConditionStatus
lastTransitionTime? 3 Time
reason? 4 string
message? 5 string
`,
    APIServiceSpec: `
service? 1 *ServiceReference
group? 2 string
version? 3 string
insecureSkipTLSVerify? 4 bool
caBundle? 5 bytes list=atomic
groupPriorityMinimum 7 int32
versionPriority 8 int32
`,
    APIServiceStatus: `
conditions? 1 []APIServiceCondition patch=merge key=type list=map:type
`,
    ServiceReference: `
namespace? 1 string
name? 2 string
port? 3 *int32
`,
  },
};
