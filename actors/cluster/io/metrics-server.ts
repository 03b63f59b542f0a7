/** `/metrics` of all actors, `/metrics/<actor>` of one, and `/targets`, by which Prometheus finds each of them. */
import { METRICS_TYPES, metricsFormatOf } from "../../../runtime/metrics/exposition.ts";
import type { ClusterMetrics } from "../cluster-metrics.ts";
import type { LoopbackServer } from "./loopback-server.ts";
import { answer, serveLoopback } from "./loopback-server.ts";

const PATH = "/metrics";

/** Errors: those of `serveLoopback`. */
export function serveMetrics(port: number, metrics: ClusterMetrics): Promise<LoopbackServer> {
  return serveLoopback(port, async (request, url, response) => {
    if (request.method !== "GET") return answer(response, 405, "GET only");
    const format = metricsFormatOf(request.headers.accept);
    const type = METRICS_TYPES[format];
    const { pathname } = url;
    if (pathname === PATH) return answer(response, 200, await metrics.text(format), type);
    if (pathname.startsWith(`${PATH}/`)) {
      return answer(response, 200, await metrics.textOf(pathname.slice(PATH.length + 1), format), type);
    }
    if (pathname !== "/targets") return answer(response, 404, "there are /metrics, /metrics/<actor> and /targets");
    answer(response, 200, JSON.stringify(metrics.targets(url.host)), "application/json");
  });
}
