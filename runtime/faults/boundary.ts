/**
 * What goes wrong at the boundaries of one actor now, as its host keeps it: one object per actor, read by the links, the
 * disk and the clock. While nothing is wrong each of them looks at one field and goes on.
 */
import type { Random } from "../random.ts";
import type { DiskFault, LinkFault } from "./plan.ts";

export interface LinkFaultsTo {
  readonly peer: string;
  readonly faults: readonly LinkFault[];
  /** A partition holds everything back. */
  readonly cut: boolean;
}

/** Plain data: crosses to the actor's thread. */
export interface ActiveFaults {
  readonly links: readonly LinkFaultsTo[];
  readonly disk: readonly DiskFault[];
  /** What the wall clock is off by. */
  readonly skewMs: number;
  /** Share of the time in which the actor does nothing; 0 for none. */
  readonly slowShare: number;
}

export const NO_FAULTS: ActiveFaults = { links: [], disk: [], skewMs: 0, slowShare: 0 };

export interface BoundaryServices {
  /** The stream of random numbers of a fault at a place. */
  random(label: string): Random;
  after(delayMs: number, action: () => void): void;
  /** Goes on evenly. */
  nowMs(): number;
  /** The actor dies here and now, as of a power failure that keeps its disk. */
  die(): void;
}

export class FaultBoundary {
  readonly services: BoundaryServices;
  /** Undefined while none is in force. */
  links: ReadonlyMap<string, LinkFaultsTo> | undefined;
  disk: readonly DiskFault[] | undefined;
  skewMs = 0;
  slowShare = 0;
  private readonly place: string;
  private readonly streams = new Map<string, Random>();
  private waiting: (() => void)[] = [];

  constructor(place: string, services: BoundaryServices) {
    this.place = place;
    this.services = services;
  }

  set(active: ActiveFaults): void {
    this.links = active.links.length === 0 ? undefined : new Map(active.links.map((link) => [link.peer, link]));
    this.disk = active.disk.length === 0 ? undefined : active.disk;
    this.skewMs = active.skewMs;
    this.slowShare = active.slowShare;
    const waiting = this.waiting;
    this.waiting = [];
    for (const go of waiting) this.services.after(0, go);
  }

  /** Chance begins anew: the faults are another plan's. */
  reseed(): void {
    this.streams.clear();
  }

  /** Runs `action` when the faults in force have changed. */
  onChange(action: () => void): void {
    this.waiting.push(action);
  }

  /** Whether a fault happens this time. */
  happens(id: string, chance: number | undefined, peer = ""): boolean {
    return chance === undefined || chance === 1 || this.random(id, peer).next() < chance;
  }

  draw(id: string, [least, most]: readonly [number, number], peer = ""): number {
    return least + (most - least) * this.random(id, peer).next();
  }

  random(id: string, peer = ""): Random {
    const label = `fault/${id}/${this.place}${peer === "" ? "" : `>${peer}`}`;
    let stream = this.streams.get(label);
    if (stream === undefined) this.streams.set(label, (stream = this.services.random(label)));
    return stream;
  }
}
