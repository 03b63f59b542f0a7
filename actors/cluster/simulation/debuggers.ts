/**
 * Somebody looks into pods that run, as `kubectl debug` does: a container is added to one, runs for a while beside the others, and
 * ends by itself. Nothing else of a pod changes then, least of all whether it is Ready, so its kubelet tells only that much of it.
 */
import { hasCode } from "../../../protocols/errors.ts";
import type { Pod } from "../../../protocols/kubernetes/core-v1.ts";
import type { Random } from "../../../runtime/random.ts";
import { pods } from "../../client/resources.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const NAMESPACE = "default";
const PAUSE_MS = 2_000;
/** How long a pod's first debugger runs, its second one, and so on. They can't be removed, so that is all it ever gets. */
const RUN_MS: readonly number[] = [2_500, 1_000, 4_000, 6_000];

/** For the pods that are to be looked into. */
export const DEBUGGER_ANNOTATIONS: Readonly<Record<string, string>> = Object.fromEntries(
  RUN_MS.map((ms, index) => [`inkube.dev/simulated-exit-after-ms.${nameOf(index)}`, String(ms)]),
);

export class Debuggers {
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private isOver = false;
  private working: Promise<void> = Promise.resolve();

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    this.random = cluster.host.world.random("debuggers");
  }

  start(): void {
    this.working = this.goOn();
    this.cluster.host.context.spawn(() => this.working);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.working;
  }

  private async goOn(): Promise<void> {
    while (!this.isOver) {
      await this.cluster.clock.sleep(this.random.below(PAUSE_MS));
      try {
        await this.debug();
      } catch (error) {
        // Nobody may be there to hear it, and the pod may be gone.
        if (!hasCode(error)) throw error;
      }
    }
  }

  private async debug(): Promise<void> {
    const { client } = this.cluster;
    const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: "app" });
    const open = items.filter(isOpen);
    const pod = open.length === 0 ? undefined : open[this.random.below(open.length)];
    if (pod?.metadata?.name === undefined) return;
    const ephemeralContainers = [{ name: nameOf(debuggersOf(pod)), image: "busybox:1" }];
    await client.patch(
      pods,
      pod.metadata.name,
      NAMESPACE,
      { metadata: { uid: pod.metadata.uid }, spec: { ephemeralContainers } },
      { subresource: "ephemeralcontainers", patchType: "application/strategic-merge-patch+json" },
    );
  }
}

function isOpen(pod: Pod): boolean {
  const { metadata, status } = pod;
  return metadata?.deletionTimestamp === undefined && status?.phase === "Running" && debuggersOf(pod) < RUN_MS.length;
}

function debuggersOf({ spec }: Pod): number {
  return spec?.ephemeralContainers?.length ?? 0;
}

function nameOf(index: number): string {
  return `debugger-${index}`;
}
