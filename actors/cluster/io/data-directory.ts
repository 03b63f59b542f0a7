/**
 * The data directory of a cluster: one process at a time, one format. What the actors keep is theirs; here are only the
 * lock, the format's version and the certificates.
 *
 * The lock is a file that names the owner's process, when that began, and the directory that it holds. It is taken by linking
 * it into place; a lock whose process is gone (SIGKILL leaves it behind), or that was copied along from another directory, is
 * taken over.
 */
import { randomBytes } from "node:crypto";
import {
  linkSync,
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
import { join, resolve } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import { makeDirectory } from "../../../runtime/threads/make-directory.ts";

/** Raised when an older inkube could not read what this one writes. */
export const DATA_FORMAT = 1;

const LOCK = "lock";
const TEMPORARY_PREFIX = "inkube-cluster-";
const TEMPORARY_NAME = /^inkube-cluster-[A-Za-z0-9]{6}$/;

export interface DataDirectory {
  readonly path: string;
  /** Whether it outlives the process. */
  readonly durable: boolean;
  read(name: string): string | undefined;
  /** For secrets: readable by the owner only. Errors: DATA_DIRECTORY_UNUSABLE. */
  write(name: string, content: string): void;
  /** Gives the directory back; a temporary one is removed. */
  release(): void;
}

/** Errors: DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_NEWER, DATA_DIRECTORY_UNUSABLE. */
export function openDataDirectory(path: string | undefined): DataDirectory {
  if (path === undefined) return temporaryDirectory();
  const full = resolve(path);
  let real: string;
  try {
    // The Secrets of the cluster lie there.
    makeDirectory(full, { mode: 0o700 });
    real = realpathSync(full);
  } catch (error) {
    throw unusable(full, error);
  }
  const lock = join(real, LOCK);
  try {
    takeLock(lock, real);
  } catch (error) {
    if (error instanceof InkubeError) throw error;
    throw unusable(full, error);
  }
  const directory = directoryAt(real, true, () => rmSync(lock, { force: true }));
  try {
    checkFormat(directory);
  } catch (error) {
    directory.release();
    throw error;
  }
  return directory;
}

function unusable(path: string, error: unknown): InkubeError {
  const { message } = error as Error;
  return new InkubeError("DATA_DIRECTORY_UNUSABLE", `can't use ${path} as data directory: ${message}`, {
    cause: error,
  });
}

function temporaryDirectory(): DataDirectory {
  const parent = realpathSync(tmpdir());
  sweepTemporary(parent);
  const path = mkdtempSync(join(parent, TEMPORARY_PREFIX));
  writeFileSync(join(path, LOCK), ownerLine(path));
  return directoryAt(path, false, () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
}

/** Removes what clusters left behind whose process was killed: a directory of ours whose owner is gone. */
function sweepTemporary(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const path = join(parent, name);
    try {
      const content = readFileSync(join(path, LOCK), "utf8");
      if (content !== "" && !ownerLives(content)) rmSync(path, { recursive: true, force: true });
    } catch {
      // Without a lock it is no cluster's, or one that is being made; another user's is not for us to remove.
    }
  }
}

function directoryAt(path: string, durable: boolean, release: () => void): DataDirectory {
  return {
    path,
    durable,
    read: (name) => readIfThere(join(path, name)),
    write: (name, content) => {
      // Never half of it, whenever the process or the machine ends.
      const aside = join(path, `${name}.new`);
      try {
        writeFileSync(aside, content, { mode: 0o600, flush: durable });
        renameSync(aside, join(path, name));
      } catch (error) {
        throw unusable(path, error);
      }
    },
    release,
  };
}

function checkFormat(directory: DataDirectory): void {
  const written = directory.read("format");
  if (written === undefined) return directory.write("format", `${DATA_FORMAT}\n`);
  const format = Number(written);
  if (format === DATA_FORMAT) return;
  throw new InkubeError(
    "DATA_DIRECTORY_NEWER",
    `${directory.path} was written by a newer inkube (format ${written.trim()}, this one knows ${DATA_FORMAT}); use that version, or another directory`,
  );
}

function takeLock(lock: string, path: string): void {
  const own = `${lock}.${randomBytes(6).toString("hex")}`;
  // Made before the directory is asked who it is: one of an overlay's lower layer may be another once it is written to.
  writeFileSync(own, "");
  writeFileSync(own, ownerLine(path));
  try {
    // A link appears with its content, so nobody reads a lock that is not written yet.
    while (!tryLink(own, lock)) {
      const content = readIfThere(lock);
      if (content === undefined) continue;
      if (ownerLives(content) && isOf(path, content)) {
        const owner = Number.parseInt(content, 10);
        throw new InkubeError(
          "DATA_DIRECTORY_IN_USE",
          `${path} is in use by process ${owner}; stop it, or use another directory`,
          { details: { pid: owner } },
        );
      }
      discard(lock, content);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a lock whose owner is gone, but not one that somebody else has put in its place meanwhile. */
function discard(lock: string, content: string): void {
  const aside = `${lock}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readFileSync(aside, "utf8") !== content) tryLink(aside, lock);
  rmSync(aside);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function ownerLine(path: string): string {
  return `${process.pid} ${startOf(process.pid)} ${identityOf(path)}\n`;
}

/** Whether a lock was taken for this directory. One of an older inkube does not say, and may have been. */
function isOf(path: string, line: string): boolean {
  const [, , directory = ""] = line.trim().split(" ", 3);
  return directory === "" || directory === identityOf(path);
}

/** What a renamed directory keeps and a copied one does not have. */
function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** Process ids come again, after a boot or in a new container even at once: the same id is another process then. */
function ownerLives(line: string): boolean {
  const [pid, start = ""] = line.trim().split(" ", 2);
  const owner = Number(pid);
  return isRunning(owner) && (start === "" || start === startOf(owner));
}

/** When a process began, with the boot that it is of; empty where the platform does not tell. Source: proc(5). */
function startOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const boot = readIfThere("/proc/sys/kernel/random/boot_id");
  if (stat === undefined || boot === undefined) return "";
  // The second field is the program's name in parentheses, whatever is in it; the 22nd is the start.
  const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return `${boot.trim()}/${start}`;
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
