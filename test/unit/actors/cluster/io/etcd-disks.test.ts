import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkEtcdDisks } from "../../../../../actors/cluster/io/etcd-disks.ts";
import { threadDisk } from "../../../../../runtime/threads/thread-disk.ts";

describe("the disks of the etcd members", () => {
  const members = ["etcd-0", "etcd-1", "etcd-2"];
  let actors: string;
  beforeEach(() => void (actors = join(mkdtempSync(join(tmpdir(), "inkube-test-")), "actors")));
  afterEach(() => rmSync(join(actors, ".."), { recursive: true }));
  const use = async (name: string): Promise<void> => {
    mkdirSync(join(actors, name, "wal"), { recursive: true });
    writeFileSync(join(actors, name, "wal", "0.wal"), "x");
    await threadDisk(join(actors, name), { fsync: false }).register();
  };
  const lose = (name: string): void => rmSync(join(actors, name), { recursive: true });

  it("may be new, all there, or a minority's may be lost", async () => {
    checkEtcdDisks(actors, members);
    for (const name of members) await use(name);
    checkEtcdDisks(actors, members);
    lose("etcd-1");
    checkEtcdDisks(actors, members);
  });

  it("are refused by name and path, with what to do, when a majority's are lost", async () => {
    for (const name of members) await use(name);
    lose("etcd-1");
    lose("etcd-2");
    mkdirSync(join(actors, "etcd-2", "wal"), { recursive: true });
    const where = `etcd-1 (${join(actors, "etcd-1")}) and etcd-2 (${join(actors, "etcd-2")})`;
    expect(() => checkEtcdDisks(actors, members)).toThrow(`the disk of ${where} was lost`);
    rmSync(actors, { recursive: true });
    expect(() => checkEtcdDisks(actors, members)).toThrow("remove the data directory");
  });

  it("are refused when the only one is lost", async () => {
    await use("etcd-0");
    lose("etcd-0");
    expect(() => checkEtcdDisks(actors, ["etcd-0"])).toThrow("etcd-0");
  });
});
