/** Field tables of `authentication.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const authenticationV1: SchemaPackage = {
  name: "authentication",
  apiVersion: "authentication.k8s.io/v1",
  openApiPrefix: "io.k8s.api.authentication.v1",
  enums: {},
  openEnums: {},
  types: {
    BoundObjectReference: `
kind? 1 string
apiVersion? 2 string
name? 3 string
uid? 4 string
`,
    SelfSubjectReview: `
!kind
metadata? 1 meta.ObjectMeta
status? 2 SelfSubjectReviewStatus
`,
    SelfSubjectReviewStatus: `
userInfo? 1 UserInfo
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
    TokenReview: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 TokenReviewSpec
status? 3 TokenReviewStatus
`,
    TokenReviewSpec: `
token! 1 string
audiences? 2 []string list=atomic
`,
    TokenReviewStatus: `
authenticated? 1 bool
user? 2 UserInfo
audiences? 4 []string list=atomic
error? 3 string
`,
    UserInfo: `
username? 1 string
uid? 2 string
groups? 3 []string list=atomic
extra? 4 map:[]string
`,
  },
};
