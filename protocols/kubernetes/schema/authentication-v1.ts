/** Field tables of `authentication.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const authenticationV1: SchemaPackage = {
  openApiPrefix: "io.k8s.api.authentication.v1",
  enums: {},
  types: {
    BoundObjectReference: `
kind? 1 string
apiVersion? 2 string
name? 3 string
uid? 4 string
`,
    TokenRequest: `
!kind
metadata? 1 meta.ObjectMeta
spec~ 2 TokenRequestSpec
status? 3 TokenRequestStatus
`,
    TokenRequestSpec: `
audiences~ 1 []string list=atomic
expirationSeconds~ 4 *int64
boundObjectRef~ 3 *BoundObjectReference
attestations? 5 map:[]string
`,
    TokenRequestStatus: `
token~ 1 string
expirationTimestamp~ 2 Time
`,
  },
};
