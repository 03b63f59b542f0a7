/** A small cluster for tests of the simulation: a store that keeps a log on disk, clients that write to it, watchers. */
import type { Call, Cast, Protocol, Stream } from "../../../../protocols/protocol.ts";
import { call, cast, protocol, stream } from "../../../../protocols/protocol.ts";
import { hasCode } from "../../../../protocols/errors.ts";
import type { ActorDefinition, Sink } from "../../../../runtime/actor.ts";
import { defineActor } from "../../../../runtime/actor.ts";
import type { SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import type { Definitions, SimulationOptions } from "../../../../runtime/simulation/simulation-host.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "../supervisor/harness.ts";

export type StoreMethods = {
  append: Call<{ readonly value: number }, { readonly total: number }>;
  read: Call<null, { readonly values: readonly number[] }>;
  never: Call<null, null>;
  fail: Cast<{ readonly how: string }>;
  watch: Stream<{ readonly from: number; readonly flood: number }, number>;
};
export const storeProtocol: Protocol<StoreMethods> = protocol<StoreMethods>("store", {
  append: call({ timeoutMs: 1_000 }),
  read: call(),
  never: call({ timeoutMs: 500 }),
  fail: cast(),
  watch: stream({ window: 4 }),
});

export const storeActor: ActorDefinition<StoreMethods, null> = defineActor(storeProtocol, async (ctx) => {
  const file = await ctx.disk.open("log", { create: true });
  await ctx.disk.syncDirectory("");
  const stored = await file.read(0, file.sizeBytes);
  const values: number[] = [...stored].slice(0, stored.length);
  const sinks = new Set<Sink<number>>();
  let position = values.length;
  return {
    handlers: {
      append: async ({ value }) => {
        const at = position++;
        await file.write(at, Uint8Array.of(value));
        await file.sync();
        values[at] = value;
        for (const sink of sinks) sink.push(value);
        ctx.trace.event("toy.appended", `log/${at}`, { value });
        return { total: values.length };
      },
      read: () => ({ values }),
      never: () => new Promise<null>(() => undefined),
      fail: async ({ how }) => {
        if (how === "throw") throw new Error("broken");
        if (how === "later") {
          await ctx.clock.sleep(1);
          throw new Error("broken later");
        }
        if (how === "timer") ctx.clock.after(1, () => JSON.parse("{"));
        if (how === "spawn") ctx.spawn(() => Promise.reject(new Error("broken beside")));
        if (how === "ambient") Math.random();
      },
      watch: ({ from, flood }, sink) => {
        for (let item = 0; item < flood; item++) sink.push(item);
        for (const value of values.slice(from)) sink.push(value);
        sinks.add(sink);
        sink.signal.addEventListener("abort", () => sinks.delete(sink));
      },
    },
  };
});

export type ClientMethods = { pending: Call<null, { readonly done: number; readonly failed: number }> };
export const clientProtocol: Protocol<ClientMethods> = protocol<ClientMethods>("client", { pending: call() });

/** Writes random bytes to stores at random times, for ever. */
export const clientActor: ActorDefinition<ClientMethods, { readonly stores: readonly string[] }> = defineActor(
  clientProtocol,
  (ctx) => {
    let done = 0;
    let failed = 0;
    ctx.spawn(async () => {
      while (!ctx.stopping.aborted) {
        await ctx.clock.sleep(1 + ctx.random.below(20));
        const store = ctx.ref(storeProtocol, ctx.options.stores[ctx.random.below(ctx.options.stores.length)]!);
        try {
          await store.call("append", { value: ctx.random.below(256) });
          done++;
        } catch (error) {
          if (!hasCode(error)) throw error;
          failed++;
        }
      }
    });
    return { handlers: { pending: () => ({ done, failed }) } };
  },
);

export const definitions: Definitions = { store: storeActor, client: clientActor };

export function toySpec(rest: Partial<SupervisorSpec> = {}): SupervisorSpec {
  const stores = ["store-0", "store-1"];
  return supervisor(
    "toy",
    [
      ...stores.map((name) => actor(name, { actor: "store" })),
      ...["client-0", "client-1", "client-2"].map((name) =>
        actor(name, { actor: "client", links: stores, options: { stores } }),
      ),
    ],
    { intensity: { restarts: 1_000, periodMs: 1_000 }, ...rest },
  );
}

export function toyHost(seed: number, rest: Partial<SimulationOptions> = {}): SimulationHost {
  return new SimulationHost({
    seed,
    spec: toySpec(),
    definitions,
    embedder: { name: "test", links: ["store-0", "store-1", "client-0"] },
    ...rest,
  });
}

/** A store alone: nothing happens that a test does not ask for. */
export function storeHost(seed = 1, rest: Partial<SimulationOptions> = {}): SimulationHost {
  return toyHost(seed, {
    spec: supervisor("toy", [actor("store-0", { actor: "store" }), actor("store-1", { actor: "store" })]),
    embedder: { name: "test", links: ["store-0", "store-1"] },
    ...rest,
  });
}
