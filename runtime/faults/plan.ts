/**
 * What is to go wrong in a run, as data: where, when, how, how often. One plan means the same in the simulation and on
 * threads. What a fault decides by chance depends on the seed, the fault's `id`, the place and the how-manieth decision
 * it is, and on nothing else: a plan without one of its faults leaves the others as they were.
 *
 * Faults keep what actors may rely on. A link that is up loses no stream item, and answers arrive once: what can be lost
 * are casts, and the requests and answers of calls, which then run into their deadlines; only casts are doubled or come
 * out of order. Disks lose what was not synced and fail with the errors of `Disk`.
 */
import type { ApiFault, Triggered } from "../../protocols/api-faults.ts";
import type { ClusterFault } from "../../protocols/cluster-faults.ts";
import type { LastingTimes, StrikeTimes } from "../../protocols/fault-fields.ts";
import type { DownReason } from "../actor.ts";

export interface FaultPlan {
  /** For hosts that have none of their own; default 1. */
  readonly seed?: number;
  readonly faults: readonly Fault[];
}

/** Names of actors: `*` stands for anything within a part of a name (`worker-*`), `**` for anything at all. */
export type Place = string;
/** A range, uniform, in milliseconds. */
export type Range = readonly [least: number, most: number];

/** Of what `from` sends to `to`. */
interface OnLink extends LastingTimes {
  readonly from: Place;
  readonly to: Place;
}

interface OnDisk extends LastingTimes {
  readonly at: Place;
  /** Of each operation; default 1. */
  readonly chance?: number;
}

interface OnActor extends StrikeTimes {
  readonly at: Place;
}

interface OnClock extends LastingTimes {
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
  | (LastingTimes & { readonly kind: "actor-slow"; readonly at: Place; readonly share: number });

export type ClockFault =
  /** Wall clocks are off while it lasts. */
  | (OnClock & { readonly kind: "clock-skew" })
  /** Wall clocks jump, and stay there when the plan is over. */
  | (Omit<OnClock, "forMs"> & { readonly kind: "clock-jump" });

/** Of a whole master or worker: `at` is the name of its supervisor, as `worker-0`. */
export type MachineFault =
  /** All of its actors die at once, as when its machine loses power, and come back after `downMs`; default: when the plan is stopped. */
  | (OnActor & Triggered & { readonly kind: "node-loss"; readonly downMs?: number })
  /** Its actors are stopped and started again one after the other, as by an upgrade of the machine. */
  | (OnActor & Triggered & { readonly kind: "node-upgrade" });

/** Of what actors' own protocols carry: the runtime hands them to the actors of that kind (`ctx.faults`), who carry them out. */
export type OwnFault = ApiFault | ClusterFault;

export type Fault = LinkFault | Partition | DiskFault | ActorFault | ClockFault | MachineFault | OwnFault;

/** Which share of this an `actor-slow` does nothing for. */
export const SLOW_PERIOD_MS = 10;

/** The one end of an actor that a fault of that kind brings about; undefined: it ends whom it hits at once. */
export function endsOnlyAs(kind: Fault["kind"]): DownReason | undefined {
  if (kind === "actor-hang" || kind === "controller-pause") return "hang";
  return kind === "actor-oom" ? "out-of-memory" : undefined;
}

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
