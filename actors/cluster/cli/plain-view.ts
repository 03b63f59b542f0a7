/** What `inkube up` prints when its output is no terminal: one line for each thing that happens. */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { podCells } from "../../api-server/core/kinds/core/pod-cells.ts";
import type { Cluster } from "../cluster.ts";
import { ClusterState } from "./cluster-state.ts";

export class PlainView {
  private readonly state: ClusterState;
  private readonly shown = new Map<string, string>();

  constructor(cluster: Cluster, kubeconfig: string) {
    print(`kubectl --kubeconfig ${kubeconfig} get pods -A`);
    this.state = new ClusterState(cluster, () => undefined, print);
    this.state.pods.onChange(({ type, object }) => this.podChanged(type, object));
  }

  close(): void {
    this.state.close();
  }

  private podChanged(type: string, pod: Pod): void {
    const key = `pod ${pod.metadata?.namespace ?? ""}/${pod.metadata?.name ?? ""}`;
    const [, ready, status, , , , node] = podCells(pod, Date.now());
    const now = type === "deleted" ? "is gone" : `${status} ${ready} on ${node}`;
    if (this.shown.get(key) === now) return;
    if (type === "deleted") this.shown.delete(key);
    else this.shown.set(key, now);
    print(`${new Date().toISOString().slice(11, 19)} ${key} ${now}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
