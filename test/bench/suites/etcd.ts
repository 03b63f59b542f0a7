/** Three etcd members, each on its thread with an own fsynced log, asked by an actor on a fourth thread. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EtcdOptions } from "../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { buildActors } from "../../fixtures/build-actors.ts";
import { etcdLoadProtocol } from "../actors/etcd-load-protocol.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 5;
const MEMBERS = ["etcd-0", "etcd-1", "etcd-2"];
/** etcd 3.7.3, three members on two cores of this kind of machine, gRPC, asked at the leader: requests a second and µs of CPU each. */
const PEER = {
  put: { 1: [1_424, 960], 64: [12_710, 123], 256: [20_725, 83] },
  range: { 1: [4_225, 313], 64: [42_428, 38], 256: [62_532, 26] },
} as const;
const COUNTS = { put: { 1: 500, 64: 10_000, 256: 20_000 }, range: { 1: 2_000, 64: 30_000, 256: 60_000 } } as const;

export const etcd: Suite = {
  name: "etcd",
  about: `three members, 256-byte values, fsynced, asked at the leader by an actor; CPU of all threads; medians of ${ROUNDS} rounds`,
  run: async (report) => {
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    const bundles = await buildActors(join(process.cwd(), "test/bench/actors"));
    cpSync(join(process.cwd(), "dist/actors/etcd.cjs"), join(bundles, "actors/etcd.cjs"));
    const host = new ThreadHost({ bundles, dataDir: directory, fsync: true, onDown: () => undefined });
    const embedder = new EmbeddedPeer("bench", host, [...MEMBERS, "load"]);
    try {
      const base = { restart: "temporary", shutdownMs: 2_000, startTimeoutMs: 10_000 } as const;
      const specs = MEMBERS.map((name) => ({
        ...base,
        name,
        actor: "etcd",
        options: { ...ETCD_DEFAULTS, name, members: MEMBERS } satisfies EtcdOptions,
        links: MEMBERS.filter((other) => other !== name),
      }));
      host.plan(specs);
      await Promise.all(specs.map((spec) => host.start(spec)));
      const leader = await findLeader(embedder);
      await host.start({ ...base, name: "load", actor: "etcd-load", options: { member: leader }, links: [leader] });
      await measure(report, embedder);
    } finally {
      await Promise.all(host.actors.map((name) => host.stop(name, 2_000)));
      embedder.close();
      rmSync(directory, { recursive: true, force: true });
      rmSync(bundles, { recursive: true, force: true });
    }
  },
};

async function findLeader(embedder: EmbeddedPeer): Promise<string> {
  // The first linearizable answer means that there is a leader.
  await embedder.ref(etcdProtocol, MEMBERS[0]!).call("readIndex", null);
  return (await embedder.ref(etcdProtocol, MEMBERS[0]!).call("status", null)).leader;
}

async function measure(report: Report, embedder: EmbeddedPeer): Promise<void> {
  const load = embedder.ref(etcdLoadProtocol, "load");
  for (const operation of ["put", "range"] as const) {
    for (const inFlight of [1, 64, 256] as const) {
      const count = COUNTS[operation][inFlight];
      const rates: number[] = [];
      const costs: number[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const before = process.cpuUsage();
        const { milliseconds } = await load.call("run", { operation, count, inFlight, valueBytes: 256 });
        const { user, system } = process.cpuUsage(before);
        if (round === 0) continue;
        rates.push((count / milliseconds) * 1_000);
        costs.push((user + system) / count);
      }
      const [peerRate, peerCost] = PEER[operation][inFlight];
      const name = `${operation === "put" ? "puts" : "linearizable reads"}, ${inFlight} in flight`;
      report({
        name,
        value: median(rates),
        unit: "/s",
        peer: { name: "etcd 3.7", value: peerRate },
        ...(inFlight === 256 ? { target: "≥ 0.75 ×" } : {}),
      });
      report({
        name: `${name}, CPU each`,
        value: median(costs),
        unit: "µs",
        peer: { name: "etcd 3.7", value: peerCost },
      });
    }
  }
}
