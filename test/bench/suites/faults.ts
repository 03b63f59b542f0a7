/** What the boundaries at which a plan's faults happen cost while no plan is applied: each against the same without it. */
import { FaultBoundary } from "../../../runtime/faults/boundary.ts";
import { FaultyDisk } from "../../../runtime/faults/faulty-disk.ts";
import { LinkGate } from "../../../runtime/faults/link-gate.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { threadClock } from "../../../runtime/threads/thread-clock.ts";
import { threadDisk } from "../../../runtime/threads/thread-disk.ts";
import type { Envelope } from "../../../runtime/frame.ts";
import { CAST, FrameCodec } from "../../../runtime/frame.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 9;
const FRAMES = 40_000;
const WRITES = 2_000;
const READINGS = 1_000_000;

export const faults: Suite = {
  name: "faults",
  about: `the boundaries of an actor with no plan applied; medians of ${ROUNDS} rounds, each with and without in turn`,
  run: async (report) => {
    const boundary = new FaultBoundary("bench", {
      random: (label) => new SeededRandom(1, label),
      after: (delayMs, action) => void setTimeout(action, delayMs),
      nowMs: () => performance.now(),
      die: () => undefined,
      struck: () => undefined,
      over: () => undefined,
    });
    const gate = new LinkGate(boundary, { holdsCuts: true });
    await compare(report, "a frame of one small message, encoded and handed on", FRAMES, {
      with: () => sendFrames(gate),
      without: () => sendFrames(undefined),
    });
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    try {
      const disk = threadDisk(directory, { fsync: false });
      const faulty = new FaultyDisk(disk, boundary);
      await compare(report, "a write of 256 bytes to a file", WRITES, {
        with: () => writeFile(faulty),
        without: () => writeFile(disk),
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    const [skewed, plain] = [threadClock({ unref: true, skew: boundary }), threadClock({ unref: true })];
    await compare(report, "a reading of the wall clock", READINGS, {
      with: () => readClock(skewed),
      without: () => readClock(plain),
    });
  },
};

type Work = () => void | Promise<void>;

async function compare(
  report: Report,
  name: string,
  count: number,
  work: { readonly with: Work; readonly without: Work },
): Promise<void> {
  const times = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const side of round % 2 === 0 ? (["with", "without"] as const) : (["without", "with"] as const)) {
      const startedMs = performance.now();
      await work[side]();
      // The first round warms up.
      if (round > 0) times[side].push(((performance.now() - startedMs) * 1_000_000) / count);
    }
  }
  report({
    name: `${name}, with its boundary`,
    value: median(times.with),
    unit: "ns",
    peer: { name: "without", value: median(times.without) },
    target: "1 ×",
  });
}

/** As `PortLinks.transmit` does, but for the port. */
function sendFrames(gate: LinkGate | undefined): void {
  const codec = new FrameCodec(1);
  let bytes = 0;
  const post = (envelopes: Envelope[]): void => void (bytes += codec.encode(1, envelopes).length);
  for (let index = 0; index < FRAMES; index++) {
    const envelopes: Envelope[] = [[CAST, 1, { k: 1, id: index, to: "abc" }, 0]];
    if (gate?.on !== true) post(envelopes);
    else gate.send("peer", envelopes, post);
  }
  if (bytes === 0) throw new Error("nothing was encoded");
}

async function writeFile(disk: Pick<FaultyDisk, "open" | "remove">): Promise<void> {
  const bytes = new Uint8Array(256);
  const file = await disk.open("bench", { create: true });
  for (let index = 0; index < WRITES; index++) await file.write(index * bytes.length, bytes);
  await file.close();
  await disk.remove("bench");
}

function readClock(clock: { nowMs(): number }): void {
  let sum = 0;
  for (let index = 0; index < READINGS; index++) sum += clock.nowMs();
  if (sum === 0) throw new Error("the clock stands");
}
