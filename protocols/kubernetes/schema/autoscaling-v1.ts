/** Field tables of `autoscaling/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const autoscalingV1: SchemaPackage = {
  openApiPrefix: "io.k8s.api.autoscaling.v1",
  enums: {},
  types: {
    Scale: `
!kind
metadata? 1 meta.ObjectMeta
spec? 2 ScaleSpec
status? 3 ScaleStatus
`,
    ScaleSpec: `
replicas? 1 int32
`,
    ScaleStatus: `
replicas 1 int32
selector? 2 string
`,
  },
};
