/**
 * What a server counts of its requests, and Prometheus' text format for it.
 * Source: apiserver `pkg/endpoints/metrics`, for names, labels and buckets.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import type { RemoteRequest } from "../rest/remote-request.ts";
import type { Target } from "../rest/target.ts";

/** Upper bounds in seconds. */
const BUCKETS_SECONDS: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

type Labels = Readonly<Record<string, string>>;

interface Durations {
  readonly labels: Labels;
  /** Not cumulative; the last one is of what is longer than all bounds. */
  readonly counts: number[];
  sumSeconds: number;
}

/** What one request was about. `verb` as in the metrics of Kubernetes: `GET`, `LIST`, `POST`. */
export interface Asked {
  readonly verb: string;
  /** Absent of what is no resource. */
  readonly target?: Target | undefined;
  /** Of a request that another server answers, in place of `target`. */
  readonly remote?: RemoteRequest | undefined;
  /** As the query says it; undefined where it does not. */
  readonly dryRun?: string | undefined;
}

interface Counter {
  readonly labels: Labels;
  count: number;
}

export class RequestFigures {
  private readonly totals = new Map<string, Counter>();
  private readonly terminations = new Map<string, Counter>();
  private readonly underWay = new Map<string, Counter>();
  private readonly durations = new Map<string, Durations>();

  /** @param seconds undefined of what runs for as long as its client likes */
  count(asked: Asked, code: number, seconds: number | undefined): void {
    const dryRun = dryRunLabel(asked);
    const key = `${keyOf(asked)} ${dryRun}`;
    const labels = (): Labels => ({ ...labelsOf(asked), dry_run: dryRun });
    add(this.totals, `${key} ${code}`, 1, () => ({ ...labels(), code: String(code) }));
    if (seconds === undefined) return;
    let durations = this.durations.get(key);
    if (durations === undefined) {
      durations = { labels: labels(), counts: [...BUCKETS_SECONDS, Infinity].map(() => 0), sumSeconds: 0 };
      this.durations.set(key, durations);
    }
    const at = BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
    const bucket = at < 0 ? BUCKETS_SECONDS.length : at;
    durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1;
    durations.sumSeconds += seconds;
  }

  /** This server has ended what another one should have answered. */
  terminated(asked: Asked, code: number): void {
    add(this.terminations, `${keyOf(asked)} ${code}`, 1, () => ({ ...labelsOf(asked), code: String(code) }));
  }

  /** Something that runs for as long as its client likes. @returns to be called once, when it is over */
  begin(asked: Asked): () => void {
    const key = keyOf(asked);
    add(this.underWay, key, 1, () => labelsOf(asked));
    return () => add(this.underWay, key, -1, () => labelsOf(asked));
  }

  get families(): readonly Family[] {
    return [
      {
        name: "apiserver_request_total",
        type: "counter",
        help: "Requests by verb, group, version, resource, subresource, scope and HTTP status.",
        samples: samplesOf(this.totals),
      },
      {
        name: "apiserver_request_terminations_total",
        type: "counter",
        help: "Requests for other servers that this one has answered itself: they were away, or too slow.",
        samples: samplesOf(this.terminations),
      },
      {
        name: "apiserver_request_duration_seconds",
        type: "histogram",
        help: "How long answers took, watches apart.",
        samples: [...this.durations.values()].flatMap(histogram),
      },
      {
        name: "apiserver_longrunning_requests",
        type: "gauge",
        help: "Watches and connections that are open.",
        samples: samplesOf(this.underWay),
      },
    ];
  }
}

function add(counters: Map<string, Counter>, key: string, by: number, labels: () => Labels): void {
  const counter = counters.get(key);
  if (counter === undefined) counters.set(key, { labels: labels(), count: by });
  else counter.count += by;
}

function samplesOf(counters: ReadonlyMap<string, Counter>): readonly Sample[] {
  return [...counters.values()].map(({ labels, count }) => ({ labels, value: count }));
}

export interface Sample {
  /** Behind the family's name: `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

export function prometheusText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(
        ({ suffix = "", labels, value }) => `${name}${suffix}${labels === undefined ? "" : labelText(labels)} ${value}`,
      );
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
    })
    .join("");
}

function labelText(labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map(
      (name) =>
        `${name}="${(labels[name] ?? "").replaceAll(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`,
    );
  return `{${pairs.join(",")}}`;
}

function histogram({ labels, counts, sumSeconds }: Durations): readonly Sample[] {
  let sum = 0;
  const buckets = counts.map((count, at): Sample => {
    sum += count;
    return { suffix: "_bucket", labels: { ...labels, le: String(BUCKETS_SECONDS[at] ?? "+Inf") }, value: sum };
  });
  return [...buckets, { suffix: "_sum", labels, value: sumSeconds }, { suffix: "_count", labels, value: sum }];
}

function keyOf(asked: Asked): string {
  const { verb, target, remote } = asked;
  if (remote !== undefined) {
    const { group, version, resource, subresource } = remote;
    return `${verb} elsewhere ${group}/${version}/${resource}/${subresource} ${scopeOf(verb, remote)}`;
  }
  if (target === undefined) return verb;
  const { apiVersion, resource } = target.served.info;
  return `${verb} ${apiVersion}/${resource}/${target.subresource?.name ?? ""} ${scopeOf(verb, target)}`;
}

function labelsOf({ verb, target, remote }: Asked): Labels {
  if (remote !== undefined) {
    const { group, version, resource, subresource } = remote;
    const scope = resource === "" ? "" : scopeOf(verb, remote);
    return { verb, group, version, resource, subresource, scope, component: "aggregator" };
  }
  const { group = "", version = "", resource = "" } = target?.served.info ?? {};
  const subresource = target?.subresource?.name ?? "";
  const scope = target === undefined ? "" : scopeOf(verb, target);
  return { verb, group, version, resource, subresource, scope, component: "apiserver" };
}

/** Source: apiserver `endpoints/metrics` `cleanDryRun`. */
function dryRunLabel({ dryRun }: Asked): string {
  return dryRun === undefined || dryRun === "All" ? (dryRun ?? "") : "invalid";
}

function scopeOf(verb: string, { name, namespace }: Pick<Target, "name" | "namespace">): string {
  if (name !== undefined || verb === "POST") return "resource";
  return namespace === undefined ? "cluster" : "namespace";
}
