/** A folder of the machine as an actor's disk. `fsync: false` is for clusters whose state need not outlive the process. */
import { close, fdatasync, ftruncate, open, read, write } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join, normalize, sep } from "node:path";
import { promisify } from "node:util";
import { InkubeError } from "../../protocols/errors.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { makeDirectory } from "./make-directory.ts";

const openFile = promisify(open);
const closeFile = promisify(close);
const truncateFile = promisify(ftruncate);
const syncFile = promisify(fdatasync);

export function threadDisk(root: string, options: { readonly fsync: boolean }): Disk {
  let temporary = 0;
  // Beside the directory that holds all actors' directories.
  const register = `${dirname(root)}.registered`;
  const registered = join(register, basename(root));
  const at = (path: string): string => {
    const full = join(root, normalize(path));
    if (full !== root && !full.startsWith(root + sep)) {
      throw new InkubeError("INVALID_ARGUMENT", `${path} is outside of the actor's directory`);
    }
    return full;
  };
  const syncFolder = async (full: string): Promise<void> => {
    if (!options.fsync) return;
    const handle = await guarded(() => fs.open(full, "r"));
    try {
      await guarded(() => handle.sync(), full);
    } finally {
      await handle.close();
    }
  };
  const syncDirectory = (directory: string): Promise<void> => syncFolder(at(directory));
  /** With all above it; the names of those that are new are durable, too. */
  const makeFolder = async (full: string): Promise<void> => {
    for (const made of await guarded(() => makeDirectory(full))) await syncFolder(dirname(made));
  };
  return {
    root,
    syncDirectory,
    isRegistered: () => exists(registered),
    register: async () => {
      if (await exists(registered)) return;
      await makeFolder(register);
      await guarded(() => fs.writeFile(registered, ""));
      await syncFolder(register);
    },
    open: async (path, { create = false } = {}) => {
      const full = at(path);
      if (create) await makeFolder(dirname(full));
      const flags = create ? ((await exists(full)) ? "r+" : "wx+") : "r+";
      const descriptor = await guarded(() => openFile(full, flags));
      const { size } = await guarded(() => fs.stat(full));
      return new ThreadFile(full, descriptor, size, options.fsync);
    },
    read: async (path) => {
      try {
        return await fs.readFile(at(path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw diskError(error);
      }
    },
    replace: async (path, content) => {
      const full = at(path);
      await makeFolder(dirname(full));
      const aside = `${full}.${++temporary}.tmp`;
      try {
        const handle = await guarded(() => fs.open(aside, "w"));
        try {
          await guarded(() => fs.writeFile(handle, content), aside);
          if (options.fsync) await guarded(() => handle.sync(), aside);
        } finally {
          await handle.close();
        }
        await guarded(() => fs.rename(aside, full));
      } catch (error) {
        // Half of a file takes room that may be what is missing.
        await fs.rm(aside, { force: true });
        throw error;
      }
      await syncDirectory(dirname(path));
    },
    list: async (directory) => {
      try {
        return (await fs.readdir(at(directory))).sort();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw diskError(error);
      }
    },
    rename: (from, to) => guarded(() => fs.rename(at(from), at(to))),
    remove: (path) => guarded(() => fs.rm(at(path), { recursive: true, force: true })),
    makeDirectory: (path) => makeFolder(at(path)),
  };
}

class ThreadFile implements DiskFile {
  private readonly path: string;
  private readonly descriptor: number;
  private readonly fsync: boolean;
  private size: number;

  constructor(path: string, descriptor: number, sizeBytes: number, fsync: boolean) {
    this.path = path;
    this.descriptor = descriptor;
    this.size = sizeBytes;
    this.fsync = fsync;
  }

  get sizeBytes(): number {
    return this.size;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(length);
    return new Promise((resolve, reject) => {
      read(this.descriptor, buffer, 0, length, position, (error, count) =>
        error === null ? resolve(buffer.subarray(0, count)) : reject(diskError(error, this.path)),
      );
    });
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    // The kernel may take less than it is given.
    for (let done = 0; done < bytes.length;) {
      done += await this.writeSome(bytes, done, position + done);
    }
    this.size = Math.max(this.size, position + bytes.length);
  }

  private writeSome(bytes: Uint8Array, from: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.descriptor, bytes, from, bytes.length - from, position, (error, count) =>
        error === null ? resolve(count) : reject(diskError(error, this.path)),
      );
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    await guarded(() => truncateFile(this.descriptor, sizeBytes), this.path);
    this.size = sizeBytes;
  }

  async sync(): Promise<void> {
    if (!this.fsync) return;
    try {
      await syncFile(this.descriptor);
    } catch (error) {
      // Whatever the reason, also for want of room: what was written before may be lost.
      throw new InkubeError("DISK_FAILED", saidOf(error, this.path), { cause: error });
    }
  }

  close(): Promise<void> {
    return guarded(() => closeFile(this.descriptor), this.path);
  }
}

async function exists(path: string): Promise<boolean> {
  return fs.access(path).then(
    () => true,
    () => false,
  );
}

/** `path` where the system does not name it: it knows an open file by its number. */
async function guarded<T>(work: () => T | Promise<T>, path?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(error, path);
  }
}

/** DISK_NOT_FOUND, DISK_FULL, DISK_DENIED or DISK_FAILED, with what the system said. */
function diskError(error: unknown, path?: string): InkubeError {
  const { code } = error as NodeJS.ErrnoException;
  const known = { ENOENT: "DISK_NOT_FOUND", ENOSPC: "DISK_FULL", EACCES: "DISK_DENIED", EROFS: "DISK_DENIED" } as const;
  return new InkubeError(known[code as keyof typeof known] ?? "DISK_FAILED", saidOf(error, path), { cause: error });
}

function saidOf(error: unknown, path: string | undefined): string {
  const { message } = error as NodeJS.ErrnoException;
  return path === undefined ? message : `${message} '${path}'`;
}
