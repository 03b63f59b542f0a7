/** What flow control counts. Source: apiserver `util/flowcontrol/metrics`, for names, labels and buckets. */
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import type { Levels, Refusal } from "./core/flow/levels.ts";

const EXECUTION_BOUNDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const LABELS = ["priority_level", "flow_schema"];

/** Of the requests that one FlowSchema has put into its level. */
export class FlowSeries {
  readonly queued: Value;
  /** Seconds until they began, and until they were given up. */
  readonly waited: Distribution;
  readonly gaveUp: Distribution;
  readonly labels: readonly [string, string];
  private readonly metrics: FlowMetrics;
  private readonly dispatched: Value;
  private readonly executing: Value;
  private readonly seats: Value;

  constructor(metrics: FlowMetrics, level: string, schema: string) {
    this.metrics = metrics;
    this.labels = [level, schema];
    this.queued = metrics.queued.of(level, schema);
    this.waited = metrics.waits.of(level, schema, "true");
    this.gaveUp = metrics.waits.of(level, schema, "false");
    this.dispatched = metrics.dispatched.of(level, schema);
    this.executing = metrics.executing.of(level, schema);
    this.seats = metrics.seats.of(level, schema);
  }

  begin(width: number): void {
    this.dispatched.inc();
    this.executing.inc();
    this.seats.add(width);
  }

  end(width: number, seconds: number, isWatch: boolean): void {
    this.executing.dec();
    this.seats.add(-width);
    this.metrics.executions.of(...this.labels, isWatch ? "watch" : "regular").observe(seconds);
  }
}

export class FlowMetrics {
  readonly queued: Metric<Value>;
  readonly waits: Metric<Distribution>;
  readonly dispatched: Metric<Value>;
  readonly executing: Metric<Value>;
  readonly seats: Metric<Value>;
  readonly executions: Metric<Distribution>;
  private readonly refused: Metric<Value>;
  private readonly series = new Map<string, FlowSeries>();

  constructor(metrics: Metrics, levels: Levels) {
    const named = (name: string): string => `apiserver_flowcontrol_${name}`;
    this.queued = metrics.gauge(named("current_inqueue_requests"), "Requests that wait to begin.", LABELS);
    this.waits = metrics.histogram(
      named("request_wait_duration_seconds"),
      "How long requests waited, by whether they began in the end.",
      EXECUTION_BOUNDS,
      [...LABELS, "execute"],
    );
    this.dispatched = metrics.counter(named("dispatched_requests_total"), "Requests that have begun.", LABELS);
    this.executing = metrics.gauge(
      named("current_executing_requests"),
      "Requests that have begun and not ended.",
      LABELS,
    );
    this.seats = metrics.gauge(named("current_executing_seats"), "Seats that these have.", LABELS);
    this.executions = metrics.histogram(
      named("request_execution_seconds"),
      "How long requests took from when they began; watches until they were open.",
      EXECUTION_BOUNDS,
      [...LABELS, "type"],
    );
    this.refused = metrics.counter(named("rejected_requests_total"), "Requests that were refused, and why.", [
      ...LABELS,
      "reason",
    ]);
    this.limits(metrics, levels);
  }

  of(level: string, schema: string): FlowSeries {
    let series = this.series.get(schema);
    if (series?.labels[0] !== level) {
      series = new FlowSeries(this, level, schema);
      this.series.set(schema, series);
    }
    return series;
  }

  rejected({ labels }: FlowSeries, why: Refusal): void {
    this.refused.of(...labels, why).inc();
  }

  private limits(metrics: Metrics, levels: Levels): void {
    const gauge = (name: string, help: string): Metric<Value> =>
      metrics.gauge(`apiserver_flowcontrol_${name}_seats`, help, ["priority_level"]);
    const nominal = gauge("nominal_limit", "Seats that are the level's own.");
    const least = gauge("lower_limit", "Seats that the level does not lend.");
    const most = gauge("upper_limit", "Seats that the level may have with those of others.");
    metrics.onRead(() => {
      for (const each of [nominal, least, most]) each.clear();
      for (const { name, seats, kept, seatsMax } of levels.all) {
        nominal.of(name).set(seats);
        least.of(name).set(kept);
        most.of(name).set(seatsMax);
      }
    });
  }
}
