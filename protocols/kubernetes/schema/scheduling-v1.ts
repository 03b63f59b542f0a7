/** Field tables of `scheduling.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const schedulingV1: SchemaPackage = {
  name: "scheduling",
  apiVersion: "scheduling.k8s.io/v1",
  openApiPrefix: "io.k8s.api.scheduling.v1",
  enums: {},
  openEnums: {},
  types: {
    PriorityClass: `
!kind
metadata? 1 meta.ObjectMeta
value~ 2 int32
globalDefault? 3 bool
description? 4 string
preemptionPolicy? 5 *core.PreemptionPolicy
`,
  },
};
