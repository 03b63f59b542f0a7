/**
 * Faults of a plan on threads: at the host, which tells each actor what is in force for it, and at the actor's own
 * boundaries. While no plan is applied an actor looks at one field for each frame that it sends and each operation of a
 * file, and adds a zero to its clock.
 *
 * What differs from the simulation: the embedding program's thread is never slowed down, a partition does not hold back the
 * news of a death, and a thread that is shared has one time for all. A crash and a torn write end one of its actors alone,
 * and links, disks and wall clocks go wrong for one alone. But one that hangs holds up its neighbors, and takes them along
 * when its watchdog ends it; one that is slow slows them down; and of several it adds up: as it would without a plan.
 */
import type { Mark } from "../actor.ts";
import type { Machines } from "../supervisor/machines.ts";
import type { ActiveFaults } from "../faults/boundary.ts";
import { FaultBoundary, idsIn, together } from "../faults/boundary.ts";
import type { Places } from "../faults/check-plan.ts";
import { FaultDriver } from "../faults/driver.ts";
import { LinkGate } from "../faults/link-gate.ts";
import type { DiskFate, Fault, FaultPlan } from "../faults/plan.ts";
import { endsOnlyAs, SLOW_PERIOD_MS } from "../faults/plan.ts";
import { SeededRandom } from "../random.ts";
import type { Lives } from "../trace/lives.ts";
import { clearInterval, clearTimeout, monotonicNowMs, nextTick, setInterval, setTimeout } from "./machine-clock.ts";

/** What one plan has in force for an actor. Plain data. */
export interface PlanPart {
  readonly seed: number;
  readonly faults: ActiveFaults;
}

/** Plain data: from the host to an actor. */
export type FaultCommand =
  /** In place of whatever was in force; a part for each plan that has anything for it. */
  | { readonly do: "set"; readonly parts: readonly PlanPart[] }
  | { readonly do: "exhaust" }
  /** For ever when no time is given. */
  | { readonly do: "hang"; readonly forMs: number | undefined }
  | { readonly do: "break"; readonly peer: string; readonly event: Mark };

/** Plain data: from an actor to its host, of faults of its own protocol. */
export interface FaultNotice {
  readonly fault: string;
  /** What it did; undefined: its time is over. */
  readonly struck?: string;
}

/** What a new thread is told of faults. */
export interface GivenFaults {
  readonly parts: readonly PlanPart[];
  /** The how-manieth start of the actor it is: its random choices are others than those of the one before. */
  readonly generation: number;
}

export class ActorFaults {
  readonly boundary: FaultBoundary;
  readonly gate: LinkGate;
  private readonly breakLink: (peer: string, event: Mark) => void;
  private slowing: NodeJS.Timeout | undefined;
  /** Of the plan that each fault is of, by the fault's id. */
  private readonly seeds = new Map<string, number>();

  constructor(
    name: string,
    given: GivenFaults,
    actor: {
      readonly die: (error: Error) => void;
      readonly breakLink: (peer: string, event: Mark) => void;
      readonly notice: (notice: FaultNotice) => void;
    },
  ) {
    this.breakLink = actor.breakLink;
    this.boundary = new FaultBoundary(name, {
      random: (label, id) => new SeededRandom(this.seeds.get(id) ?? 0, `${label}#${given.generation}`),
      after: (delayMs, action) => void setTimeout(action, delayMs).unref(),
      nowMs: () => monotonicNowMs(),
      die: () => actor.die(new Error("a power failure in the middle of a write: a fault of the plan")),
      struck: (fault, struck) => actor.notice({ fault, struck }),
      over: (fault) => actor.notice({ fault }),
    });
    this.gate = new LinkGate(this.boundary, { holdsCuts: true });
    if (given.parts.length > 0) this.set(given.parts);
  }

  carryOut(command: FaultCommand): void {
    switch (command.do) {
      case "set":
        return this.set(command.parts);
      case "exhaust":
        return endAsOutOfMemory();
      case "hang":
        return block(command.forMs ?? Infinity);
      case "break":
        return this.breakLink(command.peer, command.event);
    }
  }

  /** The actor has ended; its thread may go on. */
  release(): void {
    this.set([]);
  }

  private set(parts: readonly PlanPart[]): void {
    for (const { seed, faults } of parts) {
      for (const id of idsIn(faults)) {
        if (this.seeds.get(id) === seed) continue;
        this.seeds.set(id, seed);
        this.boundary.reseed(id);
      }
    }
    const faults = together(parts.map((part) => part.faults));
    this.boundary.set(faults);
    clearInterval(this.slowing);
    if (faults.slowShare === 0) return;
    this.slowing = setInterval(() => block(faults.slowShare * SLOW_PERIOD_MS), SLOW_PERIOD_MS).unref();
  }
}

/** A client of the actors that lives elsewhere. */
export interface Guest {
  crash(downMs: number): void;
  /** For ever when no time is given. */
  pause(forMs: number | undefined): void;
}

/** Whom a plan may name beside the actors of a host. */
export interface Others {
  readonly machines?: Machines;
  readonly guests?: ReadonlyMap<string, Guest>;
}

/** What applying a plan needs of the host. */
export interface FaultyHost extends Places {
  readonly lives: Lives;
  /** Whether an actor of that name runs, or it is a machine's. */
  isUp(name: string): boolean;
  /** Resolves when the actor has taken it in, or will never: it is down, or hangs. */
  command(actor: string, command: FaultCommand): Promise<void>;
  /** What this plan has for it from now on, also for its next incarnations. What it has with those of other plans. */
  keepFaults(actor: string, part: PlanPart): readonly PlanPart[];
  crash(actor: string, disk: DiskFate, downMs: number): void;
  mendLink(left: string, right: string): void;
  /** As `Machines`. */
  loseMachine(name: string): (() => Promise<void>) | undefined;
  upgradeMachine(name: string): Promise<void>;
}

export interface AppliedFaults {
  /** Actors have come since: what is in force goes for them too. */
  refresh(): void;
  /** Resolves when every actor has what is in force now: threads hear of it one by one, and what is sent meanwhile may escape. Machines
   * that come back, or are upgraded, have done so. */
  settled(): Promise<void>;
  /** Ends every fault; clocks that jumped stay where they are. Resolves when the last actor has been told: none strikes then. */
  stop(): Promise<void>;
}

export interface DrivenFaults extends AppliedFaults {
  /** Ids of its faults. */
  readonly ids: readonly string[];
  /** An actor tells of a fault of its own protocol. */
  heard(actor: string, notice: FaultNotice): void;
}

/** Errors: INVALID_FAULT_PLAN. */
export function applyFaults(
  host: FaultyHost,
  plan: FaultPlan,
  onFault?: (fault: Fault, what: string) => void,
): DrivenFaults {
  // What is no plan at all is the driver's to refuse.
  const seed = (plan as FaultPlan | null)?.seed ?? 1;
  const telling = new Set<Promise<void>>();
  const settled = async (): Promise<void> => void (await Promise.all(telling));
  const follow = (work: Promise<void>): void => {
    const followed = work.then(() => void telling.delete(followed));
    telling.add(followed);
  };
  const driver = new FaultDriver(plan, {
    actors: () => host.actors(),
    outsiders: host.outsiders,
    areLinked: (left, right) => host.areLinked(left, right),
    actorsOf: (kind) => host.actorsOf(kind),
    machines: () => host.machines(),
    ...(host.takenIds === undefined ? {} : { takenIds: host.takenIds }),
    loseMachine: (name) => {
      const back = host.loseMachine(name);
      if (back === undefined) host.lives.forgive(name);
      return back === undefined ? undefined : () => follow(back());
    },
    upgradeMachine: (name) => follow(host.upgradeMachine(name)),
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs).unref();
      return () => clearTimeout(timer);
    },
    random: (label) => new SeededRandom(seed, label),
    setFaults: (actor, faults) => {
      follow(host.command(actor, { do: "set", parts: host.keepFaults(actor, { seed, faults }) }));
    },
    crash: (actor, disk, downMs = 0) => host.crash(actor, disk, downMs),
    exhaust: (actor) => void host.command(actor, { do: "exhaust" }),
    hang: (actor, forMs) => void host.command(actor, { do: "hang", forMs }),
    breakLink: (left, right, id) => {
      const event = host.lives.told(id, "partition", `breaks ${left} and ${right}`);
      void host.command(left, { do: "break", peer: right, event });
      void host.command(right, { do: "break", peer: left, event });
    },
    mendLink: (left, right) => host.mendLink(left, right),
    onFault: (fault, what) => {
      host.lives.told(fault.id, fault.kind, what);
      onFault?.(fault, what);
    },
    onStrike: ({ id, kind }, name) => {
      if (host.isUp(name)) host.lives.struck(id, kind, name, endsOnlyAs(kind));
    },
  });
  driver.start();
  const stop = (): Promise<void> => {
    driver.stop();
    return settled();
  };
  const heard = (actor: string, { fault, struck }: FaultNotice): void =>
    struck === undefined ? driver.over(actor, fault) : driver.struck(actor, fault, struck);
  return { ids: plan.faults.map(({ id }) => id), refresh: () => driver.refresh(), settled, stop, heard };
}

/** As V8 ends a thread whose heap is full: nothing of it runs on, whoever shares it. */
function endAsOutOfMemory(): void {
  nextTick(() => {
    throw Object.assign(new Error("the heap is full: a fault of the plan"), { code: "ERR_WORKER_OUT_OF_MEMORY" });
  });
}

/** The thread sleeps in the middle of its work: it is busy for its watchdog, and costs nobody anything. */
function block(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}
