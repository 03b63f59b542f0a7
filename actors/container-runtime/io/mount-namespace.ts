/**
 * Mount namespaces for containers, by unshare(1), mount(8) and their like of util-linux. Who is not root gets a user namespace with it, in
 * which it stays who it is: only itself is known there, so programs that change their user (setuid) run as it, and files of others
 * show as nobody's. The right to mount is given up before the container's program starts.
 */
import { execFile } from "node:child_process";
import {
  accessSync,
  constants as access,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Entry, MachineFiles, Made, NamespacePlan, NamespaceWish } from "../core/mount-plan.ts";
import { MACHINE_NAME, fstabLine, planNamespace } from "../core/mount-plan.ts";
import { tarOf } from "../core/tar.ts";
import { SYSTEM_PATH } from "./command.ts";

/** What the tools say goes here; it ends when the program starts. */
export const ENTRY_DESCRIPTOR = 5;
/** The archive comes here: files in its stead would be made and removed on a disk. */
export const ARCHIVE_DESCRIPTOR = 6;
/** In the staging directory. mount(8) takes no pipe. */
const FSTAB = "fstab";
/** A probe takes some 20 ms. */
const PROBE_TIMEOUT_MS = 10_000;

/**
 * `$1`: mount, `$2`: tar or nothing, `$3`: pivot_root, `$4`: the staging directory, `$5`: the new root or nothing, `$6`: the working
 * directory, then the program. All lines by one process: one for each takes milliseconds.
 */
const ENTER =
  `exec 7>&1 8>&2 >&${ENTRY_DESCRIPTOR} 2>&1; fail() { exit 125; }; if [ -n "$2" ]; then ` +
  `"$1" -n -t tmpfs -o mode=755 inkube "$4" && ` +
  `"$2" -x -o -m -p -f - -C "$4" <&${ARCHIVE_DESCRIPTOR} || fail; fi; "$1" -n -a -T "$4/${FSTAB}" || fail; ` +
  `if [ -n "$5" ]; then cd "$5" && "$3" . ${MACHINE_NAME} || fail; fi; cd "$6" || fail; shift 6; ` +
  `exec "$@" >&7 2>&8 3<&- 7>&- 8>&- ${ENTRY_DESCRIPTOR}>&- ${ARCHIVE_DESCRIPTOR}<&-`;
/** `$1`: the working directory, then the command. */
const JOIN = 'cd "$1" && shift && exec "$@"';

interface Tools {
  readonly unshare: string;
  readonly mount: string;
  readonly tar: string;
  readonly pivotRoot: string;
  readonly nsenter: string;
  readonly setpriv: string;
}

/** Where a container's program is to start. */
export interface Namespace {
  /** Whether there is nothing to mount, so that nothing need enter. */
  readonly isEmpty: boolean;
  /** For `ARCHIVE_DESCRIPTOR`. */
  readonly archive: Uint8Array;
  /**
   * The command line that makes the namespace and then becomes `argv`. Descriptor `ENTRY_DESCRIPTOR` tells of failures.
   * @param first what the shell in between is to do before: another shell for it would take a millisecond
   */
  enter(argv: readonly string[], cwd: string, first: string): readonly string[];
  /** The command line that becomes `argv` in the namespace of a process that has entered. */
  join(pid: number, argv: readonly string[], cwd: string): readonly string[];
  /** Mount paths at which nothing is mounted, and why. */
  readonly unmounted: ReadonlyMap<string, string>;
}

export class MountNamespaces {
  private readonly tools: Tools;
  private readonly isRoot: boolean;

  private constructor(tools: Tools, isRoot: boolean) {
    this.tools = tools;
    this.isRoot = isRoot;
  }

  /**
   * Tries it out, in a directory of ours: each step, as this user. Answers why it does not work here, if it does not.
   * Many systems do not let ordinary users make user namespaces, and containers often nobody.
   */
  static async probe(directory: string): Promise<MountNamespaces | string> {
    if (process.platform !== "linux") return "it needs Linux";
    const found = toolsOf();
    if (typeof found === "string") return found;
    const namespaces = new MountNamespaces(found, process.getuid?.() === 0);
    const place = join(directory, ".probe");
    try {
      const volume = join(place, "volume");
      mkdirSync(volume, { recursive: true });
      const mount = { containerPath: "/.inkube-probe/volume", hostPath: volume, readonly: true };
      const staging = join(place, "staging");
      const namespace = namespaces.prepare({ mounts: [mount], staging, needed: [directory] });
      const [reason] = namespace.unmounted.values();
      if (reason !== undefined) return reason;
      const script = `cd ${mount.containerPath} && ! touch file 2>/dev/null`;
      return (await failureOf(namespace.enter(["/bin/sh", "-c", script], "/", ""), namespace.archive)) ?? namespaces;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  /** Makes what the namespace needs. Errors: those of the file system. */
  prepare(wish: NamespaceWish): Namespace {
    mkdirSync(wish.staging, { recursive: true });
    const staging = realpathSync.native(wish.staging);
    const plan = planNamespace({ ...wish, staging }, machineFiles());
    const fstab = plan.lines.map(fstabLine).join("");
    const isInMemory = plan.copies.length > 0;
    for (const made of plan.made) make(made);
    if (!isInMemory && fstab !== "") writeFileSync(join(staging, FSTAB), fstab);
    const { unmounted } = plan;
    return {
      isEmpty: fstab === "",
      unmounted,
      archive: isInMemory ? tarOf([...plan.copies, { kind: "file", path: FSTAB, text: fstab }]) : new Uint8Array(0),
      enter: (argv, cwd, first) => this.enter([...this.shell(plan, staging, cwd, first), ...argv]),
      join: (pid, argv, cwd) => this.join(pid, argv, cwd),
    };
  }

  private enter(command: readonly string[]): readonly string[] {
    const user = this.isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"];
    // As a slave it sees what the machine mounts later, and shows nothing.
    return [this.tools.unshare, ...user, "--mount", "--propagation", "slave", "--", ...command];
  }

  /** What mounts all, and becomes the command that follows. */
  private shell({ newRoot, copies }: NamespacePlan, staging: string, cwd: string, first: string): readonly string[] {
    const { mount, pivotRoot, setpriv } = this.tools;
    const tar = copies.length > 0 ? this.tools.tar : "";
    const drop = this.isRoot ? [] : [setpriv, "--inh-caps=-all", "--ambient-caps=-all", "--"];
    return ["/bin/sh", "-c", first + ENTER, "sh", mount, tar, pivotRoot, staging, newRoot ?? "", cwd, ...drop];
  }

  private join(pid: number, argv: readonly string[], cwd: string): readonly string[] {
    const user = this.isRoot ? [] : ["--user", "--preserve-credentials"];
    return [
      this.tools.nsenter,
      "--target",
      `${pid}`,
      ...user,
      "--mount",
      "--",
      "/bin/sh",
      "-c",
      JOIN,
      "sh",
      cwd,
      ...argv,
    ];
  }
}

function toolsOf(): Tools | string {
  const names = { unshare: "", mount: "", tar: "", pivotRoot: "pivot_root", nsenter: "", setpriv: "" };
  const tools: Record<string, string> = {};
  for (const [key, own] of Object.entries(names)) {
    const name = own === "" ? key : own;
    const path = SYSTEM_PATH.map((directory) => `${directory}/${name}`).find((candidate) => existsSync(candidate));
    if (path === undefined) return `there is no ${name}(8)`;
    tools[key] = path;
  }
  return tools as unknown as Tools;
}

/** What a command line says that fails. */
function failureOf(argv: readonly string[], archive: Uint8Array): Promise<string | undefined> {
  const script = `exec "$@" ${ENTRY_DESCRIPTOR}>&2 ${ARCHIVE_DESCRIPTOR}<&0`;
  return new Promise((resolve) => {
    const child = execFile(
      "/bin/sh",
      ["-c", script, "sh", ...argv],
      { timeout: PROBE_TIMEOUT_MS },
      (error, _stdout, stderr) => {
        resolve(error === null ? undefined : firstLine(stderr) || error.message);
      },
    );
    // It may end before it has read all.
    child.stdin?.on("error", () => undefined).end(archive);
  });
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

/** Links, and files with a text, are made in memory only. */
function make({ kind, path }: Made): void {
  if (kind === "directory") mkdirSync(path, { recursive: true });
  else if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
}

function machineFiles(): MachineFiles {
  const mounts = mountedHere();
  return {
    find: (path) => {
      try {
        const real = realpathSync.native(path);
        return { path: real, isDirectory: statSync(real).isDirectory() };
      } catch {
        return undefined;
      }
    },
    list: (directory) => {
      try {
        accessSync(directory, access.X_OK);
      } catch {
        return [];
      }
      return readdirSync(directory, { withFileTypes: true }).map((entry): Entry => {
        const { name } = entry;
        if (entry.isSymbolicLink()) return { name, kind: "link", target: readlinkSync(join(directory, name)) };
        return { name, kind: entry.isDirectory() ? "directory" : "other" };
      });
    },
    mode: (directory) => statSync(directory).mode & 0o7777,
    flags: (path) => {
      const innermost = mounts.find(({ at }) => at === "/" || path === at || path.startsWith(`${at}/`));
      return innermost?.flags ?? [];
    },
  };
}

/** The mounts of this process, the longest paths and the latest first. @see proc_pid_mountinfo(5) */
function mountedHere(): readonly { readonly at: string; readonly flags: readonly string[] }[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, , , , at, options] = line.split(" ");
      if (at === undefined || options === undefined) return [];
      const flags = options.split(",").filter((flag) => ["nosuid", "nodev", "noexec"].includes(flag));
      const path = at.replaceAll(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
      return [{ at: path, flags }];
    })
    .reverse()
    .sort((one, other) => other.at.length - one.at.length);
}
