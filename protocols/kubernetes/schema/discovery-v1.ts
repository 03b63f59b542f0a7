/** Field tables of `discovery.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const discoveryV1: SchemaPackage = {
  name: "discovery",
  apiVersion: "discovery.k8s.io/v1",
  openApiPrefix: "io.k8s.api.discovery.v1",
  enums: {},
  openEnums: {},
  types: {
    Endpoint: `
addresses 1 []string list=set
conditions? 2 EndpointConditions
hostname? 3 *string
targetRef? 4 *core.ObjectReference
deprecatedTopology? 5 map:string
nodeName? 6 *string
zone? 7 *string
hints? 8 *EndpointHints
`,
    EndpointConditions: `
ready? 1 *bool
serving? 2 *bool
terminating? 3 *bool
`,
    EndpointHints: `
forZones? 1 []ForZone list=atomic
forNodes? 2 []ForNode list=atomic
`,
    EndpointPort: `
!atomic
name? 1 *string
protocol? 2 *core.Protocol
port? 3 *int32
appProtocol? 4 *string
`,
    EndpointSlice: `
!kind
metadata? 1 meta.ObjectMeta
addressType 4 string
endpoints~ 2 []Endpoint list=atomic
ports~ 3 []EndpointPort list=atomic
`,
    ForNode: `
name 1 string
`,
    ForZone: `
name 1 string
`,
  },
};
