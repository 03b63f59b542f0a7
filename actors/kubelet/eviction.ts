/**
 * Carries out a plan's memory pressure on this node: evicts its pods, one after the other, as a kubelet does that is short of
 * memory, for as long as the fault lasts.
 */
import type { ContainerRuntimeMethods } from "../../protocols/container-runtime.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import type { MemoryUse } from "./core/eviction.ts";
import { evictionMessage, evictionOrder, refusalUnderPressure } from "./core/eviction.ts";

/** Between two looks. As a node's Leases are, a tenth of Kubernetes' own 10 s. */
const LOOK_MS = 1_000;

/** A pod of this node, as far as it can be evicted. */
export interface Evictable {
  readonly pod: Pod;
  /** Neither over nor being ended. */
  readonly isActive: boolean;
  evict(message: string): void;
}

export class Eviction {
  private readonly ctx: Context<unknown>;
  private readonly nodeName: string;
  private readonly runtime: Ref<ContainerRuntimeMethods>;
  private readonly pods: () => readonly Evictable[];
  private readonly onEvict: () => void;
  private isWorking = false;

  constructor(
    ctx: Context<unknown>,
    nodeName: string,
    runtime: Ref<ContainerRuntimeMethods>,
    podsOfNode: () => readonly Evictable[],
    onEvict: () => void,
  ) {
    this.ctx = ctx;
    this.nodeName = nodeName;
    this.runtime = runtime;
    this.pods = podsOfNode;
    this.onEvict = onEvict;
  }

  start(): void {
    this.ctx.faults.onChange(() => this.look());
    this.look();
  }

  /** Why a pod that is new here is not taken; undefined: it is. */
  refusalOf(pod: Pod): string | undefined {
    const { fault } = this;
    // One that runs was taken by an earlier incarnation.
    if (fault === undefined || pod.status?.startTime !== undefined) return undefined;
    const why = refusalUnderPressure(pod);
    if (why !== undefined) this.ctx.faults.strike(fault, `keeps ${nameOf(pod)} from ${this.nodeName}`);
    return why;
  }

  private get isShort(): boolean {
    return this.fault !== undefined;
  }

  private get fault(): (typeof this.ctx.faults.inForce)[number] | undefined {
    return this.ctx.faults.inForce.find(({ kind }) => kind === "memory-pressure");
  }

  private look(): void {
    if (this.isWorking || !this.isShort) return;
    this.isWorking = true;
    this.ctx.spawn(async () => {
      try {
        while (!this.ctx.stopping.aborted && this.isShort) {
          await this.evictOne();
          await this.ctx.clock.sleep(LOOK_MS);
        }
      } finally {
        this.isWorking = false;
      }
    });
  }

  private async evictOne(): Promise<void> {
    const uses = await this.uses();
    const { fault } = this;
    if (fault === undefined) return;
    const active = this.pods().filter(({ isActive }) => isActive);
    const [first] = evictionOrder(
      active.map(({ pod }) => pod),
      uses,
    );
    if (first === undefined) return;
    active.find(({ pod }) => pod === first)?.evict(evictionMessage(first, uses));
    this.onEvict();
    this.ctx.faults.strike(fault, `evicts ${nameOf(first)} from ${this.nodeName}`);
  }

  /** Of a runtime that is away nothing is known: then only what pods have asked for counts. */
  private async uses(): Promise<readonly MemoryUse[]> {
    try {
      const { items } = await this.runtime.call("listContainerStats", null);
      return items.map(({ pod: { uid }, metadata: { name: container }, memoryBytes }) => ({
        uid,
        container,
        memoryBytes,
      }));
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      return [];
    }
  }
}

function nameOf({ metadata }: Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
