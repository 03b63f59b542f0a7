/** The public door of the runtime: `import { … } from "inkube/runtime"`. `README.md` beside this file says how to use it. */
export { InkubeError, hasCode } from "../protocols/errors.ts";
export type { ErrorData } from "../protocols/errors.ts";
export { call, cast, protocol, stream } from "../protocols/protocol.ts";
export type {
  Call,
  CallDefinition,
  Cast,
  CastDefinition,
  MailboxPolicy,
  Methods,
  Protocol,
  ResumeDefinition,
  ResumeToken,
  Stream,
  StreamDefinition,
} from "../protocols/protocol.ts";
export { defineActor } from "./actor.ts";
export type {
  Actor,
  ActorDefinition,
  CallOptions,
  Consumer,
  Context,
  Down,
  DownDetails,
  DownReason,
  Handlers,
  Incoming,
  Logger,
  Ref,
  Sink,
  Subscription,
} from "./actor.ts";
export { PreEncoded, PreEncoder } from "./pre-encoded.ts";
export { resumable } from "./resumable.ts";
export type { ResumableOptions } from "./resumable.ts";
export type { ActorStatistics, HeapInUse, Introspectable, Tracing } from "./introspection.ts";
export type { Labels, MetricFamily, Sample } from "./metrics/metrics.ts";
export { Distribution, exponentialBounds, Metric, Metrics, Value } from "./metrics/metrics.ts";
export { metricsText } from "./metrics/exposition.ts";
export type { Clock, Timer } from "./clock.ts";
export type { Disk, DiskFile } from "./disk.ts";
export type { Address, Connection, Listener, Net } from "./net.ts";
export { actorsOf } from "./supervisor/spec.ts";
export type { Backoff, ChildSpec, Intensity, Restart, Strategy, SupervisorSpec } from "./supervisor/spec.ts";
export { Supervisor } from "./supervisor/supervisor.ts";
export type { ActorHost, SupervisorEvent, SupervisorOptions } from "./supervisor/supervisor.ts";
export type { Upgrade, UpgradeOptions } from "./supervisor/upgrade.ts";
export { mermaidOf } from "./supervisor/tree.ts";
export type { TreeNode } from "./supervisor/tree.ts";
export type { ChildStatus } from "./supervisor/core/supervisor-core.ts";
export { runActor } from "./threads/thread.ts";
export { ThreadHost } from "./threads/thread-host.ts";
export type { ThreadHostOptions } from "./threads/thread-host.ts";
export type { WatchdogOptions } from "./threads/watchdog.ts";
export { EmbeddedPeer } from "./threads/embedded-peer.ts";
export { readRing } from "./trace/ring.ts";
export { formatEvent } from "./trace/event.ts";
export type { TraceEvent } from "./trace/event.ts";
export type { Fault, FaultPlan } from "./faults/plan.ts";
export type { AppliedFaults } from "./threads/thread-faults.ts";
export { SimulationHost } from "./simulation/simulation-host.ts";
export type { DiskFate, SimulationOptions } from "./simulation/simulation-host.ts";
export { DecisionLog } from "./simulation/decisions.ts";
export { runSeeds } from "./simulation/seeds.ts";
export type { RunSeedsOptions, SeedResult, SeedTask, SeedsOutcome, SelfCheck } from "./simulation/seeds.ts";
