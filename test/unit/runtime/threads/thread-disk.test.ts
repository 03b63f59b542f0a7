import type * as fsModule from "node:fs";
import type * as fsPromises from "node:fs/promises";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Disk } from "../../../../runtime/disk.ts";
import { threadDisk } from "../../../../runtime/threads/thread-disk.ts";

/** What was asked of the system, in order, and what it is to answer instead of doing it. */
const system = vi.hoisted(() => ({
  calls: [] as string[],
  failing: new Map<string, string>(),
  /** Syncs end when this is resolved. */
  gate: undefined as Promise<void> | undefined,
}));

function failureOf(call: string): Error | null {
  const code = system.failing.get(call);
  return code === undefined ? null : Object.assign(new Error(`${code}: it failed, ${call}`), { code });
}

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof fsModule>();
  type Done = (error: Error | null, count?: number) => void;
  const write = (...all: unknown[]): void => {
    system.calls.push("write");
    const failure = failureOf("write");
    if (failure !== null) (all[all.length - 1] as Done)(failure, 0);
    else (fs.write as (...of: unknown[]) => void)(...all);
  };
  const fdatasync = (fd: number, done: Done): void => {
    const failure = failureOf("fdatasync");
    if (failure !== null) return done(failure);
    const go = async (): Promise<void> => {
      await system.gate;
      fs.fdatasync(fd, (error) => {
        system.calls.push("fdatasync");
        done(error);
      });
    };
    void go();
  };
  return { ...fs, write, fdatasync };
});
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof fsPromises>();
  const paths = new Map<fsPromises.FileHandle, string>();
  return {
    ...fs,
    open: async (path: string, flags: string) => {
      const handle = await fs.open(path, flags);
      paths.set(handle, path);
      const sync = handle.sync.bind(handle);
      return Object.assign(handle, {
        sync: async () => {
          await sync();
          system.calls.push(`fsync ${basename(path)}`);
        },
      });
    },
    writeFile: async (...[file, content]: Parameters<typeof fs.writeFile>) => {
      const failure = failureOf("writeFile");
      if (failure !== null) throw failure;
      await fs.writeFile(file, content);
      system.calls.push(`write ${basename(paths.get(file as fsPromises.FileHandle) ?? "a path")}`);
    },
    rename: async (from: string, to: string) => {
      await fs.rename(from, to);
      system.calls.push(`rename ${basename(from)} ${basename(to)}`);
    },
  };
});

let root: string;
let disk: Disk;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "inkube-test-disk-"));
  disk = threadDisk(root, { fsync: true });
  system.calls.length = 0;
});
afterEach(() => {
  system.failing.clear();
  system.gate = undefined;
  rmSync(root, { recursive: true, force: true });
});

describe("the disk of a thread", () => {
  it("has said that a file is synced when the system has", async () => {
    let open = (): void => undefined;
    system.gate = new Promise<void>((resolve) => void (open = resolve));
    const file = await disk.open("1", { create: true });
    await file.write(0, bytes("x"));
    let synced = false;
    const done = file.sync().then(() => void (synced = true));
    await disk.list("");
    expect(synced).toBe(false);
    open();
    await done;
    expect(system.calls).toEqual(["write", "fdatasync"]);
    await file.close();
  });

  it("replaces a file by one that was synced under another name, and syncs the directory then", async () => {
    await disk.replace("wal/1", bytes("old"));
    system.calls.length = 0;
    await disk.replace("wal/1", bytes("new"));
    const aside = system.calls[0]!.split(" ")[1]!;
    expect(system.calls).toEqual([`write ${aside}`, `fsync ${aside}`, `rename ${aside} 1`, "fsync wal"]);
    expect(readFileSync(join(root, "wal/1"), "utf8")).toBe("new");
  });

  it("replaces a file by pieces, none of which it looks at once it has taken the next", async () => {
    const buffer = new Uint8Array(1_000);
    let taken = 0;
    const pieces = function* (): Generator<Uint8Array> {
      for (; taken < 300; taken++) yield buffer.subarray(0, taken).fill(taken);
    };
    await disk.replace("snap/1", pieces());
    const expected = Array.from({ length: 300 }, (_, length) => Buffer.alloc(length, length));
    expect(readFileSync(join(root, "snap/1")).equals(Buffer.concat(expected))).toBe(true);
  });

  it("syncs a directory when it is asked to", async () => {
    await disk.replace("wal/1", bytes("x"));
    system.calls.length = 0;
    await disk.syncDirectory("wal");
    expect(system.calls).toEqual(["fsync wal"]);
  });

  it("syncs the names of the directories that it makes on the way", async () => {
    await disk.makeDirectory("a/b");
    expect(system.calls).toEqual([`fsync ${basename(root)}`, "fsync a"]);
    system.calls.length = 0;
    await disk.makeDirectory("a/b");
    expect(system.calls).toEqual([]);
  });

  it("syncs nothing where nothing is to outlive the process", async () => {
    disk = threadDisk(root, { fsync: false });
    await disk.replace("wal/1", bytes("x"));
    await disk.syncDirectory("wal");
    const file = await disk.open("wal/1");
    await file.sync();
    await file.close();
    expect(system.calls.filter((call) => call.includes("sync"))).toEqual([]);
  });

  it("says what the system said and of which file", async () => {
    const file = await disk.open("wal/1", { create: true });
    const path = join(root, "wal/1");
    system.failing.set("write", "ENOSPC");
    await expect(file.write(0, bytes("x"))).rejects.toMatchObject({
      code: "DISK_FULL",
      message: `ENOSPC: it failed, write '${path}'`,
    });
    await file.close();
  });

  it.each(["EIO", "ENOSPC"])("has failed for good when a sync has failed with %s", async (code) => {
    const file = await disk.open("wal/1", { create: true });
    system.failing.set("fdatasync", code);
    await expect(file.sync()).rejects.toMatchObject({
      code: "DISK_FAILED",
      message: `${code}: it failed, fdatasync '${join(root, "wal/1")}'`,
    });
    await file.close();
  });

  it("leaves the old file and nothing beside it when there is no room for the new one", async () => {
    await disk.replace("wal/1", bytes("old"));
    system.failing.set("writeFile", "ENOSPC");
    await expect(disk.replace("wal/1", bytes("new"))).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(readdirSync(join(root, "wal"))).toEqual(["1"]);
    expect(readFileSync(join(root, "wal/1"), "utf8")).toBe("old");
  });
});

describe("the register of a disk", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-test-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it("outlives the directory, and that of all actors' directories", async () => {
    const home = join(directory, "actors", "a");
    const one = threadDisk(home, { fsync: true });
    expect(await one.isRegistered()).toBe(false);
    await one.replace("x", new Uint8Array(1));
    await one.register();
    await one.register();
    rmSync(join(directory, "actors"), { recursive: true });
    expect(await threadDisk(home, { fsync: true }).isRegistered()).toBe(true);
    expect(await threadDisk(join(directory, "actors", "b"), { fsync: true }).isRegistered()).toBe(false);
    expect(readdirSync(directory)).toEqual(["actors.registered"]);
  });
});
