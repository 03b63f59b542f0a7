/**
 * What a user's function does is done because of what it was called for, also behind its own `await`s. Engines that keep such a context
 * with each continuation anyway (V8's of Node.js 24 on) carry it for some 60 ns an `await` of that function, and for nothing elsewhere;
 * before, all promises of the thread would take 2.5 times as long, and only what comes before the first `await` is known.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, Why } from "../../../runtime/actor.ts";

const CARRIES_WHY: boolean = Number(process.versions.node.split(".")[0]) >= 24;

export interface Carrying<Options> {
  /** As the given one, but that it knows what goes on behind an `await`. */
  readonly ctx: Context<Options>;
  /** Runs what is done because of `why`. */
  readonly run: <T>(why: Why, work: () => T) => T;
}

export function carrying<Options>(ctx: Context<Options>): Carrying<Options> {
  if (!CARRIES_WHY) return { ctx, run: (_, work) => work() };
  const carried = new AsyncLocalStorage<Why>();
  // What is taken up by itself, as a change of an object is, is nearer than what it was once set up for.
  const why = (): Why => {
    const now = ctx.trace.why();
    return now === "" ? (carried.getStore() ?? "") : now;
  };
  const trace = Object.create(ctx.trace, { why: { value: why } }) as Context<Options>["trace"];
  return {
    ctx: Object.create(ctx, { trace: { value: trace } }) as Context<Options>,
    run: (because, work) => carried.run(because, work),
  };
}
