/** What stands behind both doors. */
import type { TraceCollectorMethods } from "../../protocols/trace-collector.ts";
import type { Ref } from "../../runtime/actor.ts";
import type { Metrics } from "../../runtime/metrics/metrics.ts";
import type { Aggregation } from "./aggregation.ts";
import type { Auditor } from "./audit.ts";
import type { Catalog, Served } from "./core/catalog/catalog.ts";
import type { Steps } from "./core/steps.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";
import type { Tokens } from "./tokens.ts";
import type { Views } from "./views.ts";

export interface Backend {
  readonly options: ApiServerOptions;
  /** The one at this moment. */
  readonly catalog: Catalog;
  /** `listener` is told of resources that join the catalog. */
  onServed(listener: (served: readonly Served[]) => void): void;
  readonly pipeline: Pipeline;
  readonly dispatch: Dispatch;
  readonly store: Store;
  readonly registry: Registry;
  /** Through which both doors watch, and carry out requests while it is on. */
  readonly views: Views;
  readonly tokens: Tokens;
  readonly aggregation: Aggregation;
  /** All that the server counts, and what both doors count of their requests. */
  readonly metrics: Metrics;
  readonly requestMetrics: RequestMetrics;
  /** Undefined: there is no audit log. */
  readonly auditor: Auditor | undefined;
  /** Where `/debug/trace` reads; undefined where there is no collector. */
  readonly traceLog: Ref<TraceCollectorMethods> | undefined;
  /** A UUID. */
  newId(): string;
  nowMs(): number;
  monotonicMs(): number;
  every(periodMs: number, action: () => void): void;
  /** Does what comes in pieces, the requests' own work between them. Without a `scope` it is done to its end. */
  inPieces<T>(work: Steps<T>, scope?: RequestScope): T | Promise<T>;
  /** As `inPieces`, of what is known to be much: nothing of it is done before its turn. */
  later<T>(work: Steps<T>, scope: RequestScope): Promise<T>;
  /** Runs `action` once, `delayMs` from now. */
  after(delayMs: number, action: () => void): { cancel(): void };
  log(message: string): void;
  /** A fault over a request's data is recorded, and becomes its answer; all other errors come back as they are. */
  explained(error: unknown, what: string): unknown;
  /** A broken invariant: the actor dies. */
  crash(error: unknown): void;
}

/** The HTTPS door, as the shell sees it. In the simulation there is none. */
export interface Door {
  /** Listens, and stops listening elsewhere. Errors: ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED. */
  serve(host: string, port: number, reusePort: boolean): Promise<number>;
  /** Stops listening at once, and sends away who is connected: they are better served elsewhere. */
  withdraw(): void;
  close(): Promise<void>;
}

export type OpenDoor = (backend: Backend) => Door;

/** For the simulation: answers as if it listened. */
export const noDoor: OpenDoor = () => ({
  serve: (_host, port) => Promise.resolve(port === 0 ? 6_443 : port),
  withdraw: () => undefined,
  close: () => Promise.resolve(),
});
