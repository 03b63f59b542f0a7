/** The live view on a terminal. */
import type { Cluster } from "../cluster.ts";
import { ClusterState } from "./cluster-state.ts";
import type { Screen } from "./screen.ts";
import { renderView } from "./view.ts";

/** A frame at most this often: below it an eye sees no difference. */
const FRAME_MS = 100;
/** Ages move on without an event. */
const IDLE_FRAME_MS = 1_000;
const HISTORY_MAX = 50;

export class LiveView {
  private readonly cluster: Cluster;
  private readonly kubeconfig: string;
  private readonly screen: Screen;
  private readonly state: ClusterState;
  private readonly history: string[] = [];
  private readonly readyAtMs = performance.now();
  private readonly ticking: NodeJS.Timeout;
  private frame: NodeJS.Timeout | undefined;
  private etcdLeader: string | undefined;

  constructor(cluster: Cluster, kubeconfig: string, screen: Screen) {
    this.cluster = cluster;
    this.kubeconfig = kubeconfig;
    this.screen = screen;
    this.state = new ClusterState(
      cluster,
      () => this.changed(),
      (line) => {
        this.history.push(line);
        if (this.history.length > HISTORY_MAX) this.history.shift();
      },
    );
    this.ticking = setInterval(() => {
      this.findEtcdLeader();
      this.draw();
    }, IDLE_FRAME_MS);
    this.findEtcdLeader();
    this.draw();
  }

  close(): void {
    clearInterval(this.ticking);
    clearTimeout(this.frame);
    this.state.close();
    this.screen.close();
  }

  /** Unlike the Lease holders, the leader of the etcd group is nothing that the API tells. */
  private findEtcdLeader(): void {
    void this.cluster.leader("etcd").then((leader) => void (this.etcdLeader = leader));
  }

  private changed(): void {
    this.frame ??= setTimeout(() => this.draw(), FRAME_MS);
  }

  private draw(): void {
    clearTimeout(this.frame);
    this.frame = undefined;
    const state = {
      server: this.cluster.server,
      kubeconfig: this.kubeconfig,
      upMs: performance.now() - this.readyAtMs,
      nowMs: Date.now(),
      actors: this.cluster.actors(),
      nodes: this.state.nodes.list(),
      pods: this.state.pods.list(),
      leases: this.state.leases.list(),
      etcdLeader: this.etcdLeader,
      history: this.history,
    };
    this.screen.draw(renderView(state, this.screen.size));
  }
}
