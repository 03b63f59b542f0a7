import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { deskProtocol } from "../../fixtures/actors/desk-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";
import { expectNoAnswerOfAnotherLife } from "../../fixtures/incarnations.ts";

let bundles: string;
let dataDir: string;
let host: ThreadHost;
let embedder: EmbeddedPeer;

beforeAll(async () => {
  bundles = await buildFixtureActors();
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "inkube-incarnations-"));
  host = new ThreadHost({ bundles, dataDir, fsync: false, onDown: () => undefined });
  embedder = new EmbeddedPeer("embedder", host);
  await Promise.all(["server", "client"].map(start));
});
afterEach(async () => {
  await Promise.all(host.actors.map((name) => host.stop(name, 2_000)));
  embedder.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const start = (name: string): Promise<void> =>
  host.start({
    name,
    actor: "desk",
    options: null,
    links: name === "client" ? ["embedder", "server"] : ["embedder"],
    restart: "temporary",
    shutdownMs: 2_000,
    startTimeoutMs: 20_000,
  });

describe.each(["hold", "shelve", "watch"] as const)(
  "what was asked before a link was made anew, and waits (%s)",
  (how) => {
    it.each(["the client's death", "a partition that lasts"])(
      "is not answered over the new one, after %s",
      async (cause) => {
        const client = embedder.ref(deskProtocol, "client");
        const renew = async (): Promise<void> => {
          if (cause === "the client's death") {
            await host.kill("client");
            await start("client");
            return;
          }
          const cut = { id: "cut", kind: "partition", from: "client", to: "server", breakAfterMs: 10 } as const;
          const plan = host.applyFaults({ faults: [cut] });
          await expect.poll(() => client.call("answers", null)).toEqual(["old: ACTOR_DOWN"]);
          await plan.stop();
          // Handled after what mends the link, at both ends.
          await Promise.all(["client", "server"].map((name) => host.inspect(name)));
        };
        const server = embedder.ref(deskProtocol, "server");
        await expectNoAnswerOfAnotherLife({ client, server, wait: (work) => work(), renew }, how);
      },
    );
  },
);
