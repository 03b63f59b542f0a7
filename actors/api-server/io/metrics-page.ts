/** `/metrics` of an API server: what this one counts, whoever leads. */
import { METRICS_TYPES, metricsFormatOf, metricsText } from "../../../runtime/metrics/exposition.ts";
import type { Metrics } from "../../../runtime/metrics/metrics.ts";
import type { RawHandler } from "./http-messages.ts";
import { header } from "./http-messages.ts";

const encoder = new TextEncoder();

export const METRICS_PATH = "/metrics";

export function metricsPage(metrics: Metrics): RawHandler {
  return (request, answer) => {
    const format = metricsFormatOf(header(request, "accept"));
    const headers = { "content-type": METRICS_TYPES[format], "cache-control": "no-cache, private" };
    answer.send(200, headers, encoder.encode(metricsText(metrics.families(), format)));
  };
}
