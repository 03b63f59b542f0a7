/** What a cluster's record has on the disk at any moment, as if all of the program were killed there. */
import { describe, expect, it } from "vitest";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { collectorSpec } from "../../../actors/cluster/topology.ts";
import { configMaps } from "../../../actors/client/resources.ts";
import type { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { SegmentShelf, recordOf } from "../../../actors/trace-collector/core/segments/shelf.ts";
import { checksum } from "../../../actors/trace-collector/io/checksum.ts";
import { unpack } from "../../../actors/trace-collector/io/pack.ts";
import { RECORD_DIRECTORY } from "../../../actors/trace-collector/record-files.ts";
import { traceCollectorActor } from "../../../actors/trace-collector/trace-collector.ts";
import { RecordedActors } from "../../fixtures/recorded.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const COLLECTOR = "trace-collector";
const WRITER = "writer";
/** What is younger may be lost. */
const LOST_MS_MAX = 250;
const LOOKS = 30;

describe("the record on the disk", () => {
  it(`has what happened, and what objects were, until ${LOST_MS_MAX} ms before any moment`, async () => {
    const actors = new RecordedActors([WRITER]);
    const cluster = new SimulatedCluster({
      seed: 12,
      workers: 1,
      others: {
        tree: {
          name: "keeping",
          strategy: "one_for_one",
          intensity: { restarts: 0, periodMs: 1 },
          backoff: { initialMs: 1, maxMs: 1, factor: 1, jitter: 0, resetAfterMs: 1 },
          children: [collectorSpec([], ["etcd-0", "etcd-1", "etcd-2"], () => actors.rings)],
        },
        definitions: { [COLLECTOR]: traceCollectorActor },
      },
    });
    watchCrashes(cluster.host);
    await cluster.start();
    const { client, clock, host } = cluster;
    await cluster.run(async () => {
      const written: { readonly atMs: number; readonly name: string }[] = [];
      const over = new AbortController();
      const write = async (): Promise<void> => {
        for (let index = 0; !over.signal.aborted; index++) {
          actors.nowMs = clock.nowMs();
          const name = `c-${index}`;
          await client.create(configMaps, { metadata: { name, namespace: "default" }, data: {} });
          actors.event(WRITER, "timer", name);
          written.push({ atMs: clock.monotonicMs(), name });
          await clock.sleep(host.context.random.below(90));
        }
      };
      const writing = write();
      await clock.sleep(2_000);
      for (let look = 0; look < LOOKS; look++) {
        await clock.sleep(host.context.random.below(400));
        const nowMs = clock.monotonicMs();
        const known = written.filter(({ atMs }) => atMs <= nowMs - LOST_MS_MAX).map(({ name }) => name);
        const record = await recordOn(cluster);
        const missing = (has: (name: string) => boolean): readonly string[] => known.filter((name) => !has(name));
        expect(missing((name) => record.about(name).length > 0)).toEqual([]);
        expect(missing((name) => record.versionsOf(`configmaps/default/${name}`).length > 0)).toEqual([]);
      }
      over.abort();
      await writing;
      expect(written.length).toBeGreaterThan(LOOKS);
    }, 600_000);
  });
});

async function recordOn({ host }: SimulatedCluster): Promise<TraceRecord> {
  const owner = { alive: true, hanging: undefined, crash: () => undefined };
  const disk = host.disk(COLLECTOR).open(owner, `/simulated/${COLLECTOR}`);
  const shelf = new SegmentShelf(checksum);
  for (const name of await disk.list(RECORD_DIRECTORY)) {
    const file = await disk.read(`${RECORD_DIRECTORY}/${name}`);
    if (file !== undefined) shelf.put(name, file);
  }
  return recordOf(shelf, shelf.events(), unpack);
}
