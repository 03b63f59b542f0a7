import { beforeEach, describe, expect, it } from "vitest";
import { deskProtocol } from "../../fixtures/actors/desk-protocol.ts";
import { expectNoAnswerOfAnotherLife } from "../../fixtures/incarnations.ts";
import type { Threads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, useThreads } from "../../fixtures/threads.ts";

const { open } = useThreads();
let threads: Threads;

beforeEach(async () => {
  threads = open();
  await Promise.all(["server", "client"].map(start));
});

const start = (name: string): Promise<void> =>
  threads.host.start(
    child(name, "desk", { options: null, links: name === "client" ? [EMBEDDER, "server"] : [EMBEDDER] }),
  );

describe.each(["hold", "shelve", "watch"] as const)(
  "what was asked before a link was made anew, and waits (%s)",
  (how) => {
    it.each(["the client's death", "a partition that lasts"])(
      "is not answered over the new one, after %s",
      async (cause) => {
        const client = threads.ref(deskProtocol, "client");
        const renew = async (): Promise<void> => {
          if (cause === "the client's death") {
            await threads.host.kill("client");
            await start("client");
            return;
          }
          const cut = { id: "cut", kind: "partition", from: "client", to: "server", breakAfterMs: 10 } as const;
          const plan = threads.host.applyFaults({ faults: [cut] });
          await expect.poll(() => client.call("answers", null)).toEqual(["old: ACTOR_DOWN"]);
          await plan.stop();
          // Handled after what mends the link, at both ends.
          await threads.carriedOut();
        };
        const server = threads.ref(deskProtocol, "server");
        await expectNoAnswerOfAnotherLife({ client, server, wait: (work) => work(), renew }, how);
      },
    );
  },
);
