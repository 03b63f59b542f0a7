/**
 * Priority levels and their seats. Source: KEP-1040; apiserver `util/flowcontrol/apf_controller.go`, for names, limits and reasons.
 *
 * A seat is held from when a request may begin until it is answered: while it waits for etcd or a webhook, and while its client reads a
 * long list. kube-apiserver shifts seats between levels by what they have needed, every ten seconds; here a level takes at once what
 * others lend and do not use, and they take back what is theirs as soon as they need it.
 */
import type {
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from "../../../../protocols/kubernetes/types/flowcontrol-v1.ts";
import type { Share } from "./fair-queues.ts";
import { FairQueues, leastServed } from "./fair-queues.ts";
import { handOf } from "./hand.ts";

export type Refusal = "queue-full" | "concurrency-limit" | "time-out" | "cancelled";

/** Where requests wait that wait for nothing but their turn: as many queues as Kubernetes' own levels have. */
const OF_EXEMPT: QueuingConfiguration = { queues: 64, handSize: 6, queueLengthLimit: Infinity };

/** Of those who are exempt: they wait for their turn alone, and still have to be kept. */
export const EXEMPT_WAITING_MAX = 20_000;

function queuingOf(response: LimitResponse | undefined): QueuingConfiguration | undefined {
  return response?.type === "Queue" ? response.queuing : undefined;
}

/** Hands that are remembered, by flow. */
const HANDS_MAX = 1_024;

export class Level implements Share {
  had = 0;
  /** Seats that are taken. */
  taken = 0;
  readonly name: string;
  uid = "";
  /** Its requests need no seats, and are refused only where nobody could keep them. */
  isExempt = false;
  /** Its part of the server's. */
  seats = 0;
  /** Of these, which others may not have. */
  kept = 0;
  /** With those of others. */
  seatsMax = 0;
  private queuing: QueuingConfiguration | undefined;
  private hands = new Map<string, readonly number[]>();
  readonly waiting: FairQueues<Ticket> = new FairQueues();

  constructor(name: string) {
    this.name = name;
  }

  configure({ metadata, spec }: PriorityLevelConfiguration, serverSeats: number, sharesOfAll: number): void {
    const { limited } = spec ?? {};
    this.uid = metadata?.uid ?? "";
    this.isExempt = spec?.type === "Exempt";
    this.seats = Math.ceil((serverSeats * sharesOf(spec)) / Math.max(1, sharesOfAll));
    this.kept = this.seats - Math.round((this.seats * (limited?.lendablePercent ?? 0)) / 100);
    const borrows = limited?.borrowingLimitPercent;
    this.seatsMax = borrows === undefined ? Infinity : this.seats + Math.round((this.seats * borrows) / 100);
    this.queuing = this.isExempt ? OF_EXEMPT : queuingOf(limited?.limitResponse);
    this.hands = new Map();
  }

  get isIdle(): boolean {
    return this.taken === 0 && this.waiting.length === 0;
  }

  /** The queue in which a request of this flow would wait; undefined: there is no room in it. */
  queueFor(flow: string): number | undefined {
    if (this.queuing === undefined) return undefined;
    const queue = this.waiting.shortest(this.hand(flow, this.queuing));
    // Those for whom there are seats wait for their turn alone: they are in the queues, but not of their number.
    const seated = Math.floor(Math.max(0, this.seats - this.taken) / Math.max(1, this.waiting.inUse));
    return this.waiting.lengthOf(queue) < (this.queuing.queueLengthLimit ?? 0) + seated ? queue : undefined;
  }

  /** As `queueFor`, where there is always room. */
  anyQueueFor(flow: string): number {
    return this.queuing === undefined ? 0 : this.waiting.shortest(this.hand(flow, this.queuing));
  }

  get whenFull(): Refusal {
    return this.queuing === undefined ? "concurrency-limit" : "queue-full";
  }

  private hand(flow: string, { queues = 1, handSize = 1 }: QueuingConfiguration): readonly number[] {
    let hand = this.hands.get(flow);
    if (hand === undefined) {
      if (this.hands.size >= HANDS_MAX) this.hands.clear();
      hand = handOf(flow, queues, handSize);
      this.hands.set(flow, hand);
    }
    return hand;
  }
}

export function sharesOf(spec: PriorityLevelConfiguration["spec"]): number {
  return spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? 0;
}

/** A request that has a seat, or waits for one. */
export interface Ticket {
  readonly level: Level;
  readonly width: number;
  queue: number;
  /** Takes what it has cost to its queue; undefined of what did not wait. */
  charge: ((cost: number) => void) | undefined;
  /** Is told when it may begin; undefined of what did not wait. */
  begin: (() => void) | undefined;
}

export class Levels {
  private readonly serverSeats: number;
  private readonly byName = new Map<string, Level>();
  /** Where the level that was served last began. */
  private now = 0;
  private waitingCount = 0;

  /** @param serverSeats of all levels together */
  constructor(serverSeats: number) {
    this.serverSeats = serverSeats;
  }

  /** Those that are gone stay while something of them is under way. */
  configure(configurations: readonly PriorityLevelConfiguration[]): void {
    const sharesOfAll = configurations.reduce((sum, { spec }) => sum + sharesOf(spec), 0);
    const named = new Set<string>();
    for (const configuration of configurations) {
      const name = configuration.metadata?.name ?? "";
      named.add(name);
      const level = this.byName.get(name) ?? new Level(name);
      level.configure(configuration, this.serverSeats, sharesOfAll);
      this.byName.set(name, level);
    }
    for (const [name, level] of this.byName) {
      if (named.has(name)) continue;
      if (level.isIdle) this.byName.delete(name);
      level.kept = 0;
    }
  }

  get(name: string): Level | undefined {
    return this.byName.get(name);
  }

  get all(): Iterable<Level> {
    return this.byName.values();
  }

  /** Whether somebody waits. */
  get areWaiting(): boolean {
    return this.waitingCount > 0;
  }

  /**
   * @param flow by which requests of a level are told apart
   * @param isTurn whether what has a seat may begin at once; else it waits until it is `next`
   * @returns with `begin` undefined: it begins now. Or why it is refused.
   */
  enter(level: Level, flow: () => string, width: number, isTurn: boolean): Ticket | Refusal {
    const { waiting } = level;
    if (isTurn && waiting.length === 0 && this.fits(level, width, true)) {
      level.taken += width;
      return { level, width, queue: 0, charge: undefined, begin: undefined };
    }
    if (level.isExempt && waiting.length >= EXEMPT_WAITING_MAX) return "queue-full";
    const name = flow();
    // Who has a seat waits for nothing but its turn, and takes no place of a queue from others.
    const hasSeat = this.fits(level, waiting.width + width, waiting.length === 0);
    const queue = hasSeat ? level.anyQueueFor(name) : level.queueFor(name);
    if (queue === undefined) return level.whenFull;
    if (waiting.length === 0) level.had = Math.max(level.had, this.now);
    const ticket: Ticket = { level, width, queue, charge: undefined, begin: () => undefined };
    waiting.push(queue, ticket, width);
    this.waitingCount++;
    return ticket;
  }

  /** Gives a seat to whoever is next: of the level that has had least for its shares, the flow that has had least. */
  next(): Ticket | undefined {
    if (this.waitingCount === 0) return undefined;
    const level = leastServed(this.byName.values(), (each) => {
      const first = each.waiting.peek();
      return first !== undefined && this.fits(each, first.width, true);
    });
    const ticket = level?.waiting.peek();
    if (level === undefined || ticket === undefined) return undefined;
    ticket.charge = level.waiting.shift();
    this.waitingCount--;
    this.now = level.had;
    this.serve(level, ticket.width);
    level.taken += ticket.width;
    return ticket;
  }

  /** @param ms for how long it has kept the thread busy */
  leave({ level, width, charge }: Ticket, ms: number): void {
    level.taken -= width;
    charge?.(ms);
    this.serve(level, ms);
  }

  /** Waits no more. @returns false: it has begun */
  withdraw(ticket: Ticket): boolean {
    const isOut = ticket.level.waiting.remove(ticket.queue, ticket);
    if (isOut) this.waitingCount--;
    return isOut;
  }

  private serve(level: Level, cost: number): void {
    level.had += cost / Math.max(1, level.isExempt ? this.serverSeats : level.seats);
  }

  /** Whether so many seats more are free. @param alone of one request, which is let in where nothing is under way, however wide */
  private fits(level: Level, width: number, alone: boolean): boolean {
    const wanted = level.taken + width;
    if (level.isExempt || wanted <= level.seats || (alone && level.taken === 0)) return true;
    if (wanted > level.seatsMax) return false;
    let others = 0;
    for (const each of this.byName.values()) {
      if (each !== level && !each.isExempt) others += Math.max(each.taken, each.kept);
    }
    return others + wanted <= this.serverSeats;
  }
}

/** Of one request. Source: apiserver `util/flowcontrol/request/config.go`. */
export const MAX_WIDTH = 10;
const OBJECTS_PER_SEAT = 100;

/** Of a list of so many objects: what it costs to put it together. */
export function widthOfList(objects: number): number {
  return Math.min(MAX_WIDTH, Math.max(1, Math.ceil(objects / OBJECTS_PER_SEAT)));
}
