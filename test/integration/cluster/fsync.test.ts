import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Program } from "../../fixtures/program.ts";

const PRELOADED = fileURLToPath(new URL("../../fixtures/log-syncs.cjs", import.meta.url));
let directory: string;
let program: Program | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "inkube-test-fsync-"));
  writeFileSync(join(directory, "syncs"), "");
});
afterEach(async () => {
  program?.kill("SIGKILL");
  await program?.exited;
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
});

/** Syncs, as "call path", up to the start of a cluster and from then until an object was created. */
async function syncsOf(options: string): Promise<{ starting: readonly string[]; writing: readonly string[] }> {
  program = Program.evaluate(
    `
    const { readFileSync } = await import("node:fs");
    const { Cluster, configMaps } = await import("inkube");
    const cluster = await Cluster.start({ masters: 3, workers: 0, ...${options} });
    const count = () => readFileSync(process.env.SYNC_LOG, "utf8").length;
    const before = count();
    await cluster.client.create(configMaps, { metadata: { name: "kept", namespace: "default" } });
    process.stdout.write("synced " + before + " " + count() + "\\n");
    await cluster.stop();
  `,
    { SYNC_LOG: join(directory, "syncs"), NODE_OPTIONS: `--require ${PRELOADED}` },
  );
  const [, before, after] = await program.printed(/^synced (\d+) (\d+)$/m);
  expect(await program.exited).toBe(0);
  const log = readFileSync(join(directory, "syncs"), "utf8");
  const lines = (from: number, to: number): string[] => log.slice(from, to).split("\n").filter(Boolean);
  return { starting: lines(0, Number(before)), writing: lines(Number(before), Number(after)) };
}

// Where a descriptor says what it is of.
describe.runIf(process.platform === "linux")("what a cluster with a data directory has acknowledged", () => {
  it("was synced by a majority of the members before, in files whose names were synced too", async () => {
    const dataDir = join(directory, "data");
    const { starting, writing } = await syncsOf(JSON.stringify({ dataDir }));
    const members = ["etcd-0", "etcd-1", "etcd-2"].map((name) => join(dataDir, "actors", name));
    for (const member of members) {
      expect(starting).toContain(`fsync ${member}/wal`);
      expect(starting.some((line) => line.startsWith(`fdatasync ${member}/wal/`))).toBe(true);
    }
    const synced = members.filter((member) => writing.some((line) => line.startsWith(`fdatasync ${member}/wal/`)));
    expect(synced.length).toBeGreaterThanOrEqual(2);
  });

  it("is not synced where nothing is to outlive the process", async () => {
    const { starting, writing } = await syncsOf("{}");
    expect([...starting, ...writing]).toEqual([]);
  });
});
