/** Carries a plan out: at each moment it tells the host which faults are in force for which actor. */
import type { Triggered } from "../../protocols/api-faults.ts";
import { API_FAULTS_AT, isApiFault, strikesOnce } from "../../protocols/api-faults.ts";
import type { ClusterFault, StrikingClusterFault } from "../../protocols/cluster-faults.ts";
import { CLUSTER_FAULTS_AT, isClusterFault, isStrikingClusterFault, nodeOf } from "../../protocols/cluster-faults.ts";
import { fitsPattern } from "../../protocols/fault-fields.ts";
import type { Random } from "../random.ts";
import type { ActiveFaults, GivenFault, LinkFaultsTo } from "./boundary.ts";
import { NO_FAULTS } from "./boundary.ts";
import type { Places } from "./check-plan.ts";
import { checkPlan } from "./check-plan.ts";
import { Orders } from "./orders.ts";
import type {
  ActorFault,
  ClockFault,
  DiskFate,
  DiskFault,
  Fault,
  FaultPlan,
  LinkFault,
  MachineFault,
  OwnFault,
  Partition,
} from "./plan.ts";
import { namesAt } from "./plan.ts";

/** What a host does for a plan. */
export interface FaultTarget extends Places {
  /** Runs `action` after that time; returns how to call it off. */
  after(delayMs: number, action: () => void): () => void;
  /** The beginning of a stream of random numbers, or where it has been read to. */
  random(label: string): Random;
  /** Replaces what is in force for an actor, also for its next incarnations. */
  setFaults(actor: string, faults: ActiveFaults): void;
  /** It is not started again before `downMs` are over, by default at once. */
  crash(actor: string, disk: DiskFate, downMs?: number): void;
  exhaust(actor: string): void;
  /** For ever when no time is given. */
  hang(actor: string, forMs: number | undefined): void;
  /** `id`: of the fault. */
  breakLink(left: string, right: string, id: string): void;
  mendLink(left: string, right: string): void;
  /** Ends all actors of a master or worker at once. Returns how to bring them back; undefined: it is down already. */
  loseMachine(name: string): (() => void) | undefined;
  /** Stops and starts the actors of a master or worker one after the other; does nothing for one that is down. */
  upgradeMachine(name: string): void;
  /** Tells what happens, for a report. */
  onFault?(fault: Fault, what: string): void;
  /** Told before it is done that `fault` is about to hit an actor or a machine, which may end of it. */
  onStrike?(fault: Fault, name: string): void;
}

type StruckActor = Exclude<ActorFault, { readonly kind: "actor-slow" }>;
type Struck = StruckActor | MachineFault | StrikingClusterFault;
/** One that begins by its `when`, of which API servers tell. */
type Awaited = (MachineFault | ClusterFault) & Required<Triggered>;

export class FaultDriver {
  private readonly plan: FaultPlan;
  private readonly target: FaultTarget;
  private readonly inForce = new Set<Fault>();
  /** By id, those that have not begun. */
  private readonly awaited = new Map<string, Awaited>();
  private readonly jumped = new Set<Fault>();
  /** Partitions that have broken their links. */
  private readonly broken = new Set<Fault>();
  private readonly timers = new Set<() => void>();
  /** Of each fault that strikes: what it decides by chance goes on from strike to strike. */
  private readonly streams = new Map<Fault, Random>();
  private readonly orders = new Orders();
  /** How the machines come back that a fault keeps down. */
  private readonly lost = new Set<() => void>();
  /** What each actor was told last. */
  private readonly told = new Map<string, string>();

  /** Errors: INVALID_FAULT_PLAN. */
  constructor(plan: FaultPlan, target: FaultTarget) {
    this.plan = checkPlan(plan, target);
    this.target = target;
  }

  start(): void {
    for (const fault of this.plan.faults) {
      if (isAwaited(fault)) {
        this.awaited.set(fault.id, fault);
        continue;
      }
      const fromMs = isApiFault(fault) ? 0 : (fault.fromMs ?? 0);
      if (fromMs === 0) this.begin(fault);
      else this.after(fromMs, () => this.begin(fault));
    }
    this.tell();
  }

  /** Others take part than before: each is told what is in force for it. */
  refresh(): void {
    this.tell();
  }

  /** Nothing is wrong any more, but that clocks that jumped stay where they are. */
  stop(): void {
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.awaited.clear();
    for (const fault of [...this.inForce]) this.end(fault);
    for (const id of this.orders.open) this.forgetStrike(id);
    for (const bringBack of [...this.lost]) bringBack();
    this.tell();
  }

  /** An actor has carried out a fault of its own protocol. */
  struck(actor: string, id: string, what: string): void {
    const awaited = this.awaited.get(id);
    if (awaited !== undefined) return this.comes(awaited, what);
    const answered = this.orders.answer(actor, id, true);
    if (answered !== undefined) {
      this.target.onFault?.(answered.fault, what);
      return this.tell();
    }
    const fault = this.ownFault(id);
    // Another actor may have been faster with one that strikes once.
    if (fault === undefined) return;
    this.target.onFault?.(fault, what);
    if (isClusterFault(fault)) return;
    if (strikesOnce(fault)) this.inForce.delete(fault);
    if (fault.kind === "controller-crash") {
      for (const name of namesAt(fault.by, this.target.actors())) {
        this.target.onStrike?.(fault, name);
        this.target.crash(name, "kept", fault.downMs);
      }
    } else if (fault.kind === "controller-pause") {
      for (const name of namesAt(fault.by, this.target.actors())) {
        this.target.onStrike?.(fault, name);
        this.target.hang(name, fault.downMs);
      }
    }
    this.tell();
  }

  /** Whoever tells of it may be hit by it, and ends its turn first. */
  private comes(fault: Awaited, what: string): void {
    this.awaited.delete(fault.id);
    this.target.onFault?.(fault, what);
    this.after(0, () => this.begin(fault));
    this.tell();
  }

  /** The time of a fault of an actor's own protocol is over. */
  over(actor: string, id: string): void {
    const answered = this.orders.answer(actor, id, false);
    if (answered !== undefined) {
      if (answered.isVain) this.target.onFault?.(answered.fault, "finds nothing to hit");
      return this.tell();
    }
    const fault = this.ownFault(id);
    if (fault === undefined || isClusterFault(fault)) return;
    this.inForce.delete(fault);
    this.target.onFault?.(fault, "ends");
    this.tell();
  }

  private ownFault(id: string): OwnFault | undefined {
    for (const fault of this.inForce) {
      if (fault.id === id && (isApiFault(fault) || isClusterFault(fault))) return fault;
    }
    return undefined;
  }

  private get everybody(): readonly string[] {
    return [...this.target.actors(), ...this.target.outsiders];
  }

  private begin(fault: Fault): void {
    this.inForce.add(fault);
    // It begins with what happens: who carries it out tells.
    if (isApiFault(fault)) return;
    if (fault.kind === "clock-jump") this.jumped.add(fault);
    const forMs = fault.kind === "clock-jump" ? undefined : fault.forMs;
    if (forMs !== undefined) {
      this.after(forMs, () => {
        this.end(fault);
        this.tell();
      });
    }
    if (isStruck(fault)) return this.strike(fault);
    this.target.onFault?.(fault, "begins");
    if (fault.kind === "partition" && fault.breakAfterMs !== undefined) {
      this.after(fault.breakAfterMs, () => {
        if (!this.inForce.has(fault)) return;
        this.broken.add(fault);
        for (const [from, to] of this.links(fault)) this.target.breakLink(from, to, fault.id);
      });
    }
    this.tell();
  }

  private end(fault: Fault): void {
    if (!this.inForce.delete(fault)) return;
    this.forgetStrike(fault.id);
    if (!isStruck(fault) && !isApiFault(fault)) this.target.onFault?.(fault, "ends");
    // A link that lives on must not be made anew: what is under way over it would be lost.
    if (fault.kind !== "partition" || !this.broken.delete(fault)) return;
    for (const [from, to] of this.links(fault)) this.target.mendLink(from, to);
  }

  private strike(fault: Struck): void {
    if (!this.inForce.has(fault)) return;
    const { everyMs } = fault;
    if (everyMs === undefined) this.inForce.delete(fault);
    else this.after(everyMs, () => this.strike(fault));
    const random = this.streamOf(fault);
    const chosen = random.next();
    if (fault.chance !== undefined && random.next() >= fault.chance) return;
    if (isStrikingClusterFault(fault)) return this.order(fault, chosen);
    const named = namesAt(fault.at, isMachineFault(fault) ? this.target.machines() : this.target.actors());
    const one = named[Math.floor(chosen * named.length)];
    for (const name of fault.victims === "all" ? named : one === undefined ? [] : [one]) {
      if (isMachineFault(fault)) {
        this.hitMachine(fault, name);
        continue;
      }
      this.target.onFault?.(fault, `hits ${name}`);
      this.target.onStrike?.(fault, name);
      this.hit(fault, name);
    }
  }

  /** Beginning with one of those who can carry it out. */
  private order(fault: StrikingClusterFault, chosen: number): void {
    const actors = this.target.actorsOf(CLUSTER_FAULTS_AT[fault.kind]);
    const first = Math.floor(chosen * actors.length);
    this.forgetStrike(fault.id);
    this.orders.give(fault, [...actors.slice(first), ...actors.slice(0, first)]);
    this.tell();
  }

  private forgetStrike(id: string): void {
    const fault = this.orders.forget(id);
    if (fault !== undefined) this.target.onFault?.(fault, "is not carried out in time");
  }

  private hitMachine(fault: MachineFault, name: string): void {
    if (fault.kind === "node-upgrade") {
      this.target.onFault?.(fault, `hits ${name}`);
      return this.target.upgradeMachine(name);
    }
    this.target.onStrike?.(fault, name);
    const back = this.target.loseMachine(name);
    this.target.onFault?.(fault, back === undefined ? `finds ${name} down already` : `hits ${name}`);
    if (back === undefined) return;
    const bringBack = (): void => {
      if (!this.lost.delete(bringBack)) return;
      this.target.onFault?.(fault, `lets ${name} come back`);
      back();
    };
    this.lost.add(bringBack);
    if (fault.downMs !== undefined) this.after(fault.downMs, bringBack);
  }

  private streamOf(fault: Struck): Random {
    let stream = this.streams.get(fault);
    if (stream === undefined) this.streams.set(fault, (stream = this.target.random(`fault/${fault.id}`)));
    return stream;
  }

  private hit(fault: StruckActor, actor: string): void {
    switch (fault.kind) {
      case "actor-crash":
        return this.target.crash(actor, fault.disk ?? "kept");
      case "actor-oom":
        return this.target.exhaust(actor);
      case "actor-hang":
        return this.target.hang(actor, fault.hangMs);
    }
  }

  private tell(): void {
    for (const actor of this.everybody) {
      const faults = this.faultsOf(actor);
      const text = JSON.stringify(faults);
      if (text === (this.told.get(actor) ?? JSON.stringify(NO_FAULTS))) continue;
      this.told.set(actor, text);
      this.target.setFaults(actor, faults);
    }
  }

  private faultsOf(actor: string): ActiveFaults {
    const at = (fault: { readonly at: string }): boolean => namesAt(fault.at, [actor]).length > 0;
    const disk: DiskFault[] = [];
    let skewMs = 0;
    let busyShare = 1;
    for (const fault of this.inForce) {
      if (fault.kind === "clock-skew" && at(fault)) skewMs += fault.byMs;
      if (fault.kind === "actor-slow" && at(fault)) busyShare *= 1 - fault.share;
      if (isDiskFault(fault) && at(fault)) disk.push(fault);
    }
    for (const fault of this.jumped) if (at(fault as ClockFault)) skewMs += (fault as ClockFault).byMs;
    return { links: this.linksOf(actor), disk, skewMs, slowShare: 1 - busyShare, own: this.ownOf(actor) };
  }

  private ownOf(actor: string): readonly GivenFault[] {
    const own: GivenFault[] = [];
    for (const fault of this.inForce) {
      const kind = isApiFault(fault)
        ? API_FAULTS_AT
        : isClusterFault(fault)
          ? CLUSTER_FAULTS_AT[fault.kind]
          : undefined;
      if (kind === undefined || isStrikingClusterFault(fault)) continue;
      if (isClusterFault(fault) && "at" in fault && !fitsPattern(fault.at ?? "*", nodeOf(actor))) continue;
      if (this.target.actorsOf(kind).includes(actor)) own.push(fault as OwnFault);
    }
    if (this.awaited.size > 0 && this.target.actorsOf(API_FAULTS_AT).includes(actor)) {
      for (const { id, when } of this.awaited.values()) own.push({ kind: "awaited", id, when });
    }
    return [...own, ...this.orders.of(actor)];
  }

  private linksOf(actor: string): readonly LinkFaultsTo[] {
    const links: LinkFaultsTo[] = [];
    for (const peer of this.everybody) {
      if (peer === actor) continue;
      const faults: LinkFault[] = [];
      let cut = false;
      for (const fault of this.inForce) {
        if (fault.kind === "partition") cut ||= this.pairs(fault).some(([from, to]) => from === actor && to === peer);
        else if (
          isLinkFault(fault) &&
          namesAt(fault.from, [actor]).length > 0 &&
          namesAt(fault.to, [peer]).length > 0
        ) {
          faults.push(fault);
        }
      }
      if (cut || faults.length > 0) links.push({ peer, faults, cut });
    }
    return links;
  }

  /** Each link once, whichever way it is cut. */
  private links(fault: Partition): readonly (readonly [string, string])[] {
    const seen = new Set<string>();
    return this.pairs(fault).filter(([from, to]) => {
      if (seen.has(`${to}>${from}`)) return false;
      seen.add(`${from}>${to}`);
      return true;
    });
  }

  private pairs({ from, to, oneWay }: Partition): readonly (readonly [string, string])[] {
    const left = namesAt(from, this.everybody);
    const right = namesAt(to, this.everybody);
    const there = left.flatMap((name) => right.filter((peer) => peer !== name).map((peer) => [name, peer] as const));
    return oneWay === true ? there : [...there, ...there.map(([name, peer]) => [peer, name] as const)];
  }

  private after(delayMs: number, action: () => void): void {
    const cancel = this.target.after(delayMs, () => {
      this.timers.delete(cancel);
      action();
    });
    this.timers.add(cancel);
  }
}

function isAwaited(fault: Fault): fault is Awaited {
  return !isApiFault(fault) && "when" in fault && fault.when !== undefined;
}

function isStruck(fault: Fault): fault is Struck {
  if (isMachineFault(fault) || isStrikingClusterFault(fault)) return true;
  return fault.kind.startsWith("actor-") && fault.kind !== "actor-slow";
}

function isMachineFault(fault: Fault): fault is MachineFault {
  return fault.kind === "node-loss" || fault.kind === "node-upgrade";
}

function isLinkFault(fault: Fault): fault is LinkFault {
  return fault.kind.startsWith("link-");
}

function isDiskFault(fault: Fault): fault is DiskFault {
  return fault.kind.startsWith("disk-");
}
