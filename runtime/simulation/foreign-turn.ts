/**
 * A turn of code that was written for Node and not for the simulation: streams and `process.nextTick` go on in queues that the
 * simulation does not see, so the turn lasts until Node has emptied them, and what nobody caught meanwhile is that code's.
 */
import type { EventOwner, Foreign, UncaughtEvent } from "./event-queue.ts";

const EVENTS: readonly UncaughtEvent[] = ["uncaughtException", "unhandledRejection"];

type Listener = (...args: unknown[]) => void;

export class ForeignTurn {
  private replaced: (() => void) | undefined;

  get isOn(): boolean {
    return this.replaced !== undefined;
  }

  /** From here on until `end`. The process's own listeners are put aside: a test runner would take such an error for its own. */
  begin(owner: EventOwner, foreign: Foreign): void {
    if (this.replaced !== undefined) return;
    const before = EVENTS.map((event) => [event, process.rawListeners(event) as Listener[]] as const);
    for (const [event] of before) {
      process.removeAllListeners(event);
      process.on(event, (error: unknown) => {
        if (!owner.alive) return;
        if (!foreign.uncaught(event, error)) owner.crash(error);
      });
    }
    this.replaced = () => {
      for (const [event, listeners] of before) {
        process.removeAllListeners(event);
        for (const listener of listeners) process.on(event, listener);
      }
    };
  }

  end(): void {
    this.replaced?.();
    this.replaced = undefined;
  }
}
