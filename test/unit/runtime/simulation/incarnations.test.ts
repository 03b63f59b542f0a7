import { describe, it } from "vitest";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { deskActor } from "../../../fixtures/actors/desk-actor.ts";
import { deskProtocol } from "../../../fixtures/actors/desk-protocol.ts";
import { expectNoAnswerOfAnotherLife } from "../../../fixtures/incarnations.ts";
import { actor, supervisor } from "../supervisor/harness.ts";

const SEEDS = 20;

describe.each(["hold", "shelve", "watch"] as const)(
  "what was asked before a link was made anew, and waits (%s)",
  (how) => {
    it.each(["the client's death", "a partition that lasts"])(
      `is not answered over the new one, after %s (${SEEDS} seeds)`,
      async (cause) => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const desk = (name: string, links: readonly string[]) => actor(name, { actor: "desk", links });
          const host = new SimulationHost({
            seed,
            spec: supervisor("root", [desk("server", ["test"]), desk("client", ["test", "server"])]),
            definitions: { desk: deskActor },
            embedder: { name: "test", links: [] },
          });
          await host.start();
          await expectNoAnswerOfAnotherLife(
            {
              client: host.context.ref(deskProtocol, "client"),
              server: host.context.ref(deskProtocol, "server"),
              wait: (work) => host.settle(work),
              renew: async () => {
                if (cause === "the client's death") host.kill("client");
                else host.partition(["client"], ["server"], { breakAfterMs: 10 });
                await host.run(100);
                host.heal(["client"], ["server"]);
                await host.run(100);
              },
            },
            how,
          );
          await host.stop();
        }
      },
    );
  },
);
