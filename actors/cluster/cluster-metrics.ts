/**
 * The metrics of all actors in one place. Each has the labels `job` and `instance` that Prometheus gives what it scrapes by itself, named
 * as kube-prometheus names the jobs, so that dashboards made for Kubernetes find them.
 */
import type { DownReason } from "../../runtime/actor.ts";
import type { MetricsFormat } from "../../runtime/metrics/exposition.ts";
import { mergedFamilies, metricsText } from "../../runtime/metrics/exposition.ts";
import type { Labels, Metric, MetricFamily, Value } from "../../runtime/metrics/metrics.ts";
import { Metrics } from "../../runtime/metrics/metrics.ts";
import type { Introspectable } from "../../runtime/introspection.ts";
import { hasCode } from "../../protocols/errors.ts";

/** An actor that has been planned, and whether it is up. */
export interface MeasuredActor {
  readonly name: string;
  readonly role: string;
  readonly isUp: boolean;
}

/** Where Prometheus finds one actor. @see https://prometheus.io/docs/prometheus/latest/http_sd/ */
export interface Target {
  readonly targets: readonly [string];
  readonly labels: Labels;
}

const JOBS: Readonly<Record<string, string>> = {
  "api-server": "apiserver",
  scheduler: "kube-scheduler",
  "controller-manager": "kube-controller-manager",
};

export class ClusterMetrics {
  private readonly name: string;
  private readonly host: Pick<Introspectable, "metrics">;
  private readonly actors: () => readonly MeasuredActor[];
  private readonly own = new Metrics();
  private readonly embedder: Metrics;
  private readonly restarts: Metric<Value>;
  private readonly lastReasons = new Map<string, DownReason>();

  /** `embedder`: of the program's own client. */
  constructor(
    name: string,
    host: Pick<Introspectable, "metrics">,
    embedder: Metrics,
    actors: () => readonly MeasuredActor[],
  ) {
    this.name = name;
    this.host = host;
    this.embedder = embedder;
    this.actors = actors;
    this.restarts = this.own.counter("inkube_actor_restarts_total", "Restarts of actors, and of what before.", [
      "actor",
      "reason",
    ]);
    const up = this.own.gauge("inkube_actor_up", "Whether an actor is up.", ["actor"]);
    this.own.onRead(() => {
      up.clear();
      for (const actor of actors()) up.of(actor.name).set(Number(actor.isUp));
    });
  }

  down(actor: string, reason: DownReason): void {
    this.lastReasons.set(actor, reason);
  }

  /** Also of a group of actors that is started anew because one of its own failed too often. */
  restarted(actor: string): void {
    this.restarts.of(actor, this.lastReasons.get(actor) ?? "normal").inc();
  }

  /** An actor that does not answer is left out, and told of by `inkube_actor_up`. */
  async text(format?: MetricsFormat): Promise<string> {
    const told = await Promise.all(
      this.actors().map(async (actor) => ({ labels: labelsOf(actor), families: await this.familiesOf(actor) })),
    );
    const own = {
      labels: { job: "inkube", instance: this.name },
      families: [...this.own.families(), ...this.embedder.families()],
    };
    return metricsText(mergedFamilies([own, ...told]), format);
  }

  /** Of one actor, without labels of whose they are. Errors: NO_SUCH_ACTOR, and those of `Introspectable`. */
  async textOf(actor: string, format?: MetricsFormat): Promise<string> {
    return metricsText(await this.host.metrics(actor), format);
  }

  /** @param address of the server that serves `/metrics/<actor>` */
  targets(address: string): readonly Target[] {
    return this.actors().map((actor) => ({
      targets: [address],
      labels: { ...labelsOf(actor), __metrics_path__: `/metrics/${actor.name}` },
    }));
  }

  private async familiesOf({ name, isUp }: MeasuredActor): Promise<readonly MetricFamily[]> {
    if (!isUp) return [];
    try {
      return await this.host.metrics(name);
    } catch (error) {
      if (!hasCode(error)) throw error;
      return [];
    }
  }
}

function labelsOf({ name, role }: MeasuredActor): Labels {
  return { job: JOBS[role] ?? role, instance: name };
}
