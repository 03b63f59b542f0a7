import { etcdProtocol } from "../../../../protocols/etcd.ts";
import { defineActor } from "../../../../runtime/actor.ts";
import { runActor } from "../../../../runtime/threads/thread.ts";
import type { EtcdLoadMethods } from "../etcd-load-protocol.ts";
import { etcdLoadProtocol } from "../etcd-load-protocol.ts";

/** Keys written to, in turn: more than are in flight, so that no two writes under way touch one key. */
const KEYS = 1_024;

runActor(
  defineActor<EtcdLoadMethods, { readonly member: string }>(etcdLoadProtocol, (ctx) => {
    const member = ctx.ref(etcdProtocol, ctx.options.member);
    return {
      handlers: {
        run: async ({ operation, count, inFlight, valueBytes }) => {
          const value = new Uint8Array(valueBytes).fill(120);
          let next = 0;
          const worker = async (): Promise<void> => {
            while (next < count) {
              const key = `/bench/${next++ % KEYS}`;
              if (operation === "put") await member.call("put", { key, value });
              else await member.call("range", { key, serializable: operation === "serializable-range" });
            }
          };
          const started = ctx.clock.monotonicMs();
          await Promise.all(Array.from({ length: inFlight }, worker));
          return { milliseconds: ctx.clock.monotonicMs() - started };
        },
      },
    };
  }),
);
