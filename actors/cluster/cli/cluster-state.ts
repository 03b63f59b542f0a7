/** What the views of `inkube up` show of a running cluster, kept up to date. */
import type { Lease } from "../../../protocols/kubernetes/types/coordination-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Informer } from "../../client/informer.ts";
import { leases, nodes, pods } from "../../client/resources.ts";
import type { Cluster } from "../cluster.ts";
import { History } from "./history.ts";
import { LastCauses } from "./last-causes.ts";

export class ClusterState {
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  /** Who leads: the Leases of the components, not the nodes' heartbeats. */
  readonly leases: Informer<Lease>;
  private readonly causes: LastCauses;
  private readonly stopListening: () => void;

  /** `onChange`: something is different now; `onHistory`: with a line about it. */
  constructor(cluster: Cluster, onChange: () => void, onHistory: (line: string) => void) {
    const history = new History((name) => cluster.actors().find((actor) => actor.name === name)?.lastDown?.message);
    this.nodes = cluster.informer(nodes);
    this.pods = cluster.informer(pods);
    this.leases = cluster.informer(leases, { namespace: "kube-system" });
    this.causes = new LastCauses(
      (ref) => cluster.trace.why(ref),
      (line) => {
        onHistory(line);
        onChange();
      },
    );
    this.pods.onChange(({ type, object }) => this.causes.podChanged(type, object));
    this.nodes.onChange(({ type, object }) => this.causes.nodeChanged(type, object));
    for (const informer of [this.nodes, this.pods, this.leases]) {
      informer.onChange(onChange);
      informer.start();
    }
    this.stopListening = cluster.onEvent((event) => {
      const line = history.tell(event, Date.now());
      if (line !== undefined) onHistory(line);
      // That somebody ended is told; why he did, and who took over, is not.
      if (event.type === "up" && line !== undefined) this.causes.ask(event.name);
      onChange();
    });
  }

  close(): void {
    this.stopListening();
    this.causes.close();
    for (const informer of [this.nodes, this.pods, this.leases]) informer.stop();
  }
}
