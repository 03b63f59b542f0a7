/**
 * Somebody looks into pods that run, as `kubectl debug` does: containers are added to one, run for a while beside the others, and
 * end by themselves. Nothing else of a pod changes then, least of all whether it is Ready, so its kubelet tells only that much of it.
 */
import { hasCode } from "../../../protocols/errors.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Random } from "../../../runtime/random.ts";
import { pods } from "../../client/resources.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const NAMESPACE = "default";
/** The Deployment whose pods are looked into. */
export const DEBUGGED = "patient";
const PAUSE_MS = 12_000;
/** How long those run that are added together: whatever is cut off for a while, one ends meanwhile. */
const RUN_MS: readonly number[] = [3_000, 6_000, 9_000, 12_000, 15_000, 18_000];
/** They can't be removed, so a pod does not get more. */
const DEBUGGERS_MAX = 3 * RUN_MS.length;

/** For the pods that are to be looked into. */
export const DEBUGGER_ANNOTATIONS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: DEBUGGERS_MAX }, (_, index) => [
    `inkube.dev/simulated-exit-after-ms.${nameOf(index)}`,
    String(RUN_MS[index % RUN_MS.length]),
  ]),
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
    const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: `app=${DEBUGGED}` });
    const open = items.filter(isOpen);
    // Each in its turn: what is wrong with a pod's status is often mended by the next that is written of it.
    const fewest = Math.min(...open.map(debuggersOf));
    const next = open.filter((pod) => debuggersOf(pod) === fewest);
    const pod = next.length === 0 ? undefined : next[this.random.below(next.length)];
    if (pod?.metadata?.name === undefined) return;
    const ephemeralContainers = RUN_MS.map((_, index) => ({ name: nameOf(fewest + index), image: "busybox:1" }));
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
  return metadata?.deletionTimestamp === undefined && status?.phase === "Running" && debuggersOf(pod) < DEBUGGERS_MAX;
}

function debuggersOf({ spec }: Pod): number {
  return spec?.ephemeralContainers?.length ?? 0;
}

function nameOf(index: number): string {
  return `debugger-${index}`;
}
