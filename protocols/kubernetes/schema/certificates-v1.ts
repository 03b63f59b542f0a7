/** Field tables of `certificates.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const certificatesV1: SchemaPackage = {
  name: "certificates",
  apiVersion: "certificates.k8s.io/v1",
  openApiPrefix: "io.k8s.api.certificates.v1",
  enums: {
    KeyUsage:
      "signing|digital signature|content commitment|key encipherment|key agreement|data encipherment|cert sign|crl sign|encipher only|decipher only|any|server auth|client auth|code signing|email protection|s/mime|ipsec end system|ipsec tunnel|ipsec user|timestamping|ocsp signing|microsoft sgc|netscape sgc",
  },
  openEnums: {
    RequestConditionType: "Approved|Denied|Failed",
  },
  types: {
    CertificateSigningRequest: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 CertificateSigningRequestSpec
status? 3 CertificateSigningRequestStatus
`,
    CertificateSigningRequestCondition: `
type 1 RequestConditionType
status 6 core.ConditionStatus
reason? 2 string
message? 3 string
lastUpdateTime? 4 Time
lastTransitionTime? 5 Time
`,
    CertificateSigningRequestSpec: `
request 1 bytes
signerName 7 string
expirationSeconds? 8 *int32
usages? 5 []KeyUsage list=atomic
username? 2 string
uid? 3 string
groups? 4 []string list=atomic
extra? 6 map:[]string
`,
    CertificateSigningRequestStatus: `
conditions? 1 []CertificateSigningRequestCondition list=map:type
certificate? 2 bytes
`,
    ClusterTrustBundle: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 ClusterTrustBundleSpec
`,
    ClusterTrustBundleSpec: `
signerName? 1 string
trustBundle 2 string
`,
    PodCertificateRequest: `
!kind
metadata? 1 meta.ObjectMeta
spec 2 PodCertificateRequestSpec
status? 3 PodCertificateRequestStatus
`,
    PodCertificateRequestSpec: `
signerName 1 string
podName 2 string
podUID 3 string
serviceAccountName 4 string
serviceAccountUID 5 string
nodeName 6 string
nodeUID 7 string
maxExpirationSeconds? 8 *int32 default=86400
stubPKCS10Request 12 bytes
unverifiedUserAnnotations? 11 map:string
`,
    PodCertificateRequestStatus: `
conditions? 1 []meta.Condition patch=merge key=type list=map:type
certificateChain? 2 string
notBefore? 4 *Time
beginRefreshAt? 5 *Time
notAfter? 6 *Time
`,
  },
};
