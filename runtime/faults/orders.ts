/**
 * Strikes that actors carry out, because they alone know whom they can hit: a strike is given to one of them after the other,
 * until one has found somebody, or to all at once when it is for all.
 */
import type { OrderedStrike, StrikingClusterFault } from "../../protocols/cluster-faults.ts";

interface Order {
  readonly strike: OrderedStrike;
  /** Who has it now, and has not answered. */
  readonly asked: Set<string>;
  /** Who is asked after them, in this order. */
  readonly next: string[];
  hasHit: boolean;
}

/** What an answer has come to. */
export interface Answered {
  readonly fault: StrikingClusterFault;
  /** Everybody who was asked has answered, and nobody had anything to hit. */
  readonly isVain: boolean;
}

export class Orders {
  /** By the fault's id. */
  private readonly orders = new Map<string, Order>();
  private readonly counts = new Map<string, number>();

  /** To `actors`, in the order in which they are asked. */
  give(fault: StrikingClusterFault, actors: readonly string[]): void {
    const nth = (this.counts.get(fault.id) ?? 0) + 1;
    this.counts.set(fault.id, nth);
    const asked = new Set(fault.victims === "all" ? actors : actors.slice(0, 1));
    const next = actors.filter((actor) => !asked.has(actor));
    this.orders.set(fault.id, { strike: { ...fault, nth }, asked, next, hasHit: false });
  }

  /** What an actor is to carry out. */
  of(actor: string): readonly OrderedStrike[] {
    return [...this.orders.values()].filter(({ asked }) => asked.has(actor)).map(({ strike }) => strike);
  }

  /** Undefined: it was not asked, or not any more. */
  answer(actor: string, id: string, hasHit: boolean): Answered | undefined {
    const order = this.orders.get(id);
    if (order === undefined || !order.asked.delete(actor)) return undefined;
    order.hasHit ||= hasHit;
    const { strike, asked, next } = order;
    const after = strike.victims !== "all" && !hasHit ? next.shift() : undefined;
    if (after !== undefined) asked.add(after);
    const isOver = asked.size === 0;
    if (isOver) this.orders.delete(id);
    const { nth: _nth, ...fault } = strike;
    return { fault, isVain: isOver && !order.hasHit };
  }

  /** Ends a strike that is not answered: who has it is down, or slow. The fault; undefined: there is none such. */
  forget(id: string): StrikingClusterFault | undefined {
    const order = this.orders.get(id);
    if (order === undefined) return undefined;
    this.orders.delete(id);
    const { nth: _nth, ...fault } = order.strike;
    return fault;
  }

  /** Ids of those that are not answered. */
  get open(): readonly string[] {
    return [...this.orders.keys()];
  }
}
