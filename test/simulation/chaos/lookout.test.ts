/** Who looks on in a real run knows when something has passed unseen. */
import { expect, it } from "vitest";
import { Lookout } from "../../../actors/cluster/chaos/real/lookout.ts";
import type { Seen } from "../../../protocols/api-witness.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { BACKOFF, INTENSITY, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";
import { fakeApiServer, FakeStore } from "../client/fake-api-server.ts";

const SERVER = "api-server-0";
/** What one turn tells before the next is taken in: more than a stream keeps. */
const TOO_MANY = 70_000;

async function look(): Promise<{
  readonly host: SimulationHost;
  readonly store: FakeStore;
  readonly lookout: Lookout;
  readonly seen: readonly string[];
  readonly missed: readonly string[];
}> {
  const store = new FakeStore();
  const child = { name: SERVER, actor: "api-server", options: null, links: [], restart: "permanent" } as const;
  const children = [{ ...child, shutdownMs: SHUTDOWN_MS, startTimeoutMs: START_TIMEOUT_MS }];
  const host = watchCrashes(
    new SimulationHost({
      seed: 1,
      spec: { name: "root", strategy: "one_for_one", intensity: INTENSITY, backoff: BACKOFF, children },
      definitions: { "api-server": fakeApiServer(store) },
      embedder: { name: "cluster", links: [SERVER] },
    }),
  );
  await host.start();
  const seen: string[] = [];
  const missed: string[] = [];
  const lookout = new Lookout(host.context, ["web"], {
    saw: (each) => void seen.push("bookmark" in each ? each.bookmark.watch : ""),
    missed: (why) => void missed.push(why),
  });
  await host.settle(() => lookout.start([SERVER]));
  return { host, store, lookout, seen, missed };
}

const marked = (watch: string): Seen => ({ bookmark: { atMs: 0, watch, by: "web", revision: 1 } });

it("one that falls behind tells of it, and looks on again", async () => {
  const { host, store, lookout, seen, missed } = await look();
  expect(store.witnesses.size).toBe(1);
  for (let count = 0; count < TOO_MANY; count++) for (const sink of store.witnesses) sink.push(marked("flood"));
  await host.run(10);
  expect(missed).toEqual([
    expect.stringMatching(/^what passed api-server-0 is not all known: cluster has not read 65536 items/),
  ]);
  expect(seen.length).toBeLessThan(TOO_MANY);
  await host.settle(() => lookout.settled());
  for (const sink of store.witnesses) sink.push(marked("later"));
  await host.run(10);
  expect(seen.at(-1)).toBe("later");
  expect(missed).toHaveLength(1);
});

it("the death of a server is no gap, and it is looked at again before it is told that all are", async () => {
  const { host, store, lookout, seen, missed } = await look();
  host.kill(SERVER, { disk: "kept" });
  await host.run(5);
  await host.settle(() => lookout.settled());
  for (const sink of store.witnesses) sink.push(marked("after"));
  await host.run(10);
  expect([seen, missed]).toEqual([["after"], []]);
});
