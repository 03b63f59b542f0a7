/** What a server counts of its requests, from both doors. Source: apiserver `pkg/endpoints/metrics`. */
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import type { Counted } from "./core/telemetry/counted-request.ts";
import {
  dryRunLabel,
  keyWithin,
  REQUEST_BOUNDS,
  REQUEST_LABELS,
  requestLabels,
} from "./core/telemetry/counted-request.ts";

const WATCH_SIZE_BOUNDS = [1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072];

/** What is counted alike. */
interface Series {
  readonly labels: readonly string[];
  /** None where nothing of it has an end that is waited for. */
  durations: Distribution | undefined;
  readonly byCode: Map<number, Value>;
}

/** Events to watchers of one resource. */
export interface WatchSeries {
  readonly events: Value;
  readonly sizes: Distribution;
}

export class RequestMetrics {
  private readonly totals: Metric<Value>;
  private readonly durations: Metric<Distribution>;
  private readonly terminations: Metric<Value>;
  private readonly underWay: Metric<Value>;
  private readonly watchEvents: Metric<Value>;
  private readonly watchSizes: Metric<Distribution>;
  private readonly reading: Value;
  private readonly writing: Value;
  /** Found again by the resource: to make the labels of each request anew would take longer than all else here. */
  private readonly ofResource = new WeakMap<ResourceInfo, Map<string, Series>>();
  private readonly ofNone = new Map<string, Series>();

  constructor(metrics: Metrics) {
    this.totals = metrics.counter(
      "apiserver_request_total",
      "Requests by verb, group, version, resource, subresource, scope and HTTP status.",
      [...REQUEST_LABELS, "dry_run", "code"],
    );
    this.durations = metrics.histogram(
      "apiserver_request_duration_seconds",
      "How long answers took, watches apart.",
      REQUEST_BOUNDS,
      [...REQUEST_LABELS, "dry_run"],
    );
    this.terminations = metrics.counter(
      "apiserver_request_terminations_total",
      "Requests for other servers that this one has answered itself: they were away, or too slow.",
      [...REQUEST_LABELS, "code"],
    );
    this.underWay = metrics.gauge(
      "apiserver_longrunning_requests",
      "Watches and connections that are open.",
      REQUEST_LABELS,
    );
    const inFlight = metrics.gauge(
      "apiserver_current_inflight_requests",
      "Requests under way at the HTTPS door, but those that may last, by whether they may change something.",
      ["request_kind"],
    );
    this.reading = inFlight.of("readOnly");
    this.writing = inFlight.of("mutating");
    const resource = ["group", "version", "resource"];
    this.watchEvents = metrics.counter("apiserver_watch_events_total", "Events that were sent to watchers.", resource);
    this.watchSizes = metrics.histogram(
      "apiserver_watch_events_sizes",
      "Bytes of the events that were sent to watchers at the HTTPS door.",
      WATCH_SIZE_BOUNDS,
      resource,
    );
  }

  /** @param seconds undefined of what runs for as long as its client likes */
  count(counted: Counted, code: number, seconds: number | undefined): void {
    const series = this.seriesOf(counted);
    let total = series.byCode.get(code);
    if (total === undefined) {
      total = this.totals.of(...series.labels, String(code));
      series.byCode.set(code, total);
    }
    total.inc();
    if (seconds === undefined) return;
    series.durations ??= this.durations.of(...series.labels);
    series.durations.observe(seconds);
  }

  /** This server has ended what another one should have answered. */
  terminated(counted: Counted, code: number): void {
    this.terminations.of(...requestLabels(counted), String(code)).inc();
  }

  /** Something that runs for as long as its client likes. @returns to be called once, when it is over */
  begin(counted: Counted): () => void {
    const open = this.underWay.of(...requestLabels(counted));
    open.inc();
    return () => open.dec();
  }

  inFlight(isRead: boolean): Value {
    return isRead ? this.reading : this.writing;
  }

  watched({ group, version, resource }: ResourceInfo): WatchSeries {
    return {
      events: this.watchEvents.of(group, version, resource),
      sizes: this.watchSizes.of(group, version, resource),
    };
  }

  private seriesOf(counted: Counted): Series {
    const { target, remote } = counted;
    const map = remote === undefined && target !== undefined ? this.mapOf(target.served.info) : this.ofNone;
    const key =
      remote === undefined ? keyWithin(counted) : [...requestLabels(counted), dryRunLabel(counted.dryRun)].join(" ");
    let series = map.get(key);
    if (series === undefined) {
      const labels = [...requestLabels(counted), dryRunLabel(counted.dryRun)];
      series = { labels, durations: undefined, byCode: new Map() };
      map.set(key, series);
    }
    return series;
  }

  private mapOf(info: ResourceInfo): Map<string, Series> {
    let map = this.ofResource.get(info);
    if (map === undefined) this.ofResource.set(info, (map = new Map()));
    return map;
  }
}
