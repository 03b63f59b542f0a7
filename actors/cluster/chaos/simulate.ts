/**
 * A simulated world for a program's own work, which can be forked: a run is a function of its seed and its program, so the same
 * moment comes again when both are run again up to it. A fork takes as long as all that was before it.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { WorldOptions } from "./world.ts";
import { SimulatedWorld } from "./world.ts";

const LIMIT_MS = 600_000;

type Work = (world: ForkableWorld) => Promise<unknown>;

/** What a call of `fork` is to do, by the order of calls: give what it gave the first time, or go on in the other way. */
type Fork =
  | { readonly result: unknown }
  | { readonly error: unknown }
  | { readonly goOn: Work; readonly digest: string };

/**
 * Runs `work` in a world of its own, and gives what it returns. Errors: INVALID_FAULT_PLAN, CONTROLLER_FAILED when a
 * controller used the machine's clock, timers or random numbers, and what `work` throws.
 */
export async function simulate<T>(options: WorldOptions, work: (world: ForkableWorld) => Promise<T>): Promise<T> {
  const world = new ForkableWorld(options, work, []);
  await world.start();
  return world.run(() => work(world), options.limitMs ?? LIMIT_MS);
}

export class ForkableWorld extends SimulatedWorld {
  private readonly given: WorldOptions;
  private readonly work: Work;
  private readonly forks: Fork[];
  private passed = 0;
  /** Of a fork: whom what it comes to is told. */
  private outcome: { resolve: (result: unknown) => void; reject: (error: unknown) => void } | undefined;

  constructor(options: WorldOptions, work: Work, forks: readonly Fork[]) {
    super(options);
    this.given = options;
    this.work = work;
    this.forks = [...forks];
  }

  /**
   * This moment once more, in another world, where `goOn` follows in place of the rest of the work; gives what that returns. Here
   * time stands still meanwhile, and then everything goes on as if nothing had been. The work is run again from its start up to
   * here: what it does outside of the world it does again. Errors: SIMULATION_DIVERGED when it did not come to the same moment,
   * and what `goOn` throws.
   */
  async fork<T>(goOn: (world: ForkableWorld) => Promise<T>): Promise<T> {
    // A turn of its own, so that whatever follows begins alike in both worlds.
    await this.clock.sleep(0);
    const known = this.forks[this.passed++];
    if (known === undefined) return this.another(goOn);
    if ("result" in known) return known.result as T;
    if ("error" in known) throw known.error;
    return this.divert(known);
  }

  private another<T>(goOn: (world: ForkableWorld) => Promise<T>): Promise<T> {
    const { digest } = this;
    return new Promise((resolve, reject) => {
      this.cluster.host.standStill(async () => {
        try {
          const result = await this.repeated([...this.forks, { goOn, digest }]);
          this.forks.push({ result });
          resolve(result as T);
        } catch (error) {
          this.forks.push({ error });
          reject(error);
        }
      });
    });
  }

  /** Everything again, up to the last of these forks. */
  private async repeated(forks: readonly Fork[]): Promise<unknown> {
    const { given, work } = this;
    const world = new ForkableWorld(given, work, forks);
    await world.start();
    const outcome = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        world.outcome = { resolve, reject };
        work(world).then(() => reject(diverged("the work ended before it")), reject);
      });
    return world.run(outcome, given.limitMs ?? LIMIT_MS);
  }

  /** Whoever called goes no further. */
  private divert({ goOn, digest }: Extract<Fork, { readonly digest: string }>): Promise<never> {
    const isLast = this.passed === this.forks.length;
    if (digest !== this.digest) this.outcome?.reject(diverged("something else happened before it"));
    else {
      goOn(this).then(
        (result) => (isLast ? this.outcome?.resolve(result) : undefined),
        (error: unknown) => this.outcome?.reject(error),
      );
    }
    return new Promise(() => undefined);
  }
}

function diverged(why: string): InkubeError {
  const rule = "a work that forks is a function of its world";
  return new InkubeError("SIMULATION_DIVERGED", `the moment of the fork did not come again: ${why}; ${rule}`);
}
