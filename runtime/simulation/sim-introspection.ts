/** Asks something of a simulated actor in a turn of its own, as the control door of a thread does. */
import { InkubeError } from "../../protocols/errors.ts";
import type { EventOwner } from "./event-queue.ts";
import type { World } from "./world.ts";

export interface Asked extends EventOwner {
  readonly name: string;
  /** Called once, at its end. */
  readonly onDeath: Set<() => void>;
}

/** Errors: ACTOR_DOWN when it is down (undefined) or dies; DEADLINE_EXCEEDED, as while it hangs; what `work` throws. */
export function askActor<T>(
  world: World,
  name: string,
  actor: Asked | undefined,
  limitMs: number,
  work: () => T | Promise<T>,
): Promise<T> {
  const down = (): InkubeError => new InkubeError("ACTOR_DOWN", `${name} is not running`, { retryable: true });
  if (actor === undefined || !actor.alive) return Promise.reject(down());
  return new Promise((resolve, reject) => {
    const end = (how: () => void): void => {
      tooLate.action = undefined;
      actor.onDeath.delete(died);
      how();
    };
    const died = (): void => end(() => reject(down()));
    const tooLate = world.schedule(limitMs * 1_000, world.itself, () => {
      const late = new InkubeError("DEADLINE_EXCEEDED", `${name} did not answer within ${limitMs} ms`, {
        retryable: true,
      });
      end(() => reject(late));
    });
    actor.onDeath.add(died);
    world.schedule(0, actor, () => {
      Promise.resolve()
        .then(work)
        .then(
          (value) => end(() => resolve(value)),
          (error: unknown) => end(() => reject(error as Error)),
        );
    });
  });
}
