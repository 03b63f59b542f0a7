import { defineActor } from "../../../../runtime/actor.ts";
import { runActor } from "../../../../runtime/threads/thread.ts";
import type { EchoMethods } from "../echo-protocol.ts";
import { echoProtocol } from "../echo-protocol.ts";

/** Casts sent in one turn: what a link has under way at most. */
const CASTS_PER_TURN = 256;

runActor(
  defineActor<EchoMethods, null>(echoProtocol, (ctx) => {
    let taken = 0;
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
