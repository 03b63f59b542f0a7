/** What the flight recorder takes of the CPU that messages take. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { threadClock } from "../../../runtime/threads/thread-clock.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { Recorder } from "../../../runtime/trace/recorder.ts";
import { RingWriter, makeRing } from "../../../runtime/trace/ring.ts";
import { buildActors } from "../../fixtures/build-actors.ts";
import { echoProtocol } from "../actors/echo-protocol.ts";
import type { Suite } from "../report.ts";
import { median } from "../report.ts";
import { samplePod } from "../sample-pod.ts";

const ROUNDS = 5;
const RECORDS = 200_000;
const IN_FLIGHT = 128;
const PAYLOADS = [
  { name: "tiny message", payload: { k: 1, id: 5, to: "abc" }, count: 100_000 },
  { name: "3 KB Pod", payload: samplePod(), count: 3_000 },
] as const;
/** The actor that is called writes one record for each call; its caller writes none. */
const RECORDS_PER_CALL = 1;

export const recorder: Suite = {
  name: "recorder",
  about: `one record, and its share of the CPU of a call with ${IN_FLIGHT} under way; medians of ${ROUNDS} rounds`,
  run: async (report) => {
    const recordUs = median(Array.from({ length: ROUNDS }, recordMicroseconds));
    report({ name: "flight recorder, a record", value: recordUs * 1_000, unit: "ns" });
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    const bundles = await buildActors(join(process.cwd(), "test/bench/actors"));
    const host = new ThreadHost({ bundles, dataDir: directory, fsync: false, onDown: () => undefined });
    const embedder = new EmbeddedPeer("bench", host);
    const base = {
      actor: "echo",
      options: null,
      restart: "temporary",
      shutdownMs: 1_000,
      startTimeoutMs: 10_000,
    } as const;
    try {
      await Promise.all([
        host.start({ ...base, name: "echo-a", links: ["echo-b", "bench"] }),
        host.start({ ...base, name: "echo-b", links: [] }),
      ]);
      const caller = embedder.ref(echoProtocol, "echo-a");
      for (const { name, payload, count } of PAYLOADS) {
        const cpuUs: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const before = process.cpuUsage();
          await caller.call("calls", { peer: "echo-b", count, inFlight: IN_FLIGHT, payload }, { timeoutMs: 60_000 });
          const { user, system } = process.cpuUsage(before);
          cpuUs.push((user + system) / count);
        }
        report({
          name: `flight recorder, share of a call's CPU, ${name}`,
          value: ((recordUs * RECORDS_PER_CALL) / median(cpuUs)) * 100,
          unit: "%",
          target: "≤ 5",
        });
      }
    } finally {
      await Promise.all([host.stop("echo-a", 1_000), host.stop("echo-b", 1_000)]);
      embedder.close();
      rmSync(directory, { recursive: true, force: true });
      rmSync(bundles, { recursive: true, force: true });
    }
  },
};

/** As in a turn of many messages: the time is asked for once in 16. */
function recordMicroseconds(): number {
  const subject = new Recorder("echo-b", threadClock({ unref: true }), new RingWriter(makeRing()));
  const startedMs = performance.now();
  for (let index = 0; index < RECORDS; index++) {
    if (index % 16 === 0) subject.turn();
    subject.message("call", "echo", "echo-a", index);
  }
  return ((performance.now() - startedMs) * 1_000) / RECORDS;
}
