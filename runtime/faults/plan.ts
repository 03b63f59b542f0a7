/**
 * What is to go wrong in a run, as data: where, when, how, how often. One plan means the same in the simulation and on
 * threads. What a fault decides by chance depends on the seed, the fault's `id`, the place and the how-manieth decision
 * it is, and on nothing else: a plan without one of its faults leaves the others as they were.
 *
 * Faults keep what actors may rely on. A link that is up loses no stream item, and answers arrive once: what can be lost
 * are casts, and the requests and answers of calls, which then run into their deadlines; only casts are doubled or come
 * out of order. Disks lose what was not synced and fail with the errors of `Disk`.
 */
import type { ApiFault } from "../../protocols/api-faults.ts";

export interface FaultPlan {
  /** For hosts that have none of their own; default 1. */
  readonly seed?: number;
  readonly faults: readonly Fault[];
}

/** Names of actors: `*` stands for anything within a part of a name (`worker-*`), `**` for anything at all. */
export type Place = string;
/** A range, uniform, in milliseconds. */
export type Range = readonly [least: number, most: number];

interface FaultBase {
  /** Names the fault in reports and in its random choices; unique in the plan. */
  readonly id: string;
  /** Since the plan was applied; default 0. */
  readonly fromMs?: number;
}

interface Lasting extends FaultBase {
  /** Default: as long as the plan is applied. */
  readonly forMs?: number;
}

/** Of what `from` sends to `to`. */
interface OnLink extends Lasting {
  readonly from: Place;
  readonly to: Place;
}

interface OnDisk extends Lasting {
  readonly at: Place;
  /** Of each operation; default 1. */
  readonly chance?: number;
}

/** Happens at moments: at `fromMs`, and from then on every `everyMs`, if given, for `forMs`. */
interface OnActor extends Lasting {
  readonly at: Place;
  readonly everyMs?: number;
  /** Each time; default 1. */
  readonly chance?: number;
  /** Whom it hits among those that `at` names: one of them each time (the default), or all. */
  readonly victims?: "one" | "all";
}

interface OnClock extends Lasting {
  readonly at: Place;
  readonly byMs: number;
}

export type LinkFault =
  | (OnLink & { readonly kind: "link-drop"; readonly chance: number; readonly messages?: "casts" | "calls" | "all" })
  | (OnLink & { readonly kind: "link-delay"; readonly byMs: Range; readonly chance?: number })
  | (OnLink & { readonly kind: "link-duplicate"; readonly chance: number })
  /** A cast is held back for some time, and overtaken. */
  | (OnLink & { readonly kind: "link-reorder"; readonly chance: number; readonly byMs: Range });

/**
 * What is sent is held back until the end; after `breakAfterMs` (default: never) the links break, and each end sees the
 * other go down. Both ways unless `oneWay`.
 */
export type Partition = OnLink & {
  readonly kind: "partition";
  readonly oneWay?: boolean;
  readonly breakAfterMs?: number;
};

export type DiskOperationName = "open" | "read" | "write" | "truncate" | "sync" | "rename" | "remove" | "list";

export type DiskFault =
  /** Writes fail with DISK_FULL. */
  | (OnDisk & { readonly kind: "disk-full" })
  /** Operations (default: all) fail with DISK_FAILED. */
  | (OnDisk & { readonly kind: "disk-error"; readonly operations?: readonly DiskOperationName[] })
  /** Operations don't end before the fault does. */
  | (OnDisk & { readonly kind: "disk-stall" })
  | (OnDisk & { readonly kind: "disk-slow"; readonly byMs: Range })
  /** One bit of what is written is another. */
  | (OnDisk & { readonly kind: "disk-bit-flip" })
  /** A part of what is written gets there, and the actor dies. */
  | (OnDisk & { readonly kind: "disk-torn-write" })
  /** A crash loses the bytes that were not synced. */
  | (OnDisk & { readonly kind: "disk-unsynced" });

/** What becomes of an actor's disk when it dies: a power failure, nothing, or a new one. */
export type DiskFate = "crash" | "kept" | "lost";

export type ActorFault =
  /** On threads `crash` takes effect where `disk-unsynced` is in force. Default `kept`. */
  | (OnActor & { readonly kind: "actor-crash"; readonly disk?: DiskFate })
  /** Ends as when its heap is full, without filling it; on a thread that is shared, all of its actors do. */
  | (OnActor & { readonly kind: "actor-oom" })
  /** For `hangMs`; default: until it is killed for it. */
  | (OnActor & { readonly kind: "actor-hang"; readonly hangMs?: number })
  /** Does nothing for `share` (0 to 1) of each 10 ms. */
  | (Lasting & { readonly kind: "actor-slow"; readonly at: Place; readonly share: number });

export type ClockFault =
  /** Wall clocks are off while it lasts. */
  | (OnClock & { readonly kind: "clock-skew" })
  /** Wall clocks jump, and stay there when the plan is over. */
  | (Omit<OnClock, "forMs"> & { readonly kind: "clock-jump" });

/** Of what an actor's own protocol carries: the runtime hands them to the actors of that kind (`ctx.faults`), who carry them out. */
export type OwnFault = ApiFault;

export type Fault = LinkFault | Partition | DiskFault | ActorFault | ClockFault | OwnFault;

/** Which share of this an `actor-slow` does nothing for. */
export const SLOW_PERIOD_MS = 10;

/** Those of `names` that a place stands for, in their order. */
export function namesAt(place: Place, names: readonly string[]): readonly string[] {
  const pattern = place
    .split("**")
    .map((part) => part.split("*").map(escape).join("[^/]*"))
    .join(".*");
  const expression = new RegExp(`^${pattern}$`);
  return names.filter((name) => expression.test(name));
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&");
}
