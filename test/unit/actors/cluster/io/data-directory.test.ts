import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDataDirectory } from "../../../../../actors/cluster/io/data-directory.ts";

let path: string;
beforeEach(() => void (path = mkdtempSync(join(realpathSync(tmpdir()), "inkube-test-directory-"))));
afterEach(() => rmSync(path, { recursive: true, force: true }));

/** The id of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

it("is one owner's at a time, and free again when released", () => {
  const directory = openDataDirectory(path);
  expect(() => openDataDirectory(path)).toThrow(expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE" }));
  directory.release();
  openDataDirectory(path).release();
});

it.skipIf(process.platform === "win32")("is for its owner's eyes only", () => {
  const directory = openDataDirectory(join(path, "new"));
  expect(statSync(join(path, "new")).mode & 0o777).toBe(0o700);
  directory.write("secret", "s");
  expect(statSync(join(path, "new", "secret")).mode & 0o777).toBe(0o600);
  directory.release();
});

it("is taken over from an owner that was killed", () => {
  writeFileSync(join(path, "lock"), `${deadPid()}\n`);
  openDataDirectory(path).release();
});

it.runIf(process.platform === "linux")("is taken over when another process has the owner's id by now", () => {
  for (const pid of [process.pid, process.ppid]) {
    writeFileSync(join(path, "lock"), `${pid} of-another-boot/1\n`);
    openDataDirectory(path).release();
    writeFileSync(join(path, "lock"), `${pid}\n`);
    expect(() => openDataDirectory(path)).toThrow(expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE" }));
    rmSync(join(path, "lock"));
  }
  expect(readdirSync(path)).toEqual(["format"]);
});

it("is its owner's under another name too, but a copy of it is nobody's", () => {
  const directory = openDataDirectory(join(path, "original"));
  cpSync(directory.path, join(path, "copy"), { recursive: true });
  const copy = openDataDirectory(join(path, "copy"));
  expect(() => openDataDirectory(join(path, "copy"))).toThrow(
    expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE", details: { pid: process.pid } }),
  );
  renameSync(join(path, "original"), join(path, "renamed"));
  expect(() => openDataDirectory(join(path, "renamed"))).toThrow(
    expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE" }),
  );
  copy.release();
});

it("is refused, and left free, when a newer inkube has written it", () => {
  writeFileSync(join(path, "format"), "999\n");
  expect(() => openDataDirectory(path)).toThrow(/newer inkube \(format 999/);
  expect(existsSync(join(path, "lock"))).toBe(false);
});

it.each(["file", "file/below", "file/far/below"])("is refused where it can't be made, by name: %s", (at) => {
  writeFileSync(join(path, "file"), "");
  expect(() => openDataDirectory(join(path, at))).toThrow(
    expect.objectContaining({
      code: "DATA_DIRECTORY_UNUSABLE",
      message: expect.stringContaining(`can't use ${join(path, at)} as data directory`) as string,
    }),
  );
});

// In a process of its own, which a call that never returns does not outlive.
it.runIf(process.platform === "linux")("is refused at once where nobody can make one, as in /proc", () => {
  const module = new URL("../../../../../runtime/threads/make-directory.ts", import.meta.url);
  const { code } = transformSync(readFileSync(module, "utf8"), { loader: "ts", format: "esm" });
  const program = `${code}\ntry { makeDirectory("/proc/nope/below") } catch (error) { console.log(error.code) }`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 20_000 });
  expect(stdout.toString()).toBe("ENOENT\n");
  expect(() => openDataDirectory("/proc/nope")).toThrow(
    expect.objectContaining({
      code: "DATA_DIRECTORY_UNUSABLE",
      message: expect.stringContaining("/proc/nope") as string,
    }),
  );
});

it("is a temporary one without a path, gone when released, with what killed processes left of theirs", () => {
  const parent = realpathSync(tmpdir());
  const [left, alive, unfinished] = ["aaaaaa", "bbbbbb", "cccccc"].map((suffix) =>
    join(parent, `inkube-cluster-${suffix}`),
  ) as [string, string, string];
  const all = [left, alive, unfinished];
  try {
    for (const directory of all) mkdirSync(directory);
    writeFileSync(join(left, "lock"), `${deadPid()}\n`);
    writeFileSync(join(alive, "lock"), `${process.pid}\n`);
    writeFileSync(join(unfinished, "lock"), "");
    const directory = openDataDirectory(undefined);
    expect(all.map((one) => existsSync(one))).toEqual([false, true, true]);
    expect(directory.durable).toBe(false);
    directory.release();
    expect(existsSync(directory.path)).toBe(false);
  } finally {
    for (const directory of all) rmSync(directory, { recursive: true, force: true });
  }
});
