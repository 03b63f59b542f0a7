/** Field tables of `storagemigration.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const storagemigrationV1: SchemaPackage = {
  name: "storagemigration",
  apiVersion: "storagemigration.k8s.io/v1",
  openApiPrefix: "io.k8s.api.storagemigration.v1",
  enums: {},
  openEnums: {
    MigrationConditionType: "Running|Succeeded|Failed",
  },
  types: {
    StorageVersionMigration: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 StorageVersionMigrationSpec
status? 3 StorageVersionMigrationStatus
`,
    StorageVersionMigrationSpec: `
resource 1 meta.GroupResource
`,
    StorageVersionMigrationStatus: `
conditions? 1 []meta.Condition patch=merge key=type list=map:type
resourceVersion? 2 string
`,
  },
};
