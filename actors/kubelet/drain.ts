/** Carries out a plan's drains of this node, as `kubectl drain` does: cordons it, and evicts what can go. */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { nodes, pods } from "../client/resources.ts";

/** Marks a node that a fault has cordoned, for a kubelet that starts when the fault is over. */
const MARK = "inkube.dev/cordoned-by-fault";
/** Between two looks at what is left: budgets change, and pods are bound that tolerate it. As kubectl's 5 s, for a faster cluster. */
const LOOK_MS = 500;

export class Drain {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly nodeName: string;
  /** Those of this node, as far as they are known. */
  private readonly pods: () => readonly Pod[];
  private isMarked = false;
  private isWorking = false;
  private told = "";

  constructor(ctx: Context<unknown>, client: Client, nodeName: string, podsOfNode: () => readonly Pod[]) {
    this.ctx = ctx;
    this.client = client;
    this.nodeName = nodeName;
    this.pods = podsOfNode;
  }

  start(): void {
    this.ctx.faults.onChange(() => this.look());
    this.look();
  }

  /** The node as it is now. */
  nodeIs(node: Node): void {
    this.isMarked = node.metadata?.annotations?.[MARK] !== undefined;
    this.look();
  }

  private get fault(): (typeof this.ctx.faults.inForce)[number] | undefined {
    return this.ctx.faults.inForce.find(({ kind }) => kind === "node-drain");
  }

  private look(): void {
    if (this.isWorking || (this.fault === undefined && !this.isMarked)) return;
    this.isWorking = true;
    this.ctx.spawn(async () => {
      try {
        while (!this.ctx.stopping.aborted && (this.fault !== undefined || this.isMarked)) await this.step();
      } finally {
        this.isWorking = false;
      }
    });
  }

  private async step(): Promise<void> {
    try {
      if (this.fault === undefined) return await this.uncordon();
      if (!this.isMarked) await this.cordon();
      await Promise.all(
        this.pods()
          .filter(isToGo)
          .map((pod) => this.evict(pod)),
      );
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.warn("the drain of the node is not done yet", { error: error.message });
    }
    await this.ctx.clock.sleep(LOOK_MS);
  }

  /** One that is cordoned already stays so in the end. */
  private async cordon(): Promise<void> {
    const { fault } = this;
    const node = await this.client.get(nodes, this.nodeName);
    if (fault === undefined || node.spec?.unschedulable === true) return;
    await this.client.patch(nodes, this.nodeName, undefined, {
      metadata: { annotations: { [MARK]: fault.id } },
      spec: { unschedulable: true },
    });
    this.isMarked = true;
    this.tell(`cordons ${this.nodeName}`);
  }

  private async uncordon(): Promise<void> {
    await this.client.patch(nodes, this.nodeName, undefined, {
      metadata: { annotations: { [MARK]: null } },
      spec: { unschedulable: null },
    });
    this.isMarked = false;
  }

  private async evict({ metadata }: Pod): Promise<void> {
    const { name = "", namespace = "", uid } = metadata ?? {};
    const eviction = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace },
      ...(uid === undefined ? {} : { deleteOptions: { preconditions: { uid } } }),
    };
    try {
      await this.client.create(pods, eviction, { subresource: "eviction" });
      this.tell(`evicts ${namespace}/${name} from ${this.nodeName}`);
    } catch (error) {
      // Gone already, another of that name, or a budget forbids it now.
      if (!hasReason(error, "NotFound", "Conflict", "TooManyRequests")) throw error;
    }
  }

  private tell(what: string): void {
    const { fault } = this;
    if (fault === undefined || what === this.told) return;
    this.told = what;
    this.ctx.faults.strike(fault, what);
  }
}

/** As kubectl with `--ignore-daemonsets --force --delete-emptydir-data`. */
function isToGo({ metadata }: Pod): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false;
  return (
    metadata?.ownerReferences?.some(({ kind, controller }) => kind === "DaemonSet" && controller === true) !== true
  );
}
