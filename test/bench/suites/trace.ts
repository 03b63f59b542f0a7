/** The record that lasts: what keeping costs, how much room an event takes, and how soon a question about a million is answered. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTrace } from "../../../actors/cluster/open-trace.ts";
import { checksum } from "../../../actors/trace-collector/io/checksum.ts";
import { RecordKeeper } from "../../../actors/trace-collector/record-keeper.ts";
import { unpack } from "../../../actors/trace-collector/io/pack.ts";
import { TRACE_COLLECTOR_DEFAULTS, limitsOf } from "../../../actors/trace-collector/spec.ts";
import { threadClock } from "../../../runtime/threads/thread-clock.ts";
import { threadDisk } from "../../../runtime/threads/thread-disk.ts";
import { Recorder } from "../../../runtime/trace/recorder.ts";
import { RingWriter, makeRing } from "../../../runtime/trace/ring.ts";
import { keepObjects } from "./trace/objects.ts";
import { startClusterProcess } from "../cluster-process.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const EVENTS = 1_000_000;
const ACTORS = ["api-server-0", "etcd-0", "scheduler-0", "controller-manager-0", "worker-0/kubelet"];
/** A pod's life: so many messages to one thing that happens. */
const MESSAGES_PER_EVENT = 19;
const WRITES_PER_POD = 5;
const ROUNDS = 20;
const WARM_ROUNDS = 5;
const WRITES = 6_000;
const IN_FLIGHT = 64;
const MEGABYTE = 1_048_576;
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export const trace: Suite = {
  name: "trace",
  about: `${EVENTS.toLocaleString("en-US")} events kept, found again and asked about; then 3 + 3 nodes, ${WRITES} writes and who follows them`,
  run: async (report) => {
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    try {
      const keptNs = await keep(directory, report);
      await keepObjects(directory, writes());
      await ask(directory, report);
      await load(keptNs, report);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

const isWrite = (count: number): boolean => count % (MESSAGES_PER_EVENT + 1) === 0;
const podOf = (count: number): string => `web-${Math.floor(count / (WRITES_PER_POD * (MESSAGES_PER_EVENT + 1)))}`;

/** Those that `keep` records. */
function* writes(): Iterable<{ readonly pod: string; readonly revision: number }> {
  for (let count = 0; count < EVENTS; count++) if (isWrite(count)) yield { pod: podOf(count), revision: count + 1 };
}

/** Gives the CPU that keeping one event takes, in nanoseconds. */
async function keep(directory: string, report: Report): Promise<number> {
  const clock = threadClock({ unref: true });
  const rings = Object.fromEntries(ACTORS.map((name) => [name, makeRing()]));
  const recorders = ACTORS.map((name) => new Recorder(name, clock, new RingWriter(rings[name]!)));
  const limits = limitsOf(TRACE_COLLECTOR_DEFAULTS);
  const disk = threadDisk(join(directory, "actors", "trace-collector"), { fsync: false });
  const keeper = new RecordKeeper({ rings, disk, clock, log: SILENT, checksum, limits, unpack });
  let cpuUs = 0;
  const take = async (): Promise<void> => {
    const before = process.cpuUsage();
    await keeper.take();
    const { user, system } = process.cpuUsage(before);
    cpuUs += user + system;
  };
  for (let count = 0; count < EVENTS; count++) {
    const recorder = recorders[count % recorders.length]!;
    if (!isWrite(count)) {
      recorder.message("call", "request", ACTORS[(count + 1) % ACTORS.length]!, count >> 3);
    } else {
      const last = recorder.name(Math.max(1, Math.floor(count / ACTORS.length)));
      recorder.event(
        "write",
        `pods/default/${podOf(count)}`,
        { action: "put", revision: count + 1, user: "kubernetes-admin" },
        last,
      );
    }
    if (count % 5_000 === 0) await take();
  }
  await take();
  await keeper.close();
  const bytes = bytesIn(directory);
  report({ name: "kept, of CPU an event", value: (cpuUs * 1_000) / EVENTS, unit: "ns" });
  report({ name: "on the disk, an event", value: bytes / EVENTS, unit: "B" });
  report({ name: "on the disk, all", value: bytes / MEGABYTE, unit: "MB", target: "≤ 64" });
  return (cpuUs * 1_000) / EVENTS;
}

async function ask(directory: string, report: Report): Promise<void> {
  const cold: number[] = [];
  const warm: number[] = [];
  const coldState: number[] = [];
  const warmState: number[] = [];
  for (let round = 0; round < WARM_ROUNDS; round++) {
    cold.push(await cpuMsOf(async () => (await openTrace(directory)).why("pod/web-17")));
    coldState.push(
      await cpuMsOf(async () => (await openTrace(directory)).at({ revision: EVENTS - MESSAGES_PER_EVENT })),
    );
    const opened = await openTrace(directory);
    const last = (await opened.at({ revision: EVENTS - MESSAGES_PER_EVENT })).timeMs!;
    for (let pod = 100; pod < 100 + ROUNDS; pod++) {
      const startedMs = performance.now();
      await opened.why(`pod/web-${pod * 40}`);
      warm.push(performance.now() - startedMs);
      warmState.push(await cpuMsOf(() => opened.at(pod % 2 === 0 ? last : { revision: pod * 1_000 + 1 })));
    }
  }
  report({ name: "why, from the files, CPU", value: median(cold), unit: "ms", target: "≤ 500" });
  report({ name: "why, once they are in hand", value: median(warm), unit: "ms", target: "≤ 100" });
  report({ name: "state, from the files, CPU", value: median(coldState), unit: "ms", target: "≤ 1,000" });
  report({ name: "state, once they are in hand, CPU", value: median(warmState), unit: "ms", target: "≤ 1,000" });
  const startedMs = performance.now();
  const all = await (await openTrace(directory)).events();
  report({
    name: `all ${all.length.toLocaleString("en-US")} events, made and in order`,
    value: performance.now() - startedMs,
    unit: "ms",
  });
}

async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Pods are created as fast as the cluster takes them, while somebody follows; then the first of them is asked about. */
async function load(keptNs: number, report: Report): Promise<void> {
  const cluster = await startClusterProcess({ masters: 3, workers: 3, pods: "simulated", capacity: { pods: "0" } });
  try {
    const before = cluster.cpuMs();
    const run = await cluster.evaluate<{
      recorded: number;
      followed: number;
      lost: number;
      wallMs: number;
    }>(`(async () => {
      const { configMaps } = await import("inkube");
      let followed = 0, lost = 0;
      const following = cluster.trace.follow({ kind: "write" }, (events) => {
        for (const { kind, subject, detail } of events) {
          if (kind === "gap") lost += Number(detail.slice(5));
          else if (subject.startsWith("configmaps/default/bench-")) followed++;
        }
      });
      const startedMs = performance.now();
      let next = 0;
      const worker = async () => {
        while (next < ${WRITES}) {
          const name = "bench-" + next++;
          await cluster.client.create(configMaps, { metadata: { name, namespace: "default" }, data: { key: "value" } });
        }
      };
      await Promise.all(Array.from({ length: ${IN_FLIGHT} }, worker));
      const wallMs = performance.now() - startedMs;
      await new Promise((resolve) => setTimeout(resolve, 500));
      following.stop();
      let recorded = 0;
      for (const event of await cluster.trace.events()) recorded += event.sequence > 0 ? 1 : 0;
      return { recorded, followed, lost, wallMs };
    })()`);
    const cpuMs = cluster.cpuMs() - before;
    const first = await cluster.evaluate<number>(`(async () => {
      const startedMs = performance.now();
      await cluster.trace.why("configmap/bench-0");
      return performance.now() - startedMs;
    })()`);
    report({ name: "writes a second, followed", value: (WRITES / run.wallMs) * 1_000, unit: "/s" });
    report({ name: "writes that the follower did not see", value: WRITES - run.followed, unit: "", target: "0" });
    report({ name: "events lost on the way to the follower", value: run.lost, unit: "", target: "0" });
    report({ name: "events a write", value: run.recorded / WRITES, unit: "" });
    report({
      name: "keeping, share of the cluster's CPU",
      value: ((run.recorded * keptNs) / 1e6 / cpuMs) * 100,
      unit: "%",
      target: "≤ 5 with recording",
    });
    report({ name: "why of the first, through the collector", value: first, unit: "ms", target: "≤ 500" });
  } finally {
    await cluster.stop();
  }
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
