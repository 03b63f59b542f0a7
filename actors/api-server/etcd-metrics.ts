/**
 * What a server counts of its requests to etcd. Source: apiserver `storage/etcd3/metrics`, for names, labels and buckets; operations that
 * are not of its storage layer have etcd's own names.
 */
import type { EtcdMethods, RangeRequest, TxnRequest } from "../../protocols/etcd.ts";
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import type { Distribution, Metric, Metrics, Value } from "../../runtime/metrics/metrics.ts";
import { REQUEST_BOUNDS } from "./core/telemetry/counted-request.ts";

const LABELS = ["operation", "group", "resource"];
interface Series {
  readonly requests: Value;
  readonly seconds: Distribution;
  readonly errors: () => Value;
}

export class EtcdMetrics {
  private readonly requests: Metric<Value>;
  private readonly seconds: Metric<Distribution>;
  private readonly errors: Metric<Value>;
  private readonly resourceOf: (key: string) => ResourceInfo | undefined;
  private readonly ofResource = new WeakMap<ResourceInfo, Map<string, Series>>();
  private readonly ofNone = new Map<string, Series>();

  /** `resourceOf`: whose object a key is. */
  constructor(metrics: Metrics, resourceOf: (key: string) => ResourceInfo | undefined) {
    this.resourceOf = resourceOf;
    this.requests = metrics.counter("etcd_requests_total", "Requests to etcd by operation and resource.", LABELS);
    this.errors = metrics.counter("etcd_request_errors_total", "Tries of requests to etcd that failed.", LABELS);
    this.seconds = metrics.histogram(
      "etcd_request_duration_seconds",
      "How long requests to etcd took, all tries together.",
      REQUEST_BOUNDS,
      LABELS,
    );
  }

  answered(method: keyof EtcdMethods, request: unknown, seconds: number): void {
    const series = this.of(method, request);
    series.requests.inc();
    series.seconds.observe(seconds);
  }

  failed(method: keyof EtcdMethods, request: unknown): void {
    this.of(method, request).errors().inc();
  }

  private of(method: keyof EtcdMethods, request: unknown): Series {
    const [operation, key] = operationOf(method, request);
    const info = key === "" ? undefined : this.resourceOf(key);
    let map = info === undefined ? this.ofNone : this.ofResource.get(info);
    if (map === undefined) this.ofResource.set(info!, (map = new Map()));
    let series = map.get(operation);
    if (series === undefined) {
      const labels = [operation, info?.group ?? "", info?.resource ?? ""];
      series = {
        requests: this.requests.of(...labels),
        seconds: this.seconds.of(...labels),
        errors: () => this.errors.of(...labels),
      };
      map.set(operation, series);
    }
    return series;
  }
}

/** The operation, and a key that it is about; "" where there is none. */
function operationOf(method: keyof EtcdMethods, request: unknown): readonly [string, string] {
  if (method === "range") {
    const { key, rangeEnd } = request as RangeRequest;
    return [rangeEnd === undefined ? "get" : "list", key];
  }
  if (method !== "txn") return [method, ""];
  const { compare, success } = request as TxnRequest;
  for (const op of success) {
    if ("deleteRange" in op) return ["delete", op.deleteRange.key];
    if (!("put" in op)) continue;
    const { key } = op.put;
    const isNew = compare.some((each) => each.key === key && each.target === "mod" && each.value === 0);
    return [isNew ? "create" : "update", key];
  }
  return ["txn", ""];
}
