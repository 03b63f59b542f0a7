/** The file of the audit log: what is put aside, what is kept, and what becomes of lines that find no room. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { AuditOptions } from "../../../../actors/api-server/audit.ts";
import { openAuditLog } from "../../../../actors/api-server/io/audit-log.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-test-audit-log-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const options = (given: Partial<AuditOptions> = {}): AuditOptions => ({
  policy: { rules: [] },
  path: join(directory, "audit.log"),
  maxBytes: 20_000,
  maxBackups: 0,
  maxAgeDays: 0,
  ...given,
});
const NAME = /^audit(-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(\.\d+)?)?\.log$/;
const lines = (): readonly string[] =>
  readdirSync(directory).flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1));

it("loses and repeats no line though several servers write it, and puts it aside whenever it is large", async () => {
  const lost: string[] = [];
  const logs = ["a", "b", "c"].map(() => openAuditLog(options(), (_events, why) => lost.push(why)));
  const written: string[] = [];
  for (let round = 0; round < 100; round++) {
    for (const [index, log] of logs.entries()) {
      const line = `${index} ${round} ${"x".repeat(1_000)}`;
      written.push(line);
      log.write(`${line}\n`);
    }
    // What waits for the disk goes there in one piece, however large: so nothing waits.
    await Promise.all(logs.map((log) => log.close()));
  }
  expect(lost).toEqual([]);
  expect([...lines()].sort()).toEqual(written.sort());
  const names = readdirSync(directory);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !NAME.test(name))).toEqual([]);
});

it("keeps as many files as it is to, none that is too old, and leaves alone what is not its own", async () => {
  writeFileSync(join(directory, "audit-notes.log"), "");
  const old = join(directory, "audit-2001-01-01T00-00-00.000.log");
  writeFileSync(old, "");
  utimesSync(old, 0, 0);
  const log = openAuditLog(options({ maxBackups: 3, maxAgeDays: 1 }), () => undefined);
  for (let round = 0; round < 200; round++) {
    log.write(`${"x".repeat(1_000)}\n`);
    await log.close();
  }
  const names = readdirSync(directory).filter((name) => NAME.test(name));
  expect(names).toHaveLength(4);
  expect(readdirSync(directory)).toContain("audit-notes.log");
  expect(names.map((name) => join(directory, name))).not.toContain(old);
});

it("tells how many lines found no room, and goes on when there is some", async () => {
  const lost: [number, string][] = [];
  const log = openAuditLog(options({ path: "/dev/full" }), (events, why) => lost.push([events, why]));
  log.write("one\n");
  log.write("two\n");
  await log.close();
  expect(lost).toEqual([[2, expect.stringContaining("ENOSPC") as string]]);
  log.write("three\n");
  await log.close();
  expect(lost).toHaveLength(2);
});
