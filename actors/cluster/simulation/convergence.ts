/** When nothing is broken any more the cluster must come to what was asked of it, and everybody must agree on it. */
import { containerRuntimeProtocol } from "../../../protocols/container-runtime.ts";
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import { deployments, endpointSlices, pods } from "../../client/resources.ts";
import { MemberHashes } from "./checks/member-hashes.ts";
import { differenceOf } from "./checks/running-containers.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { Workload } from "./workload.ts";

/** After the last fault; a node that was lost with its pods must have been given up and replaced by then. */
export const CONVERGENCE_MS = 60_000;
const AGAIN_MS = 7;

export class Convergence {
  private readonly cluster: SimulatedCluster;
  private readonly workload: Workload;

  constructor(cluster: SimulatedCluster, workload: Workload) {
    this.cluster = cluster;
    this.workload = workload;
  }

  /** Errors: WAIT_TIMEOUT, NOT_CONVERGED, PROMISE_BROKEN. */
  async check(): Promise<void> {
    const { cluster } = this;
    await cluster.nodesReady(cluster.workers, CONVERGENCE_MS);
    for (const [name, replicas] of this.workload.replicas) {
      await cluster.waitFor(deployments, name, "default", "RolledOut", CONVERGENCE_MS);
      const isReady = ({ status }: { readonly status?: { readonly readyReplicas?: number } }): boolean =>
        (status?.readyReplicas ?? 0) === replicas;
      await cluster.waitFor(deployments, name, "default", isReady, CONVERGENCE_MS);
    }
    await this.tasksEnd();
    await this.endpointsMatch();
    await this.runtimesAgree();
    await this.membersAgree();
  }

  /** Tasks come to their end, unless they went with a node. */
  private async tasksEnd(): Promise<void> {
    let waiting = "";
    await this.cluster
      .until("tasks end", CONVERGENCE_MS, async () => {
        const { items } = await this.cluster.client.list(pods, { namespace: "default" });
        const phases = new Map(items.map(({ metadata, status }) => [metadata?.name ?? "", status?.phase]));
        waiting = "";
        for (const { name, ends } of this.workload.tasks) {
          const phase = phases.get(name);
          if (ends === undefined || phase === undefined || phase === ends) continue;
          waiting += ` ${name} is ${phase} and not ${ends}`;
        }
        return waiting === "";
      })
      .catch((error: unknown) => rethrow(error, waiting));
  }

  /** The Service's slices name exactly the pods that run. */
  private async endpointsMatch(): Promise<void> {
    let difference = "";
    const look = async (): Promise<boolean> => {
      const slices = await this.cluster.client.list(endpointSlices, {
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=web",
      });
      const found = slices.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready === true)
        .flatMap(({ addresses }) => addresses)
        .toSorted()
        .join();
      const running = await this.cluster.client.list(pods, { namespace: "default", labelSelector: "app=web" });
      const wanted = running.items
        .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
        .map(({ status }) => status?.podIP ?? "")
        .toSorted()
        .join();
      difference = `endpoints are ${found}, pods are ${wanted}`;
      return wanted === found;
    };
    await this.cluster.until("endpoints", CONVERGENCE_MS, look).catch((error: unknown) => rethrow(error, difference));
  }

  /** What is said to run does run, and nothing else: by the containers of each node's runtime. */
  private async runtimesAgree(): Promise<void> {
    let difference = "";
    const look = async (): Promise<boolean> => {
      const { items } = await this.cluster.client.list(pods, { namespace: "default" });
      difference = "";
      for (const runtime of this.cluster.runtimes) {
        const node = runtime.slice(0, runtime.indexOf("/"));
        const running = await this.runningAt(runtime);
        if (running === undefined) return false;
        difference += differenceOf(
          items.filter(({ spec }) => spec?.nodeName === node),
          running,
        );
      }
      return difference === "";
    };
    await this.cluster
      .until("kubelets tell what their runtimes have", CONVERGENCE_MS, look)
      .catch((error: unknown) => rethrow(error, difference));
  }

  /** Ids of the containers that run; undefined while the runtime is away. */
  private async runningAt(runtime: string): Promise<ReadonlySet<string> | undefined> {
    try {
      const { items } = await this.cluster.host.context
        .ref(containerRuntimeProtocol, runtime)
        .call("listContainers", null);
      return new Set(items.filter(({ state }) => state === "CONTAINER_RUNNING").map(({ id }) => id));
    } catch (error) {
      if (hasCode(error)) return undefined;
      throw error;
    }
  }

  /** Each member of etcd holds what another one held at the same index. Members are asked until all have been compared. */
  private async membersAgree(): Promise<void> {
    const hashes = new MemberHashes();
    const { compared } = hashes;
    if (this.cluster.masters === 1) return;
    const look = async (): Promise<boolean> => {
      for (const member of this.cluster.members) {
        const status = await this.cluster.statusOf(member);
        // One that takes the place of a member whose disk was lost has no vote yet.
        if (status === undefined || status.errors.length > 0) continue;
        hashes.take(member, status);
      }
      await this.cluster.clock.sleep(AGAIN_MS);
      return this.cluster.members.every((member) => compared.has(member));
    };
    await this.cluster
      .until("members hold the same data", CONVERGENCE_MS, look)
      .catch((error: unknown) => rethrow(error, `only ${[...compared].join(", ")} could be compared`));
  }
}

/** What was missing when time was up says more than that it was. */
function rethrow(error: unknown, what: string): never {
  if (!hasCode(error, "NOT_CONVERGED")) throw error;
  throw new InkubeError("NOT_CONVERGED", `${error.message}: ${what}`, { cause: error });
}
