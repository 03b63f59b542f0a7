/** What the node lifecycle controller counts. Source: kube-controller-manager `pkg/controller/nodelifecycle/metrics.go`. */
import type { Node } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Distribution, Metric, Value } from "../../runtime/metrics/metrics.ts";
import { exponentialBounds } from "../../runtime/metrics/metrics.ts";
import { readyStatus } from "./core/node-health.ts";
import type { Session } from "./session.ts";

const MS_PER_SECOND = 1_000;
const PERCENT = 100;

interface Zone {
  size: number;
  unhealthy: number;
}

export class NodeMetrics {
  private readonly session: Session;
  private readonly seconds: Distribution;
  private readonly evictions: Metric<Value>;

  constructor(session: Session) {
    const { metrics } = session.ctx;
    const named = (name: string): string => `node_collector_${name}`;
    this.session = session;
    const bounds = exponentialBounds(0.001, 4, 8);
    this.seconds = metrics
      .histogram(named("update_node_health_duration_seconds"), "How long a look at a node took.", bounds)
      .of();
    this.evictions = metrics.counter(named("evictions_total"), "Nodes that were lost, so that their pods go.", [
      "zone",
    ]);
    const gauge = (name: string, help: string, of: (zone: Zone) => number): void =>
      session.gauge(named(name), help, ["zone"], (zones) => {
        for (const [zoneName, zone] of this.zones()) zones.of(zoneName).set(of(zone));
      });
    gauge("zone_size", "Nodes of a zone.", ({ size }) => size);
    gauge("unhealthy_nodes_in_zone", "Those that are not Ready.", ({ unhealthy }) => unhealthy);
    gauge(
      "zone_health",
      "Those that are Ready, in percent.",
      ({ size, unhealthy }) => (PERCENT * (size - unhealthy)) / size,
    );
  }

  lost(node: Node): void {
    this.evictions.of(zoneOf(node)).inc();
  }

  /** A look at a node: the very promise, so that nobody waits longer for its being measured. */
  timed<T>(look: Promise<T>): Promise<T> {
    const { clock } = this.session.ctx;
    const beganMs = clock.monotonicMs();
    const over = (): void => this.seconds.observe((clock.monotonicMs() - beganMs) / MS_PER_SECOND);
    look.then(over, over);
    return look;
  }

  private zones(): ReadonlyMap<string, Zone> {
    const zones = new Map<string, Zone>();
    for (const node of this.session.nodes.list()) {
      const name = zoneOf(node);
      let zone = zones.get(name);
      if (zone === undefined) zones.set(name, (zone = { size: 0, unhealthy: 0 }));
      zone.size++;
      if (readyStatus(node) !== "True") zone.unhealthy++;
    }
    return zones;
  }
}

/** Source: component-helpers `node/topology` `GetZoneKey`; nothing where nothing is known. */
function zoneOf({ metadata }: Node): string {
  const labels = metadata?.labels ?? {};
  const region = labels["topology.kubernetes.io/region"] ?? "";
  const zone = labels["topology.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}:\x00:${zone}`;
}
