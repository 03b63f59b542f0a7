/** The public door of the package: `import { Cluster } from "inkube"`. */
export { Cluster } from "./cluster.ts";
export type { ActorStatus, ClusterEvent, WaitOptions } from "./cluster.ts";
export type { AlarmEvent } from "./etcd-alarms.ts";
export type { Alarm } from "../../protocols/etcd.ts";
export type { SupervisorEvent } from "../../runtime/supervisor/supervisor.ts";
export type { ActorInspector } from "./inspector.ts";
export type { Dashboard } from "./io/dashboard-server.ts";
export type { PortForward } from "./io/pod-streams.ts";
export type { ExecOptions, ExecResult, PortForwardOptions } from "./pod-access.ts";
export type { LoopbackServer } from "./io/loopback-server.ts";
export type { ChaosSchedule, HttpProbe, Probe, ReadyProbe } from "./chaos/live/schedule.ts";
export type { LiveOptions, LiveReport, LiveVerdict, ProbeReport } from "./chaos/live/live-run.ts";
export type { Fault, FaultPlan } from "../../runtime/faults/plan.ts";
export type { AppliedFaults } from "../../runtime/threads/thread-faults.ts";
export type { ActorStatistics, HeapInUse, Introspectable, Tracing } from "../../runtime/introspection.ts";
export type { Informer, Selector } from "../client/informer.ts";
export { JoinedNode } from "./join/joined-node.ts";
export type { JoinOptions } from "./join/options.ts";
export type { ExternalEtcdOptions } from "./external-etcd.ts";
export type { AuditLogOptions } from "./audit-options.ts";
export type { ClusterOptions, HeapLimits, ImageOptions } from "./options.ts";
export type { SchedulerConfigurationOptions } from "./scheduler-options.ts";
export type { SchedulerPlugin, SchedulerPluginFactory } from "../scheduler/profiles.ts";
export type { RemoveWorkerOptions } from "./workers.ts";
export { openTrace } from "./open-trace.ts";
export type {
  ClusterTrace,
  Divergence,
  Explanation,
  ExportFormat,
  ExportOptions,
  Moment,
  QueryOptions,
  QueryResult,
  Story,
  StoryOptions,
  Trace,
  TraceFilter,
  TraceFollower,
  WhyQuestion,
} from "./trace.ts";
export type { PastState } from "./past-state.ts";
export type { TraceEvent } from "../../runtime/trace/event.ts";
export { otlpTraces } from "../trace-collector/core/exports/otlp.ts";
export type { OtlpSpan, OtlpTraces } from "../trace-collector/core/exports/otlp.ts";
export { formatEvent } from "../../runtime/trace/event.ts";
export type { KubernetesList, KubernetesObject } from "../../protocols/api-server.ts";
export type { Deployment, ReplicaSet } from "../../protocols/kubernetes/types/apps-v1.ts";
export type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
export type {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from "../../protocols/kubernetes/types/core-v1.ts";
export type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
export { hasReason, statusOf } from "../../protocols/api-server.ts";
export { InkubeError, hasCode } from "../../protocols/errors.ts";
export * from "../client/resources.ts";
