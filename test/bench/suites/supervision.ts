/** What a death costs: from the crash of an actor until its replacement serves, how soon a hang is found, what watching costs, and what 1,000 deaths leave behind. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF } from "../../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import type { ThreadHostOptions } from "../../../runtime/threads/thread-host.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import type { Death } from "../../fixtures/actors/mortal-protocol.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import { buildFixtureActors } from "../../fixtures/build-actors.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 15;
const HANG_AFTER_MS = 500;
const FLEET = 14;
const IDLE_MS = 4_000;
const KILLS = 1_000;
/** So many at once, to have the 1,000 behind us in half a minute. */
const KILLED_TOGETHER = 10;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Fleet {
  readonly host: ThreadHost;
  readonly embedder: EmbeddedPeer;
  readonly names: readonly string[];
  private readonly supervisor: Supervisor;
  private readonly directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));

  constructor(bundles: string, size: number, options: Partial<ThreadHostOptions> = {}) {
    this.host = new ThreadHost({
      bundles,
      dataDir: this.directory,
      fsync: false,
      onDown: (name, reason, error) => this.supervisor.actorDown(name, reason, error),
      ...options,
    });
    this.names = Array.from({ length: size }, (_, index) => `mortal-${index}`);
    const children = this.names.map((name): ChildSpec => ({
      name,
      actor: "mortal",
      options: {},
      links: ["bench"],
      restart: "permanent",
      shutdownMs: 2_000,
      startTimeoutMs: 20_000,
    }));
    this.host.plan(children);
    this.embedder = new EmbeddedPeer("bench", this.host);
    const { clock, random } = this.embedder.context;
    this.supervisor = new Supervisor(
      {
        name: "root",
        strategy: "one_for_one",
        intensity: { restarts: 2 * KILLS, periodMs: 600_000 },
        // Healthy at once, so that no restart waits.
        backoff: { ...BACKOFF, resetAfterMs: 0.001 },
        startInParallel: true,
        children,
      },
      this.host,
      { clock, random, externals: ["bench"] },
    );
  }

  start(): Promise<void> {
    return this.supervisor.start();
  }

  /** Resolves when the actor has answered after its next start. */
  back(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const forget = this.supervisor.onEvent((event) => {
        if (event.type !== "up" || event.name !== name) return;
        forget();
        this.embedder.ref(mortalProtocol, name).call("incarnation", null).then(resolve, reject);
      });
    });
  }

  down(name: string): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.supervisor.onEvent((event) => {
        if (event.type !== "down" || event.name !== name) return;
        forget();
        resolve();
      });
    });
  }

  die(name: string, how: Death): void {
    this.embedder.ref(mortalProtocol, name).cast("die", how);
  }

  async close(): Promise<void> {
    await this.supervisor.stop();
    await this.host.close();
    this.embedder.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export const supervision: Suite = {
  name: "supervision",
  about: `one actor that dies ${ROUNDS} times (medians), ${FLEET} that idle, and ${KILLS} kills`,
  run: async (report) => {
    const bundles = await buildFixtureActors();
    try {
      const cold = await crashToServing(bundles, 0);
      const warm = await crashToServing(bundles, 1);
      report({ name: "crash → replacement serves, new thread", value: median(cold), unit: "ms" });
      report({
        name: "crash → replacement serves, spare thread",
        value: median(warm),
        unit: "ms",
        peer: { name: "new thread", value: median(cold) },
        target: "5 ms",
      });
      await spareMemory(bundles, report);
      await hangs(bundles, report);
      await watching(bundles, report);
      await kills(bundles, report);
    } finally {
      rmSync(bundles, { recursive: true, force: true });
    }
  },
};

async function crashToServing(bundles: string, spares: number): Promise<readonly number[]> {
  const fleet = new Fleet(bundles, 1, { spares: { count: spares, actors: ["mortal"], delayMs: 50 } });
  await fleet.start();
  const name = fleet.names[0]!;
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    while (fleet.host.sparesReady < spares) await pause(10);
    await pause(100);
    const back = fleet.back(name);
    const startedMs = performance.now();
    fleet.die(name, "return-code");
    await back;
    times.push(performance.now() - startedMs);
  }
  await fleet.close();
  return times;
}

async function spareMemory(bundles: string, report: Report): Promise<void> {
  const count = 8;
  const fleet = new Fleet(bundles, 1, { spares: { count, actors: ["mortal"], delayMs: 200 } });
  await fleet.start();
  const before = process.memoryUsage.rss();
  while (fleet.host.sparesReady < count) await pause(20);
  await pause(200);
  const bytes = (process.memoryUsage.rss() - before) / count;
  report({ name: "memory of one spare thread", value: bytes / 1024 / 1024, unit: "MB" });
  await fleet.close();
}

async function hangs(bundles: string, report: Report): Promise<void> {
  const fleet = new Fleet(bundles, 1, {
    watchdog: { periodMs: 100, hangAfterMs: HANG_AFTER_MS },
    spares: { count: 1, actors: ["mortal"], delayMs: 50 },
  });
  await fleet.start();
  const name = fleet.names[0]!;
  const found: number[] = [];
  const replaced: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    while (fleet.host.sparesReady < 1) await pause(10);
    // Any moment between two looks.
    await pause(100 + round * 7);
    const back = fleet.back(name);
    const down = fleet.down(name);
    const startedMs = performance.now();
    fleet.die(name, "spin");
    await down;
    found.push(performance.now() - startedMs - HANG_AFTER_MS);
    await back;
    replaced.push(performance.now() - startedMs - HANG_AFTER_MS);
  }
  report({ name: "a hang is found and ended, after its limit", value: median(found), unit: "ms" });
  report({
    name: "a hang's replacement serves, after its limit",
    value: median(replaced),
    unit: "ms",
    target: "300 ms",
  });
  report({ name: "the slowest of these", value: Math.max(...replaced), unit: "ms", target: "300 ms" });
  await fleet.close();
}

async function watching(bundles: string, report: Report): Promise<void> {
  const cost = async (periodMs: number): Promise<number> => {
    const fleet = new Fleet(bundles, FLEET, { watchdog: { periodMs, hangAfterMs: 3_000 } });
    await fleet.start();
    await pause(1_000);
    const before = process.cpuUsage();
    await pause(IDLE_MS);
    const { user, system } = process.cpuUsage(before);
    await fleet.close();
    return (user + system) / 1_000 / (IDLE_MS / 1_000);
  };
  const watched = await cost(100);
  const idle = await cost(60_000);
  report({
    name: `CPU of ${FLEET} idle actors, each watched`,
    value: watched,
    unit: "ms/s",
    peer: { name: "not watched", value: idle },
  });
  report({ name: `CPU of the watching alone`, value: watched - idle, unit: "ms/s", target: "4 ms/s" });
}

async function kills(bundles: string, report: Report): Promise<void> {
  const fleet = new Fleet(bundles, KILLED_TOGETHER);
  await fleet.start();
  const round = (): Promise<unknown> =>
    Promise.all(
      fleet.names.map(async (name) => {
        const back = fleet.back(name);
        await fleet.host.kill(name);
        await back;
      }),
    );
  const handles = (): number => process.getActiveResourcesInfo().filter((kind) => /Port|Worker/.test(kind)).length;
  const threads = (): number => (process.platform === "linux" ? readdirSync("/proc/self/task").length : Number.NaN);
  // The allocator's pools and V8's caches have filled by then.
  for (let index = 0; index < 10; index++) await round();
  const before = { rss: process.memoryUsage.rss(), handles: handles(), threads: threads() };
  const startedMs = performance.now();
  for (let index = 0; index < KILLS / KILLED_TOGETHER; index++) await round();
  const seconds = (performance.now() - startedMs) / 1_000;
  await pause(500);
  report({ name: `${KILLS} kills and restarts, ${KILLED_TOGETHER} at once`, value: seconds, unit: "s" });
  report({ name: "threads more than before", value: threads() - before.threads, unit: "", target: "0" });
  report({ name: "ports and workers more than before", value: handles() - before.handles, unit: "", target: "0" });
  report({
    name: "memory more than before",
    value: (process.memoryUsage.rss() - before.rss) / 1024 / 1024,
    unit: "MB",
    target: "0",
  });
  await fleet.close();
}
