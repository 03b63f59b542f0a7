import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tarOf } from "../../../../../actors/container-runtime/core/tar.ts";

it("tar(1) makes of it the directories, links and files that were given, however long their names", () => {
  const directory = mkdtempSync(join(tmpdir(), "inkube-tar-"));
  try {
    const long = "ä".repeat(90);
    const archive = tarOf([
      { kind: "directory", path: "a", mode: 0o1777 },
      { kind: "directory", path: `a/${long}` },
      { kind: "file", path: `a/${long}/${long}` },
      { kind: "file", path: "made/on the way/file" },
      { kind: "file", path: "text", text: `${long}\n`.repeat(7) },
      { kind: "link", path: "a/link", target: "../b" },
      { kind: "link", path: `a/${long}/link`, target: `${long}/${long}` },
    ]);
    execFileSync("tar", ["-x", "-o", "-m", "-p", "-f", "-"], { cwd: directory, input: archive });
    expect(statSync(join(directory, "a")).mode & 0o7777).toBe(0o1777);
    expect(lstatSync(join(directory, "a", long, long)).isFile()).toBe(true);
    expect(lstatSync(join(directory, "made/on the way/file")).size).toBe(0);
    expect(readFileSync(join(directory, "text"), "utf8")).toBe(`${long}\n`.repeat(7));
    expect(readlinkSync(join(directory, "a/link"))).toBe("../b");
    expect(readlinkSync(join(directory, "a", long, "link"))).toBe(`${long}/${long}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it("is whole blocks, each header with the sum of its bytes", () => {
  const archive = tarOf([{ kind: "directory", path: "a" }]);
  expect(archive.length).toBe(3 * 512);
  const header = archive.slice(0, 512);
  const told = Number.parseInt(new TextDecoder().decode(header.slice(148, 154)), 8);
  header.fill(32, 148, 156);
  expect(header.reduce((sum, byte) => sum + byte, 0)).toBe(told);
});
