/**
 * What a client counts of its requests, by the server's name. Source: component-base `metrics/prometheus/restclient`, for names, labels
 * and buckets.
 */
import type { ApiRequest } from "../../protocols/api-server.ts";
import { statusOf } from "../../protocols/api-server.ts";
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";

const BOUNDS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const MS_PER_SECOND = 1_000;

/** As over HTTP. */
const METHODS: Readonly<Record<ApiRequest["verb"], string>> = {
  get: "GET",
  list: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};

/** Of one method at one server. */
interface Series {
  readonly seconds: Distribution;
  readonly byCode: Map<string, Value>;
}

export class ClientMetrics {
  private readonly requests: Metric<Value>;
  private readonly seconds: Metric<Distribution>;
  private readonly series = new Map<string, Map<string, Series>>();

  constructor(metrics: Metrics) {
    const help = "Requests by method, server and status; `<error>` where there was no answer.";
    this.requests = metrics.counter("rest_client_requests_total", help, ["code", "method", "host"]);
    this.seconds = metrics.histogram(
      "rest_client_request_duration_seconds",
      "How long requests took.",
      BOUNDS_SECONDS,
      ["verb", "host"],
    );
  }

  answered(host: string, verb: ApiRequest["verb"], tookMs: number): void {
    this.count(host, METHODS[verb], verb === "create" ? "201" : "200", tookMs);
  }

  failed(host: string, verb: ApiRequest["verb"], tookMs: number, error: unknown): void {
    this.count(host, METHODS[verb], String(statusOf(error)?.code ?? "<error>"), tookMs);
  }

  private count(host: string, method: string, code: string, tookMs: number): void {
    const { seconds, byCode } = this.of(host, method);
    let requests = byCode.get(code);
    if (requests === undefined) byCode.set(code, (requests = this.requests.of(code, method, host)));
    requests.inc();
    seconds.observe(tookMs / MS_PER_SECOND);
  }

  private of(host: string, method: string): Series {
    let ofHost = this.series.get(host);
    if (ofHost === undefined) this.series.set(host, (ofHost = new Map<string, Series>()));
    let series = ofHost.get(method);
    if (series === undefined) {
      series = { seconds: this.seconds.of(method, host), byCode: new Map() };
      ofHost.set(method, series);
    }
    return series;
  }
}
