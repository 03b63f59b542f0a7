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
import { COVERS_NAME, MACHINE_NAME, fstabLine, planNamespace } from "../core/mount-plan.ts";
import { tarOf } from "../core/tar.ts";
import { SYSTEM_PATH } from "./command.ts";

/** What the tools say goes here; it ends when the program starts. */
export const ENTRY_DESCRIPTOR = 5;
/** In the staging directory. */
const FSTAB = "fstab";
const ARCHIVE = "covers.tar";
/** A probe takes some 20 ms. */
const PROBE_TIMEOUT_MS = 10_000;

/**
 * `$1`: mount, `$2`: tar, `$3`: pivot_root, `$4`: the staging directory, `$5`: the new root or nothing, `$6`: the working directory, then
 * the program. All lines by one process: one for each takes milliseconds.
 */
const ENTER =
  `exec 6>&1 7>&2 >&${ENTRY_DESCRIPTOR} 2>&1; fail() { exit 125; }; if [ -s "$4/${ARCHIVE}" ]; then ` +
  `"$1" -n -t tmpfs -o mode=755 inkube "$4/${COVERS_NAME}" && ` +
  `"$2" -x -o -p -f "$4/${ARCHIVE}" -C "$4/${COVERS_NAME}" || fail; fi; "$1" -n -a -T "$4/${FSTAB}" || fail; ` +
  `if [ -n "$5" ]; then cd "$5" && "$3" . ${MACHINE_NAME} || fail; fi; cd "$6" || fail; shift 6; ` +
  `exec "$@" >&6 2>&7 6>&- 7>&- ${ENTRY_DESCRIPTOR}>&-`;
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
  /** The command line that makes the namespace and then becomes `argv`. Descriptor `ENTRY_DESCRIPTOR` tells of failures. */
  enter(argv: readonly string[], cwd: string): readonly string[];
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
      return (await failureOf(namespace.enter(["/bin/sh", "-c", script], "/"))) ?? namespaces;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  /** Makes what the namespace needs. Errors: those of the file system. */
  prepare(wish: NamespaceWish): Namespace {
    mkdirSync(join(wish.staging, COVERS_NAME), { recursive: true });
    const staging = realpathSync.native(wish.staging);
    const plan = planNamespace({ ...wish, staging }, machineFiles());
    for (const made of plan.made) make(made);
    writeFileSync(join(staging, FSTAB), plan.lines.map(fstabLine).join(""));
    writeFileSync(join(staging, ARCHIVE), plan.copies.length === 0 ? "" : tarOf(plan.copies));
    const { unmounted } = plan;
    return {
      isEmpty: plan.lines.length === 0,
      unmounted,
      enter: (argv, cwd) => this.enter(plan, staging, argv, cwd),
      join: (pid, argv, cwd) => this.join(pid, argv, cwd),
    };
  }

  private enter({ newRoot }: NamespacePlan, staging: string, argv: readonly string[], cwd: string): readonly string[] {
    const { unshare, mount, tar, pivotRoot, setpriv } = this.tools;
    const user = this.isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"];
    const drop = this.isRoot ? [] : [setpriv, "--inh-caps=-all", "--ambient-caps=-all", "--"];
    const script = ["/bin/sh", "-c", ENTER, "sh", mount, tar, pivotRoot, staging, newRoot ?? "", cwd];
    // As a slave it sees what the machine mounts later, and shows nothing.
    return [unshare, ...user, "--mount", "--propagation", "slave", "--", ...script, ...drop, ...argv];
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
function failureOf(argv: readonly string[]): Promise<string | undefined> {
  const script = `exec "$@" ${ENTRY_DESCRIPTOR}>&2`;
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", script, "sh", ...argv], { timeout: PROBE_TIMEOUT_MS }, (error, _stdout, stderr) => {
      resolve(error === null ? undefined : firstLine(stderr) || error.message);
    });
  });
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

/** Links are made in memory only. */
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
