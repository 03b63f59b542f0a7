/** Field tables of `coordination.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const coordinationV1: SchemaPackage = {
  name: "coordination",
  apiVersion: "coordination.k8s.io/v1",
  openApiPrefix: "io.k8s.api.coordination.v1",
  enums: {},
  openEnums: {
    CoordinatedLeaseStrategy: "OldestEmulationVersion",
  },
  types: {
    Lease: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 LeaseSpec
`,
    LeaseSpec: `
holderIdentity? 1 *string
leaseDurationSeconds? 2 *int32
acquireTime? 3 *MicroTime
renewTime? 4 *MicroTime
leaseTransitions? 5 *int32
strategy? 6 *CoordinatedLeaseStrategy
preferredHolder? 7 *string
`,
  },
};
