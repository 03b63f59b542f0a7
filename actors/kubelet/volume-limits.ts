/** Evicts pods whose emptyDir volumes have grown beyond their `sizeLimit`. Who has no such volume costs nothing. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import { limitedVolumes, sizeLimitMessage } from "./core/eviction.ts";
import type { Evictable } from "./eviction.ts";
import type { VolumeStore } from "./volume-store.ts";

/** Between two looks. As a node's Leases are, a tenth of Kubernetes' own 10 s. */
const LOOK_MS = 1_000;
/** A look at very many files takes its time: at most this share of it all. */
const REST_FACTOR = 10;

export class VolumeLimits {
  private readonly ctx: Context<unknown>;
  private readonly volumes: VolumeStore;
  private readonly pods: () => readonly Evictable[];
  private readonly onEvict: () => void;
  private isWorking = false;

  constructor(ctx: Context<unknown>, volumes: VolumeStore, pods: () => readonly Evictable[], onEvict: () => void) {
    this.ctx = ctx;
    this.volumes = volumes;
    this.pods = pods;
    this.onEvict = onEvict;
  }

  /** There is a pod that was not there. */
  look(): void {
    if (this.isWorking || this.limited().length === 0) return;
    this.isWorking = true;
    this.ctx.spawn(async () => {
      const { clock, stopping } = this.ctx;
      try {
        while (!stopping.aborted && this.limited().length > 0) {
          const beganMs = clock.monotonicMs();
          for (const one of this.limited()) await this.judge(one);
          await clock.sleep(Math.max(LOOK_MS, (clock.monotonicMs() - beganMs) * REST_FACTOR));
        }
      } finally {
        this.isWorking = false;
      }
    });
  }

  private limited(): readonly Evictable[] {
    return this.pods().filter(({ isActive, pod }) => isActive && limitedVolumes(pod).length > 0);
  }

  private async judge(one: Evictable): Promise<void> {
    for (const { name, limit, limitBytes } of limitedVolumes(one.pod)) {
      if ((await this.sizeOf(one.pod.metadata?.uid ?? "", name)) <= limitBytes || !one.isActive) continue;
      one.evict(sizeLimitMessage(name, limit));
      this.onEvict();
      return;
    }
  }

  /** Of a disk that can't be read nothing is known. */
  private async sizeOf(uid: string, name: string): Promise<number> {
    try {
      return await this.volumes.sizeOf(uid, name);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      return 0;
    }
  }
}
