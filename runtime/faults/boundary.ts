/**
 * What goes wrong at the boundaries of one actor now, as its host keeps it: one object per actor, read by the links, the
 * disk and the clock. While nothing is wrong each of them looks at one field and goes on.
 */
import type { AwaitedFault } from "../../protocols/api-faults.ts";
import type { Random } from "../random.ts";
import type { OrderedStrike } from "../../protocols/cluster-faults.ts";
import type { DiskFault, LinkFault, OwnFault } from "./plan.ts";

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
  /** Of the actor's own protocol. */
  readonly own: readonly GivenFault[];
}

/** What an actor is given of its own protocol: a fault while it is in force, one strike to be carried out, or what it is to wait for. */
export type GivenFault = OwnFault | OrderedStrike | AwaitedFault;

export const NO_FAULTS: ActiveFaults = { links: [], disk: [], skewMs: 0, slowShare: 0, own: [] };

/** What several plans have in force for one actor, as one. */
export function together(all: readonly ActiveFaults[]): ActiveFaults {
  if (all.length < 2) return all[0] ?? NO_FAULTS;
  const links = new Map<string, LinkFaultsTo>();
  for (const link of all.flatMap((each) => each.links)) {
    const known = links.get(link.peer);
    const faults = [...(known?.faults ?? []), ...link.faults];
    links.set(link.peer, { peer: link.peer, faults, cut: link.cut || known?.cut === true });
  }
  return {
    links: [...links.values()],
    disk: all.flatMap(({ disk }) => disk),
    skewMs: all.reduce((sum, { skewMs }) => sum + skewMs, 0),
    slowShare: 1 - all.reduce((busy, { slowShare }) => busy * (1 - slowShare), 1),
    own: all.flatMap(({ own }) => own),
  };
}

export function hasNothing({ links, disk, skewMs, slowShare, own }: ActiveFaults): boolean {
  return links.length === 0 && disk.length === 0 && skewMs === 0 && slowShare === 0 && own.length === 0;
}

/** Ids of the faults that decide by chance. */
export function idsIn({ links, disk, own }: ActiveFaults): readonly string[] {
  return [...links.flatMap(({ faults }) => faults), ...disk, ...own].map(({ id }) => id);
}

/** What a plan of faults has for an actor's own protocol (`ctx.faults`): the actor carries it out, and tells what it has done. */
export interface OwnFaults {
  /** Empty while there is nothing: to be looked at before anything else. */
  readonly inForce: readonly GivenFault[];
  /** Runs `listener` each time `inForce` is another. */
  onChange(listener: () => void): void;
  /** Whether it happens this time: by the seed, the fault, the actor and how often it was asked, and by nothing else. */
  happens(fault: GivenFault, chance: number | undefined): boolean;
  /** A number from 0 to 1, below 1, likewise. */
  draw(fault: GivenFault): number;
  /** It struck; `what` is for the report. Who is to die of it dies now; one that strikes once is over for everybody, and what was waited for has come. */
  strike(fault: GivenFault, what: string): void;
  /** Its time is over, for everybody; of a strike that was ordered: nothing here can be hit by it. */
  end(fault: GivenFault): void;
}

const NONE: readonly GivenFault[] = [];

/** Where no plan can be applied. */
export const NO_OWN_FAULTS: OwnFaults = {
  inForce: NONE,
  onChange: () => undefined,
  happens: () => false,
  draw: () => 0,
  strike: () => undefined,
  end: () => undefined,
};

export interface BoundaryServices {
  /** The stream of random numbers of a fault at a place; `id` is the fault's. */
  random(label: string, id: string): Random;
  after(delayMs: number, action: () => void): void;
  /** Goes on evenly. */
  nowMs(): number;
  /** The actor dies here and now, as of a power failure that keeps its disk. */
  die(): void;
  /** Tells whoever drives the plan. */
  struck(id: string, what: string): void;
  over(id: string): void;
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
  private inForce: readonly GivenFault[] = NONE;
  private readonly listeners: (() => void)[] = [];
  readonly own: OwnFaults;

  constructor(place: string, services: BoundaryServices) {
    this.place = place;
    this.services = services;
    const inForce = (): readonly GivenFault[] => this.inForce;
    this.own = {
      get inForce() {
        return inForce();
      },
      onChange: (listener) => void this.listeners.push(listener),
      happens: ({ id }, chance) => this.happens(id, chance),
      draw: ({ id }) => this.random(id).next(),
      strike: ({ id }, what) => services.struck(id, what),
      end: ({ id }) => services.over(id),
    };
  }

  set(active: ActiveFaults): void {
    this.links = active.links.length === 0 ? undefined : new Map(active.links.map((link) => [link.peer, link]));
    this.disk = active.disk.length === 0 ? undefined : active.disk;
    this.skewMs = active.skewMs;
    this.slowShare = active.slowShare;
    const waiting = this.waiting;
    this.waiting = [];
    for (const go of waiting) this.services.after(0, go);
    const own = active.own.length === 0 ? NONE : active.own;
    if (own.length === 0 && this.inForce.length === 0) return;
    this.inForce = own;
    for (const tell of this.listeners) tell();
  }

  /** Chance begins anew for that fault: it is another plan's. */
  reseed(id: string): void {
    for (const label of this.streams.keys()) if (label.startsWith(prefixOf(id))) this.streams.delete(label);
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
    const label = `${prefixOf(id)}${this.place}${peer === "" ? "" : `>${peer}`}`;
    let stream = this.streams.get(label);
    if (stream === undefined) this.streams.set(label, (stream = this.services.random(label, id)));
    return stream;
  }
}

function prefixOf(id: string): string {
  return `fault/${id}/`;
}
