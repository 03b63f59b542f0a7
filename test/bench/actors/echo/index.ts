import { defineActor } from "../../../../runtime/actor.ts";
import { runActor } from "../../../../runtime/threads/thread.ts";
import type { EchoMethods } from "../echo-protocol.ts";
import { echoProtocol } from "../echo-protocol.ts";

/** Casts sent in one turn: what a link has under way at most. */
const CASTS_PER_TURN = 256;
const TIMER_MS = 5;

runActor(
  defineActor<EchoMethods, null>(echoProtocol, (ctx) => {
    let taken = 0;
    let worked = 0;
    return {
      handlers: {
        echo: (payload) => payload,
        take: () => void taken++,
        taken: () => taken,
        calls: async ({ peer, count, inFlight, payload }) => {
          const ref = ctx.ref(echoProtocol, peer);
          let left = count;
          const worker = async (): Promise<void> => {
            while (left-- > 0) await ref.call("echo", payload);
          };
          const started = ctx.clock.monotonicMs();
          await Promise.all(Array.from({ length: inFlight }, worker));
          return ctx.clock.monotonicMs() - started;
        },
        work: ({ forUs }) => {
          const untilMs = ctx.clock.monotonicMs() + forUs / 1_000;
          while (ctx.clock.monotonicMs() < untilMs);
          worked++;
        },
        watchTimer: ({ count }) =>
          new Promise((resolve) => {
            worked = 0;
            let largestMs = 0;
            let lastMs = ctx.clock.monotonicMs();
            const timer = ctx.clock.every(TIMER_MS, () => {
              const nowMs = ctx.clock.monotonicMs();
              largestMs = Math.max(largestMs, nowMs - lastMs - TIMER_MS);
              lastMs = nowMs;
              if (worked < count) return;
              timer.cancel();
              resolve(largestMs);
            });
          }),
        flood: async ({ peer, count, forUs }) => {
          const ref = ctx.ref(echoProtocol, peer);
          const watched = ref.call("watchTimer", { count });
          // The timer runs before the flood comes.
          await ref.call("taken", null);
          for (let sent = 0; sent < count; sent++) ref.cast("work", { forUs });
          return watched;
        },
        casts: async ({ peer, count, payload }) => {
          const ref = ctx.ref(echoProtocol, peer);
          const started = ctx.clock.monotonicMs();
          for (let sent = 0; sent < count; sent += CASTS_PER_TURN) {
            for (let index = 0; index < CASTS_PER_TURN; index++) ref.cast("take", payload);
            await ref.call("taken", null);
          }
          return ctx.clock.monotonicMs() - started;
        },
      },
    };
  }),
);
