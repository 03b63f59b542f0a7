/** Carries out what a plan of faults has for this node's containers: kills some, and has images gone. */
import type { ContainerStatus, PodSandboxStatus } from "../../protocols/container-runtime.ts";
import type { StrikingClusterFault } from "../../protocols/cluster-faults.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { fitsPattern } from "../../protocols/fault-fields.ts";
import type { Cause, Context } from "../../runtime/actor.ts";

type PodKill = StrikingClusterFault & { readonly kind: "pod-kill" };

/** What the faults need of the runtime. */
export interface PodFaultsHome {
  /** Those that are ready. */
  sandboxes(): readonly PodSandboxStatus[];
  /** Those of a sandbox that run. */
  running(sandboxId: string): readonly ContainerStatus[];
  /** As by SIGKILL from outside. */
  kill(containerId: string, cause: Cause): void;
}

export class PodFaults {
  private readonly ctx: Context<unknown>;
  private readonly home: PodFaultsHome;
  /** The last strike of each fault that was carried out. */
  private readonly done = new Map<string, number>();

  constructor(ctx: Context<unknown>, home: PodFaultsHome) {
    this.ctx = ctx;
    this.home = home;
    ctx.faults.onChange(() => this.look());
    this.look();
  }

  /** Errors: IMAGE_NOT_FOUND while a fault has the image gone. */
  checkImage(image: string): void {
    for (const fault of this.ctx.faults.inForce) {
      if (fault.kind !== "image-gone" || !fitsPattern(fault.image, image, "anywhere")) continue;
      this.ctx.faults.strike(fault, `keeps ${image} from ${this.ctx.name}`);
      const details = { fault: fault.id };
      throw new InkubeError("IMAGE_NOT_FOUND", `${image}: not found: a fault of the plan`, { details });
    }
  }

  private look(): void {
    for (const fault of this.ctx.faults.inForce) {
      if (fault.kind !== "pod-kill" || !("nth" in fault) || this.done.get(fault.id) === fault.nth) continue;
      this.done.set(fault.id, fault.nth);
      this.kill(fault);
    }
  }

  private kill(fault: PodKill): void {
    const found = this.home
      .sandboxes()
      .map(({ id, metadata }) => ({ id, name: `${metadata.namespace}/${metadata.name}` }))
      .filter(({ name }) => fitsPattern(fault.pod, name))
      .map(({ id, name }) => ({ name, containers: this.meant(fault, id) }))
      .filter(({ containers }) => containers.length > 0)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    if (found.length === 0) return this.ctx.faults.end(fault);
    const one = found[Math.floor(this.ctx.faults.draw(fault) * found.length)]!;
    const victims = fault.victims === "all" ? found : [one];
    for (const { name, containers } of victims) {
      const cause = this.ctx.trace.event("fault", `pods/${name}`, { fault: fault.id, kind: fault.kind }, "");
      for (const { id } of containers) this.home.kill(id, cause);
    }
    const told = victims.map(
      ({ name, containers }) => `${name} (${containers.map(({ metadata }) => metadata.name).join(", ")})`,
    );
    this.ctx.faults.strike(fault, `kills ${told.join(" and ")}`);
  }

  private meant({ container }: PodKill, sandboxId: string): readonly ContainerStatus[] {
    const running = this.home.running(sandboxId);
    return container === undefined ? running : running.filter(({ metadata }) => metadata.name === container);
  }
}
