/** Children come to and leave a running tree in the simulation, while actors die: who is linked can always be reached. */
import { describe, expect, it } from "vitest";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { call, protocol } from "../../../../protocols/protocol.ts";
import type { Call } from "../../../../protocols/protocol.ts";
import { defineActor } from "../../../../runtime/actor.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { actor, supervisor } from "./harness.ts";

const EMBEDDER = "test";
const SEEDS = 300;

type RelayMethods = { readonly ask: Call<{ readonly via: readonly string[] }, { readonly answeredBy: string }> };
const relayProtocol = protocol<RelayMethods>("relay", { ask: call({ timeoutMs: 2_000, idempotent: true }) });
const relayActor = defineActor<RelayMethods, { readonly fails?: boolean } | null>(relayProtocol, (ctx) => {
  if (ctx.options?.fails === true) throw new Error("this one is broken");
  return {
    handlers: {
      ask: ({ via: [next, ...rest] }) =>
        next === undefined ? { answeredBy: ctx.name } : ctx.ref(relayProtocol, next).call("ask", { via: rest }),
    },
  };
});

const relay = (name: string, links: readonly string[] = [], options: object | null = null) =>
  actor(name, { actor: "relay", links, options });

async function world(seed = 3): Promise<SimulationHost> {
  const host = new SimulationHost({
    seed,
    spec: supervisor("root", [relay("hub", [EMBEDDER]), relay("side", ["hub"])], {
      intensity: { restarts: 100, periodMs: 1_000 },
    }),
    definitions: { relay: relayActor },
    embedder: { name: EMBEDDER, links: [] },
  });
  await host.start();
  return host;
}

const node = (name: string) =>
  supervisor(name, [relay(`${name}/a`, ["hub", EMBEDDER]), relay(`${name}/b`, [`${name}/a`])]);
const askHub = (host: SimulationHost, ...via: readonly string[]): Promise<{ readonly answeredBy: string }> =>
  host.context.ref(relayProtocol, "hub").call("ask", { via });

describe("a child that comes to a running tree in the simulation", () => {
  it("is reached by those that it links to, which run already, from the moment that it is there", async () => {
    const host = await world();
    await host.settle(() => host.supervisor.addChild(node("n")));
    expect(await host.settle(() => askHub(host, "n/a", "n/b"))).toEqual({ answeredBy: "n/b" });
    expect(await host.settle(() => host.context.ref(relayProtocol, "n/a").call("ask", { via: [] }))).toEqual({
      answeredBy: "n/a",
    });
    await host.stop();
  });

  it("is reached by the next incarnations of its peers, and they by its own", async () => {
    const host = await world();
    await host.settle(() => host.supervisor.addChild(node("n")));
    for (const name of ["hub", "n/a"]) {
      host.kill(name);
      await host.run(100);
      expect(await host.settle(() => askHub(host, "n/a"))).toEqual({ answeredBy: "n/a" });
    }
    await host.stop();
  });

  it("is nobody's any more once it has left", async () => {
    const host = await world();
    await host.settle(() => host.supervisor.addChild(node("n")));
    await host.settle(() => host.supervisor.removeChild("n"));
    expect([...host.actors].sort()).toEqual(["hub", "side"]);
    const gone = host.context.ref(relayProtocol, "n/a");
    await expect(host.settle(() => gone.call("ask", { via: [] }))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    // The next incarnation of its peer has never heard of it.
    host.kill("hub");
    await host.run(100);
    await expect(host.settle(() => askHub(host, "n/a"))).rejects.toMatchObject({ code: "NO_LINK" });
    await host.settle(() => host.supervisor.addChild(node("n")));
    expect(await host.settle(() => askHub(host, "n/a"))).toEqual({ answeredBy: "n/a" });
    await host.stop();
  });

  it.each([
    ["does not start", relay("n", ["hub"], { fails: true }), /this one is broken/],
    ["has no definition", actor("n", { actor: "nothing" }), /no definition of nothing/],
  ])("that %s leaves nothing behind", async (_what, child, message) => {
    const host = await world();
    await expect(host.settle(() => host.supervisor.addChild(child))).rejects.toThrow(message);
    expect(host.supervisor.status().map(({ name }) => name)).toEqual(["root", "hub", "side"]);
    await host.settle(() => host.supervisor.addChild(relay("n", ["hub"])));
    expect(await host.settle(() => askHub(host, "n"))).toEqual({ answeredBy: "n" });
    await host.stop();
  });

  it("is struck by the faults that are in force where it is", async () => {
    const hits: string[] = [];
    const host = new SimulationHost({
      seed: 5,
      // A plan may name only who is there, or is called as one that is.
      spec: supervisor("root", [relay("hub", [EMBEDDER]), relay("n-0", ["hub"])], {
        intensity: { restarts: 1_000, periodMs: 1_000 },
      }),
      definitions: { relay: relayActor },
      embedder: { name: EMBEDDER, links: [] },
      faults: {
        faults: [
          { id: "kills", kind: "actor-crash", at: "n-*", everyMs: 50 },
          { id: "lost", kind: "link-drop", from: "hub", to: "n-*", chance: 1, messages: "all" },
        ],
      },
      onFault: (_fault, what) => void hits.push(what),
    });
    await host.start();
    await host.settle(() => host.supervisor.addChild(relay("n-1", ["hub"])));
    await expect(host.settle(() => askHub(host, "n-1"))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(hits).toContain("hits n-1");
    await host.stop();
  });

  it(`is there whole or not at all, and reached when it is, whoever dies meanwhile (${SEEDS} seeds)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      await disturbed(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      });
    }
  });
});

/** Some children come and go, among kills. */
async function disturbed(seed: number): Promise<void> {
  const host = await world(seed);
  const { clock, random } = host.context;
  await host.settle(async () => {
    const over = new AbortController();
    const kills = (async () => {
      while (!over.signal.aborted) {
        await clock.sleep(random.below(8));
        const names = host.actors;
        const name = names[random.below(names.length)];
        if (name !== undefined) host.kill(name);
      }
    })();
    const comeAndGo = async (name: string): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        // A sibling's death does not concern it; its own does, until it is up.
        await host.supervisor.addChild(node(name)).catch((error: unknown) => {
          if ((error as InkubeError).code !== "ACTOR_DOWN") throw error;
        });
        await clock.sleep(random.below(10));
        if (!host.supervisor.status().some((status) => status.name === name)) continue;
        if (random.below(2) === 0) await host.supervisor.removeChild(name);
        else break;
      }
    };
    await Promise.all(["n", "m"].map(comeAndGo));
    over.abort();
    await kills;
  });
  await host.run(10_000);
  const there = host.supervisor.status();
  expect(there.every(({ state }) => state === "up")).toBe(true);
  const isThere = (name: string): boolean => there.some((status) => status.name === name);
  for (const name of ["n", "m"]) {
    expect([isThere(`${name}/a`), isThere(`${name}/b`)]).toEqual([isThere(name), isThere(name)]);
    if (!isThere(name)) continue;
    expect(await host.settle(() => askHub(host, `${name}/a`, `${name}/b`))).toEqual({ answeredBy: `${name}/b` });
  }
  expect(host.actors.length).toBe(there.filter(({ name }) => !["root", "n", "m"].includes(name)).length);
  await host.stop();
  expect(host.actors).toEqual([]);
}
