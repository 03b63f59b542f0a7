/**
 * The turns of a simulated actor. Virtual time stands still while messages are handled, so chance says after how many of
 * them a turn is over, and how long the next one is in coming: what arrives meanwhile waits, as on threads.
 */
import type { Turns } from "../cell.ts";
import type { Random } from "../random.ts";
import type { EventOwner } from "./event-queue.ts";
import type { World } from "./world.ts";

/** A turn of 2 ms is some hundred messages of 5 to 20 µs; a few is one that garbage collection has cut short. */
const MESSAGES_MAX = 256;
/** Timers and the other ports of a thread take this long between two turns. */
const PAUSE_US_MAX = 100;

export class SimTurns implements Turns {
  /** Messages are the unit: each costs one. */
  budgetMs: number;
  private readonly world: World;
  private readonly owner: EventOwner;
  private readonly random: Random;

  constructor(world: World, owner: EventOwner, random: Random) {
    this.world = world;
    this.owner = owner;
    this.random = random;
    this.budgetMs = this.drawBudget();
  }

  costMs(messages: number): number {
    return messages;
  }

  next(action: () => void): void {
    this.budgetMs = this.drawBudget();
    this.world.schedule(this.random.below(PAUSE_US_MAX), this.owner, action);
  }

  private drawBudget(): number {
    return 1 + this.random.below(MESSAGES_MAX);
  }
}
