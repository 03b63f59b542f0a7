import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { threadDisk } from "../../../../runtime/threads/thread-disk.ts";

describe("the register of a disk", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-test-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it("outlives the directory, and that of all actors' directories", async () => {
    const root = join(directory, "actors", "a");
    const disk = threadDisk(root, { fsync: true });
    expect(await disk.isRegistered()).toBe(false);
    await disk.replace("x", new Uint8Array(1));
    await disk.register();
    await disk.register();
    rmSync(join(directory, "actors"), { recursive: true });
    expect(await threadDisk(root, { fsync: true }).isRegistered()).toBe(true);
    expect(await threadDisk(join(directory, "actors", "b"), { fsync: true }).isRegistered()).toBe(false);
    expect(readdirSync(directory)).toEqual(["actors.registered"]);
  });
});
