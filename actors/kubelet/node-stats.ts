/** What the containers of a node use, measured when somebody asks: who asks nothing costs nothing. */
import type { ContainerRuntimeMethods } from "../../protocols/container-runtime.ts";
import type { StatsSummary } from "../../protocols/kubelet.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import { SharedWork } from "../../runtime/shared-work.ts";
import { statsSummary } from "./core/stats-summary.ts";
import { UsageMeter, WINDOW_MIN_MS } from "./core/usage-meter.ts";

/** How long who asks waits: as long as the runtime has, twice, and the pause between. */
const ANSWER_MS = 15_000;

export class NodeStats {
  private readonly ctx: Context<unknown>;
  private readonly nodeName: string;
  private readonly runtime: Ref<ContainerRuntimeMethods>;
  private readonly meter = new UsageMeter();
  private measuring: SharedWork<void> | undefined;

  constructor(ctx: Context<unknown>, nodeName: string, runtime: Ref<ContainerRuntimeMethods>) {
    this.ctx = ctx;
    this.nodeName = nodeName;
    this.runtime = runtime;
  }

  /** Errors: the runtime's; DEADLINE_EXCEEDED. */
  async summary(): Promise<StatsSummary> {
    const { clock } = this.ctx;
    this.measuring ??= new SharedWork(this.ctx, "a look at the containers", () => this.measure());
    await this.measuring.outcome(clock.monotonicMs() + ANSWER_MS);
    return statsSummary(this.nodeName, clock.nowMs(), this.meter.usages());
  }

  private async measure(): Promise<void> {
    try {
      await this.sample();
      if (!this.meter.isStale) return;
      await this.ctx.clock.sleep(WINDOW_MIN_MS);
      await this.sample();
    } finally {
      this.measuring = undefined;
    }
  }

  private async sample(): Promise<void> {
    const { items } = await this.runtime.call("listContainerStats", null);
    this.meter.take(items);
  }
}
