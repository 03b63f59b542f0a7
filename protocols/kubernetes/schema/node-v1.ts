/** Field tables of `node.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const nodeV1: SchemaPackage = {
  name: "node",
  apiVersion: "node.k8s.io/v1",
  openApiPrefix: "io.k8s.api.node.v1",
  enums: {},
  openEnums: {},
  types: {
    Overhead: `
podFixed? 1 map:Quantity
`,
    RuntimeClass: `
!kind
metadata? 1 meta.ObjectMeta
handler 2 string
overhead? 3 *Overhead
scheduling? 4 *Scheduling
`,
    Scheduling: `
nodeSelector? 1 map:string map=atomic
tolerations? 2 []core.Toleration list=atomic
`,
  },
};
