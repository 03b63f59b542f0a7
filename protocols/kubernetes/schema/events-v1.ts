/** Field tables of `events.k8s.io/v1`; `SchemaPackage` says how to read them. Source: Kubernetes 1.37.1 `types.go` and `generated.proto`. */
import type { SchemaPackage } from "./schema-package.ts";

export const eventsV1: SchemaPackage = {
  name: "events",
  apiVersion: "events.k8s.io/v1",
  openApiPrefix: "io.k8s.api.events.v1",
  enums: {},
  openEnums: {},
  types: {
    Event: `
!kind
metadata~ 1 meta.ObjectMeta
eventTime 2 MicroTime
series? 3 *EventSeries
reportingController? 4 string
reportingInstance? 5 string
action? 6 string
reason? 7 string
regarding? 8 core.ObjectReference
related? 9 *core.ObjectReference
note? 10 string
type? 11 string
deprecatedSource? 12 core.EventSource
deprecatedFirstTimestamp? 13 Time
deprecatedLastTimestamp? 14 Time
deprecatedCount? 15 int32
`,
    EventSeries: `
count 1 int32
lastObservedTime 2 MicroTime
`,
  },
};
