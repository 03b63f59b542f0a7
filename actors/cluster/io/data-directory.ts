/**
 * The data directory of a cluster: one process at a time, one format. What the actors keep is theirs; here are only the
 * lock, the format's version and the certificates.
 *
 * The lock is a file with the owner's process id. It is taken by creating it exclusively; a lock whose process is gone
 * (SIGKILL leaves it behind) is taken over.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";

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
  /** For secrets: readable by the owner only. */
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
    mkdirSync(full, { recursive: true });
    real = realpathSync(full);
  } catch (error) {
    throw new InkubeError(
      "DATA_DIRECTORY_UNUSABLE",
      `can't use ${full} as data directory: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const lock = join(real, LOCK);
  takeLock(lock, real);
  const directory = directoryAt(real, true, () => rmSync(lock, { force: true }));
  try {
    checkFormat(directory);
  } catch (error) {
    directory.release();
    throw error;
  }
  return directory;
}

function temporaryDirectory(): DataDirectory {
  const parent = realpathSync(tmpdir());
  sweepTemporary(parent);
  const path = mkdtempSync(join(parent, TEMPORARY_PREFIX));
  writeFileSync(join(path, LOCK), `${process.pid}\n`);
  return directoryAt(path, false, () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
}

/** Removes what clusters left behind whose process was killed: a directory of ours whose owner is gone. */
function sweepTemporary(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const path = join(parent, name);
    try {
      const owner = Number(readFileSync(join(path, LOCK), "utf8"));
      if (owner > 0 && !isRunning(owner)) rmSync(path, { recursive: true, force: true });
    } catch {
      // Without a lock it is no cluster's, or one that is being made; another user's is not for us to remove.
    }
  }
}

function directoryAt(path: string, durable: boolean, release: () => void): DataDirectory {
  return {
    path,
    durable,
    read: (name) => {
      try {
        return readFileSync(join(path, name), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: (name, content) => writeFileSync(join(path, name), content, { mode: 0o600 }),
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
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid}\n`, { flag: "wx" });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = Number(readFileSync(lock, "utf8"));
    // Two clusters of one process count as two owners: the second must not take the first one's lock.
    if (isRunning(owner)) {
      throw new InkubeError(
        "DATA_DIRECTORY_IN_USE",
        `${path} is in use by process ${owner}; stop it, or use another directory`,
        {
          details: { pid: owner },
        },
      );
    }
    rmSync(lock, { force: true });
  }
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
