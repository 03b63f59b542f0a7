/** What a proxy counts. Source: kube-proxy `pkg/proxy/metrics`, for names, labels and buckets. Services are IPv4 only here. */
import type { Context } from "../../runtime/actor.ts";
import type { Distribution, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";

const FAMILY = "IPv4";
const SYNC_BOUNDS = exponentialBounds(0.001, 2, 15);
const MS_PER_SECOND = 1_000;

const named = (name: string): string => `kubeproxy_sync_proxy_rules_${name}`;

/** Changes of one kind of object, until the listeners are in line with them. */
class Changes {
  private readonly total: Value;
  private readonly pending: Value;

  constructor(metrics: Metrics, kind: "service" | "endpoint", what: string) {
    this.total = metrics.counter(named(`${kind}_changes_total`), `Changes of ${what} that were seen.`).of();
    this.pending = metrics.gauge(named(`${kind}_changes_pending`), `Those that are not carried out yet.`).of();
  }

  changed(): void {
    this.total.inc();
    this.pending.inc();
  }

  synced(): void {
    this.pending.set(0);
  }
}

export class ProxyMetrics {
  readonly services: Changes;
  readonly endpoints: Changes;
  private readonly ctx: Context<unknown>;
  private readonly seconds: Distribution;
  private readonly lastQueued: Value;
  private readonly lastSynced: Value;

  constructor(ctx: Context<unknown>) {
    const { metrics } = ctx;
    const family = ["ip_family"];
    this.ctx = ctx;
    this.services = new Changes(metrics, "service", "Services");
    this.endpoints = new Changes(metrics, "endpoint", "EndpointSlices");
    const help = "How long it took to bring the listeners in line with the Services.";
    this.seconds = metrics.histogram(named("duration_seconds"), help, SYNC_BOUNDS, family).of(FAMILY);
    const gauge = (name: string, what: string): Value => metrics.gauge(named(name), what, family).of(FAMILY);
    this.lastQueued = gauge("last_queued_timestamp_seconds", "When that was asked for last, since the Unix epoch.");
    this.lastSynced = gauge("last_timestamp_seconds", "When that was done last, since the Unix epoch.");
  }

  queued(): void {
    this.lastQueued.set(this.ctx.clock.nowMs() / MS_PER_SECOND);
  }

  synced(sync: () => void): void {
    const { clock } = this.ctx;
    const beganMs = clock.monotonicMs();
    sync();
    this.services.synced();
    this.endpoints.synced();
    this.seconds.observe((clock.monotonicMs() - beganMs) / MS_PER_SECOND);
    this.lastSynced.set(clock.nowMs() / MS_PER_SECOND);
  }
}
