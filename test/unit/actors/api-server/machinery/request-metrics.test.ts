import { describe, expect, it } from "vitest";
import { RequestMetrics } from "../../../../../actors/api-server/request-metrics.ts";
import { metricsText } from "../../../../../runtime/metrics/exposition.ts";
import { Metrics } from "../../../../../runtime/metrics/metrics.ts";
import { catalog } from "../harness/catalog.ts";

const target = {
  served: catalog.required("apps", "v1", "deployments"),
  namespace: "shop",
  name: "web",
  subresource: undefined,
};

function counted(count: (requests: RequestMetrics) => void): string {
  const metrics = new Metrics();
  count(new RequestMetrics(metrics));
  return metricsText(metrics.families());
}

describe("the metrics of requests", () => {
  it("take what is as long as a bound for within it", () => {
    const lines = counted((requests) => {
      requests.count({ verb: "GET", target }, 200, 0.025);
    }).split("\n");
    const counts = ["0.005", "0.025", "+Inf"].map((le) => lines.find((line) => line.includes(`le="${le}"`))?.slice(-2));
    expect(counts).toEqual([" 0", " 1", " 1"]);
  });

  it("count by what was asked and how it was answered, and tell how long it took", () => {
    const text = counted((requests) => {
      requests.count({ verb: "GET", target }, 200, 0.004);
      requests.count({ verb: "GET", target }, 200, 0.3);
      requests.count({ verb: "GET", target }, 404, 61);
      requests.count({ verb: "WATCH", target: { ...target, name: undefined } }, 200, undefined);
    });
    const of =
      'component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="GET",version="v1"';
    const [rest = ""] = of.split('component="apiserver",').slice(1);
    expect(text).toContain("# TYPE apiserver_request_total counter\n");
    expect(text).toContain(`apiserver_request_total{code="200",component="apiserver",${rest}} 2\n`);
    expect(text).toContain(`apiserver_request_total{code="404",component="apiserver",${rest}} 1\n`);
    expect(text).toMatch(/apiserver_request_total\{.*scope="namespace".*verb="WATCH".*\} 1\n/);
    expect(text).toContain("# TYPE apiserver_request_duration_seconds histogram\n");
    const bucket = (le: string): string | undefined =>
      text.split("\n").find((line) => line.includes("_bucket{") && line.includes(`le="${le}"`));
    expect(["0.005", "0.2", "0.4", "60", "+Inf"].map((le) => bucket(le)?.split(" ").at(-1))).toEqual([
      "1",
      "1",
      "2",
      "2",
      "3",
    ]);
    expect(text).toContain(`apiserver_request_duration_seconds_count{${of}} 3\n`);
    expect(text).toContain(`apiserver_request_duration_seconds_sum{${of}} 61.304\n`);
    expect(text).not.toMatch(/duration.*WATCH/);
  });

  it("tell what was only tried, and know no other words for it than Kubernetes'", () => {
    const text = counted((requests) => {
      for (const dryRun of [undefined, "All", "a", "b"]) requests.count({ verb: "POST", target, dryRun }, 201, 0.1);
    });
    const told = [...text.matchAll(/^apiserver_request_total\{.*dry_run="(.*?)".*\} (\d+)$/gm)];
    expect(told.map(([, label, count]) => `${label} ${count}`)).toEqual([" 1", "All 1", "invalid 2"]);
  });
});
