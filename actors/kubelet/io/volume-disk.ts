/** Volumes on the disk of the machine, for the programs that run in containers. Nothing is synced: a power cut ends the pods, too. */
import type { Stats } from "node:fs";
import { chmod, chown, lstat, mkdir, readdir, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import { configError } from "../core/sources.ts";
import type { VolumeDisk } from "../kubelet-io.ts";

/** `root`: the directory that paths are below, but those of the machine. */
export function volumeDisk(root: string): VolumeDisk {
  const at = (path: string): string => join(root, path);
  return {
    makeDirectory: (path, mode, group) =>
      told(async () => {
        await mkdir(at(path), { recursive: true });
        await own(at(path), mode, group);
      }),
    write: (path, bytes, mode, group) =>
      told(async () => {
        await mkdir(dirname(at(path)), { recursive: true });
        await writeFile(at(path), bytes);
        await own(at(path), mode, group);
      }),
    link: (target, path) => told(() => symlink(target, at(path))),
    rename: (from, to) => told(() => rename(at(from), at(to))),
    remove: (path) => told(() => rm(at(path), { recursive: true, force: true })),
    list: (path) =>
      told(async () => {
        try {
          return (await readdir(at(path))).sort();
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
          throw error;
        }
      }),
    size: (path) => told(() => sizeOf(at(path))),
    hostPath: (path, type) => told(() => hostPath(path, type)),
    keptDirectory: (path, mode, group) =>
      told(async () => {
        await mkdir(path, { recursive: true });
        await own(path, mode, group);
      }),
    ensureBelow: (directory, path) => told(() => ensureBelow(directory, path)),
  };
}

const BLOCK_BYTES = 512;

/** As `du` counts; what goes meanwhile takes nothing. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path).catch(gone);
  if (stats === undefined) return 0;
  let bytes = stats.blocks * BLOCK_BYTES;
  if (!stats.isDirectory()) return bytes;
  for (const name of (await readdir(path).catch(gone)) ?? []) bytes += await sizeOf(join(path, name));
  return bytes;
}

function gone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

/** Only root can give files to a group that it isn't in; everybody else's containers are of the one user anyway. */
async function own(path: string, mode: number | undefined, group: number | undefined): Promise<void> {
  const user = process.getuid?.();
  if (group !== undefined && user === 0) await chown(path, user, group);
  // After the owner, whose change takes bits away; and not by the call that made it, where the mask would take some.
  if (mode !== undefined) await chmod(path, mode);
}

/** @see the types of HostPathVolumeSource; the words are the kubelet's. */
const TYPES: Readonly<Record<string, readonly [is: (stats: Stats) => boolean, what: string]>> = {
  Directory: [(stats) => stats.isDirectory(), "a directory"],
  DirectoryOrCreate: [(stats) => stats.isDirectory(), "a directory"],
  File: [(stats) => stats.isFile(), "a file"],
  FileOrCreate: [(stats) => stats.isFile(), "a file"],
  Socket: [(stats) => stats.isSocket(), "a socket file"],
  CharDevice: [(stats) => stats.isCharacterDevice(), "a character device"],
  BlockDevice: [(stats) => stats.isBlockDevice(), "a block device"],
};

async function hostPath(path: string, type: string): Promise<void> {
  if (type === "") return;
  const known = TYPES[type];
  if (known === undefined) throw configError(`${type} is an invalid volume type`);
  const found = await statOf(path);
  if (found === undefined && type === "DirectoryOrCreate")
    return void (await mkdir(path, { recursive: true, mode: 0o755 }));
  if (found === undefined && type === "FileOrCreate") return await writeFile(path, "", { flag: "a", mode: 0o644 });
  const [is, what] = known;
  if (found === undefined || !is(found)) throw configError(`hostPath type check failed: ${path} is not ${what}`);
}

/** What is missing is made only once it is known that no link above it leads away. @see kubelet's `subpath.SafeMakeDir` */
async function ensureBelow(directory: string, path: string): Promise<boolean> {
  const root = await realOf(directory);
  if (root === undefined) {
    await mkdir(join(directory, path), { recursive: true });
    return true;
  }
  const names = path.split("/");
  let at = directory;
  for (const name of names) {
    const real = await realOf(join(at, name));
    if (real === undefined) break;
    at = join(at, name);
    if (real !== root && !real.startsWith(root === "/" ? root : `${root}/`)) return false;
  }
  const whole = join(directory, path);
  if (at !== whole) await mkdir(whole, { recursive: true });
  return true;
}

/** Undefined where there is nothing. A link that leads nowhere is something, and can't be looked at. */
async function realOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && (await isLink(path))) throw error;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** A refusal of the operating system costs the pod its step, which is tried again, and not the node its kubelet. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InkubeError) throw error;
    throw new InkubeError("VOLUME_IO", error instanceof Error ? error.message : String(error), { retryable: true });
  }
}
