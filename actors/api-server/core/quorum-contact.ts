/**
 * Whether a quorum of etcd can be reached, judged by how long it has been silent. Time is counted in ticks of the server's own
 * clock: a server that was held up itself has ticked less, and does not take its own pause for etcd's.
 */

export type Contact =
  | "reached"
  /** Silent for so long that requests had better go to another server. */
  | "lost"
  /** Silent for longer than an election takes: what follows changes had better follow them elsewhere. */
  | "cut-off";

export interface ContactLimits {
  /** Ticks of silence. */
  readonly lostTicks: number;
  readonly cutOffTicks: number;
}

/**
 * Whom to ask in this tick: nobody, as something was heard just now; the member in use; or all, as that one is silent. An answer costs a
 * round of heartbeats, so it is asked for only when a whole tick went by: an idle cluster's Leases are written more often than that.
 */
export type Probe = "none" | "current" | "all";

export class QuorumContact {
  private readonly limits: ContactLimits;
  private silentTicks = 0;
  private heardSinceTick = false;

  constructor(limits: ContactLimits) {
    this.limits = limits;
  }

  get state(): Contact {
    if (this.silentTicks >= this.limits.cutOffTicks) return "cut-off";
    return this.silentTicks >= this.limits.lostTicks ? "lost" : "reached";
  }

  /** Whether nothing has been heard for a tick or more. */
  get silent(): boolean {
    return this.silentTicks > 0;
  }

  /** A quorum has answered. */
  heard(): void {
    this.silentTicks = 0;
    this.heardSinceTick = true;
  }

  tick(): Probe {
    if (this.heardSinceTick) {
      this.heardSinceTick = false;
      return "none";
    }
    this.silentTicks++;
    if (this.silentTicks === 1) return "none";
    return this.silentTicks === 2 ? "current" : "all";
  }
}
