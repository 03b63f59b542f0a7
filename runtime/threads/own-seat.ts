import type { Seat } from "./hosted-actor.ts";
import { nextTick, setImmediate } from "./machine-clock.ts";

/** The seat of an actor with a thread of its own: the actor's end is the thread's. `started`: what is to be done once it is up. */
export function ownSeat(started: () => void): Seat {
  return {
    shared: false,
    started: () => void setImmediate(started),
    stopped: () => process.exit(0),
    crashed: (error) => {
      // Outside of any promise, so that it ends the thread with this error as its reason.
      nextTick(() => {
        throw error;
      });
    },
  };
}
