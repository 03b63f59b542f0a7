/**
 * What an actor counts of its own work: counters, gauges and histograms under names that monitoring systems know. To bump one costs some
 * nanoseconds and allocates nothing, so whoever does so often keeps the series: `of` looks it up. Nobody is told of anything;
 * `families` reads it all when somebody asks.
 * @see https://prometheus.io/docs/concepts/metric_types/
 */
import { InkubeError } from "../../protocols/errors.ts";

export type MetricType = "counter" | "gauge" | "histogram";
export type Labels = { readonly [name: string]: string };

/** One line of a metric. */
export interface Sample {
  /** Behind the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A metric as it is told: plain data. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** A series of a counter or a gauge. */
export class Value {
  value = 0;

  inc(): void {
    this.value++;
  }

  dec(): void {
    this.value--;
  }

  add(amount: number): void {
    this.value += amount;
  }

  /** Of a gauge, or of a counter that somebody else counts. */
  set(value: number): void {
    this.value = value;
  }
}

/** A series of a histogram. */
export class Distribution {
  private readonly bounds: readonly number[];
  /** Not cumulative; the last one is of what is above all bounds. Their own numbers stay numbers: no observation allocates one. */
  private readonly counts: Float64Array;
  private readonly total = new Float64Array(1);

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    counts[at]!++;
    this.total[0]! += value;
  }

  samples(labels: Labels): readonly Sample[] {
    let count = 0;
    const buckets = Array.from(this.counts, (of, at): Sample => {
      count += of;
      const le = at < this.bounds.length ? String(this.bounds[at]) : "+Inf";
      return { suffix: "_bucket", labels: { ...labels, le }, value: count };
    });
    return [...buckets, { suffix: "_sum", labels, value: this.total[0]! }, { suffix: "_count", labels, value: count }];
  }
}

/** All series of one name, told apart by the values of their labels. */
export class Metric<Series extends Value | Distribution> {
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  private readonly make: () => Series;
  private readonly series = new Map<string, { readonly labels: Labels; readonly series: Series }>();

  constructor(type: MetricType, help: string, labels: readonly string[], make: () => Series) {
    this.type = type;
    this.help = help;
    this.labels = labels;
    this.make = make;
  }

  /** The series of these values, one for each label in order; it is there, at 0, from now on. */
  of(...values: readonly string[]): Series {
    const key = values.length === 1 ? values[0]! : values.join("\u0000");
    let found = this.series.get(key);
    if (found === undefined) {
      if (values.length !== this.labels.length)
        throw new Error(`a metric with the labels ${this.labels.join()} has no series ${values.join()}`);
      found = { labels: Object.fromEntries(this.labels.map((label, i) => [label, values[i]!])), series: this.make() };
      this.series.set(key, found);
    }
    return found.series;
  }

  /** Forgets all series: of a gauge whose values are taken anew each time that somebody asks. */
  clear(): void {
    this.series.clear();
  }

  /** Forgets the series of what is no more. */
  delete(isGone: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.series) if (isGone(labels)) this.series.delete(key);
  }

  samples(): readonly Sample[] {
    return [...this.series.values()].flatMap(({ labels, series }) =>
      series instanceof Distribution ? series.samples(labels) : [{ labels, value: series.value }],
    );
  }
}

/** The metrics of one actor. A name that is asked for again is the same metric: parts of an actor may share one. */
export class Metrics {
  private readonly metrics = new Map<string, Metric<Value | Distribution>>();
  private readonly gathering = new Set<() => void>();

  /** Only grows, until the actor's end. Its name ends in `_total`, where it is nobody else's. */
  counter(name: string, help: string, labels: readonly string[] = []): Metric<Value> {
    return this.metric(name, "counter", help, labels, () => new Value());
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Metric<Value> {
    return this.metric(name, "gauge", help, labels, () => new Value());
  }

  /** @param bounds upper ones, ascending; what equals a bound is within it */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: readonly string[] = [],
  ): Metric<Distribution> {
    return this.metric(name, "histogram", help, labels, () => new Distribution(bounds));
  }

  /** `gather` sets what is only known when it is looked at, each time before somebody reads. @returns ends that */
  onRead(gather: () => void): () => void {
    this.gathering.add(gather);
    return () => void this.gathering.delete(gather);
  }

  /** As they are now. A metric without a series is left out, as in Prometheus' own libraries. */
  families(): readonly MetricFamily[] {
    for (const gather of this.gathering) gather();
    return [...this.metrics].flatMap(([name, metric]) => {
      const samples = metric.samples();
      return samples.length === 0 ? [] : [{ name, type: metric.type, help: metric.help, samples }];
    });
  }

  private metric<Series extends Value | Distribution>(
    name: string,
    type: MetricType,
    help: string,
    labels: readonly string[],
    make: () => Series,
  ): Metric<Series> {
    const found = this.metrics.get(name);
    if (found === undefined) {
      const metric = new Metric(type, help, labels, make);
      if (labels.length === 0) metric.of();
      this.metrics.set(name, metric as Metric<Value | Distribution>);
      return metric;
    }
    if (found.type !== type || found.labels.join() !== labels.join())
      throw new InkubeError("INVALID_ARGUMENT", `there is a ${found.type} ${name}{${found.labels.join()}} already`);
    return found as Metric<Series>;
  }
}

/** `count` bounds from `first`, each `factor` times the one before. As Prometheus' `ExponentialBuckets`. */
export function exponentialBounds(first: number, factor: number, count: number): readonly number[] {
  const bounds: number[] = [];
  for (let bound = first; bounds.length < count; bound *= factor) bounds.push(bound);
  return bounds;
}
