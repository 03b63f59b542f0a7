/** Plays a story to its end, and judges it: by what it throws, and by what actors died of. */
import { verdictOf } from "../../../actors/cluster/simulation/checks/verdict.ts";
import type { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";

/**
 * @param limitMs of virtual time
 * @param isAllowed what actors may die of
 * @throws with the verdict
 */
export async function judged(
  host: SimulationHost,
  play: () => Promise<void>,
  limitMs: number,
  isAllowed: (error: unknown) => boolean = () => false,
): Promise<void> {
  let failure: unknown;
  try {
    await host.start();
    await host.settle(play, limitMs);
    await host.stop();
    host.world.end();
  } catch (error) {
    failure = error;
  }
  const crashes = host.crashes.filter(({ error }) => !isAllowed(error));
  const verdict = verdictOf(crashes, failure);
  if (verdict !== undefined) throw new Error(verdict, { cause: failure });
}
