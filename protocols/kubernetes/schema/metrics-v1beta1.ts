/** Field tables of `metrics.k8s.io/v1beta1`; `SchemaPackage` says how to read them. Source: `k8s.io/metrics` 0.37 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const metricsV1beta1: SchemaPackage = {
  name: "metrics",
  apiVersion: "metrics.k8s.io/v1beta1",
  openApiPrefix: "io.k8s.metrics.pkg.apis.metrics.v1beta1",
  enums: {},
  openEnums: {},
  types: {
    ContainerMetrics: `
name 1 string
usage 2 map:Quantity
`,
    NodeMetrics: `
!kind
metadata? 1 meta.ObjectMeta
timestamp 2 Time
window 3 Duration
usage 4 map:Quantity
`,
    PodMetrics: `
!kind
metadata? 1 meta.ObjectMeta
timestamp 2 Time
window 3 Duration
containers 4 []ContainerMetrics list=atomic
`,
  },
};
