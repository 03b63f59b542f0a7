/**
 * Metrics as text, as Prometheus and whoever else reads OpenMetrics takes them.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @see https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
import type { Labels, MetricFamily } from "./metrics.ts";

export type MetricsFormat = "prometheus" | "openmetrics";

export const METRICS_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** What an `Accept` header asks for: OpenMetrics where it is named, and weighs no less than plain text. */
export function metricsFormatOf(accept: string | undefined): MetricsFormat {
  const weightOf = (type: string): number => {
    const found = (accept ?? "").split(",").find((each) => each.trim().toLowerCase().startsWith(type));
    return found === undefined ? 0 : Number(/;\s*q=([\d.]+)/i.exec(found)?.[1] ?? 1);
  };
  const open = weightOf("application/openmetrics-text");
  return open > 0 && open >= weightOf("text/plain") ? "openmetrics" : "prometheus";
}

export function metricsText(families: readonly MetricFamily[], format: MetricsFormat = "prometheus"): string {
  const isOpen = format === "openmetrics";
  const parts = families.map(({ name, type, help, samples }) => {
    // In OpenMetrics the family of a counter has no `_total`, and each of its samples has.
    const family = isOpen && type === "counter" ? name.replace(/_total$/, "") : name;
    const sampled = isOpen && type === "counter" ? `${family}_total` : name;
    const lines = samples.map(
      ({ suffix = "", labels, value }) => `${sampled}${suffix}${labelText(labels)} ${numberText(value)}\n`,
    );
    const told = isOpen ? quotable(help) : escaped(help);
    return `# HELP ${family} ${told}\n# TYPE ${family} ${type}\n${lines.join("")}`;
  });
  return `${parts.join("")}${isOpen ? "# EOF\n" : ""}`;
}

/** Families of many actors as one list: each name once, the samples with the labels of whose they are. */
export function mergedFamilies(
  told: readonly { readonly labels: Labels; readonly families: readonly MetricFamily[] }[],
): readonly MetricFamily[] {
  const merged = new Map<
    string,
    { readonly family: MetricFamily; readonly samples: MetricFamily["samples"][number][] }
  >();
  for (const { labels, families } of told) {
    for (const family of families) {
      let one = merged.get(family.name);
      if (one === undefined) merged.set(family.name, (one = { family, samples: [] }));
      for (const sample of family.samples) one.samples.push({ ...sample, labels: { ...sample.labels, ...labels } });
    }
  }
  return [...merged.values()].map(({ family, samples }) => ({ ...family, samples }));
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function labelText(labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return "";
  return `{${names.map((name) => `${name}="${quotable(labels[name]!)}"`).join()}}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\\n]/g, (char) => (char === "\n" ? "\\n" : "\\\\"));
}

function quotable(text: string): string {
  return escaped(text).replaceAll('"', '\\"');
}
