/**
 * An operator of controller-runtime: what it asked of kube-apiserver (`conformance/record-manager.mjs`), asked of a cluster in
 * which every API server dies in turn wherever its connections broke, and answered as there.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import type { Entry } from "../conformance/replay.ts";
import { Replay } from "../conformance/replay.ts";
import { inkube } from "../fixtures/built.ts";
import { until } from "../fixtures/until.ts";

const MASTERS = 3;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: MASTERS, workers: 0, controllers: false });
});
afterAll(() => cluster?.stop());

it("answers an operator as kube-apiserver does, and its watches miss and repeat nothing, through every server's death", async () => {
  const entries = JSON.parse(
    readFileSync(new URL("../conformance/recorded/manager.json", import.meta.url), "utf8"),
  ) as readonly Entry[];
  expect(entries.filter(({ cut }) => cut)).toHaveLength(3);
  const { server: url, authority, token } = cluster;
  const replay = new Replay({ url, authority, token }, "operator");
  // What differs first is why it does not go on.
  const failed = await run(replay, entries).then(
    () => [],
    (error: unknown) => [String(error)],
  );
  // An assertion would cut the text short.
  const found = [...replay.found, ...failed];
  if (found.length > 0) throw new Error(found.join("\n"));
});

async function run(replay: Replay, entries: readonly Entry[]): Promise<void> {
  for (const [index, entry] of entries.entries()) {
    if (entry.cut === undefined) await replay.ask(entry, index);
    else {
      await replay.caughtUp();
      await killEveryServer();
      replay.endWatches();
    }
  }
  await replay.caughtUp();
  replay.endWatches();
}

async function killEveryServer(): Promise<void> {
  for (let index = 0; index < MASTERS; index++) {
    await cluster.kill(`api-server-${index}`);
    await until("all are up", () => cluster.actors().every(({ state }) => state === "up"));
  }
}
