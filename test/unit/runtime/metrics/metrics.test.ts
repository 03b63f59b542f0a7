import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergedFamilies, METRICS_TYPES, metricsFormatOf, metricsText } from "../../../../runtime/metrics/exposition.ts";
import { exponentialBounds, Metrics } from "../../../../runtime/metrics/metrics.ts";
import { readMetrics } from "../../../fixtures/metrics-text.ts";

describe("metrics", () => {
  it("are told as they are when somebody asks, and not before they have a series", () => {
    const metrics = new Metrics();
    const requests = metrics.counter("requests_total", "Requests.", ["verb", "code"]);
    expect(metrics.families()).toEqual([]);
    requests.of("GET", "200").inc();
    requests.of("GET", "200").add(2);
    requests.of("GET", "404").inc();
    const depth = metrics.gauge("depth", "Depth.").of();
    depth.set(5);
    depth.dec();
    expect(metricsText(metrics.families())).toBe(
      "# HELP requests_total Requests.\n# TYPE requests_total counter\n" +
        'requests_total{code="200",verb="GET"} 3\nrequests_total{code="404",verb="GET"} 1\n' +
        "# HELP depth Depth.\n# TYPE depth gauge\ndepth 4\n",
    );
  });

  it("are one metric for all parts of an actor that ask for the same, and refuse another one of that name", () => {
    const metrics = new Metrics();
    metrics.counter("adds_total", "Adds.", ["name"]).of("a").inc();
    metrics.counter("adds_total", "Adds.", ["name"]).of("a").inc();
    expect(metrics.families()[0]!.samples).toEqual([{ labels: { name: "a" }, value: 2 }]);
    expect(() => metrics.gauge("adds_total", "Adds.", ["name"])).toThrow("there is a counter adds_total{name} already");
    expect(() => metrics.counter("adds_total", "Adds.")).toThrow("already");
    expect(() => metrics.counter("adds_total", "Adds.", ["name"]).of("a", "b")).toThrow("no series");
  });

  it("count what equals a bound within it, and what is above all bounds in none", () => {
    const metrics = new Metrics();
    const seconds = metrics.histogram("seconds", "Seconds.", [0.1, 1]).of();
    for (const value of [0.1, 0.5, 2]) seconds.observe(value);
    expect(metricsText(metrics.families())).toContain(
      'seconds_bucket{le="0.1"} 1\nseconds_bucket{le="1"} 2\nseconds_bucket{le="+Inf"} 3\nseconds_sum 2.6\nseconds_count 3\n',
    );
  });

  it("look at what is only known then, each time that they are read, until that ends", () => {
    const metrics = new Metrics();
    const size = metrics.gauge("size", "Size.").of();
    let now = 7;
    const end = metrics.onRead(() => size.set(now));
    expect(metrics.families()[0]!.samples[0]!.value).toBe(7);
    now = 8;
    expect(metrics.families()[0]!.samples[0]!.value).toBe(8);
    end();
    now = 9;
    expect(metrics.families()[0]!.samples[0]!.value).toBe(8);
  });

  it("have bounds that grow by a factor, as Prometheus' own", () => {
    expect(exponentialBounds(0.001, 2, 4)).toEqual([0.001, 0.002, 0.004, 0.008]);
  });

  it("of many actors are one list, in which each name comes once", () => {
    const told = ["a", "b"].map((instance) => {
      const metrics = new Metrics();
      metrics.gauge("up", "Up.").of().set(1);
      metrics.gauge(`of_${instance}`, "Own.").of();
      return { labels: { instance }, families: metrics.families() };
    });
    const read = readMetrics(metricsText(mergedFamilies(told)));
    expect([...read.keys()]).toEqual(["up", "of_a", "of_b"]);
    expect(read.get("up")!.samples.map(({ labels }) => labels)).toEqual([{ instance: "a" }, { instance: "b" }]);
  });

  it("are text that a strict reader understands, whatever stands in labels and helps", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.double({ min: 0, noNaN: true })), { maxLength: 20 }),
        fc.string(),
        fc.constantFrom("prometheus" as const, "openmetrics" as const),
        (series, help, format) => {
          const metrics = new Metrics();
          const gauge = metrics.gauge("g", help, ["label"]);
          const counter = metrics.counter("c_total", help, ["label"]);
          const histogram = metrics.histogram("h_seconds", help, [0.1, 1], ["label"]);
          for (const [label, value] of series) {
            gauge.of(label).set(value);
            counter.of(label).inc();
            histogram.of(label).observe(value);
          }
          const read = readMetrics(metricsText(metrics.families(), format), format);
          const expected = new Map(series);
          const told = read.get("g")?.samples ?? [];
          expect(new Map(told.map(({ labels, value }) => [labels["label"]!, value]))).toEqual(expected);
        },
      ),
    );
  });
});

describe("the format of metrics", () => {
  it.each([
    [undefined, "prometheus"],
    ["*/*", "prometheus"],
    ["text/plain", "prometheus"],
    ["application/openmetrics-text; version=1.0.0", "openmetrics"],
    // As Prometheus 3 asks.
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.2",
      "openmetrics",
    ],
    ["application/openmetrics-text;q=0.1,text/plain;q=0.9", "prometheus"],
    ["application/openmetrics-text;q=0", "prometheus"],
  ] as const)("for Accept %s is %s", (accept, format) => {
    expect(metricsFormatOf(accept)).toBe(format);
    expect(METRICS_TYPES[format]).toMatch(/charset=utf-8$/);
  });
});
