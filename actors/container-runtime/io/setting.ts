/** What a container's program and its commands run with: environment, directory, mounts. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";
import type { CommandEvents, CommandWish, ContainerSpec, RunningCommand } from "../driver.ts";
import {
  commandFault,
  resolveNode,
  startCommand,
  startFailed,
  TERMINAL_DESCRIPTOR,
  WATCH,
  watched,
} from "./command.ts";
import type { Namespace } from "./mount-namespace.ts";
import { ARCHIVE_DESCRIPTOR, MountNamespaces } from "./mount-namespace.ts";
import { belowRoot, placeInVolume, prepareRoot, workingDirectory } from "./root-directory.ts";
import { Terminals } from "./terminal.ts";

/** Below the root of a container: what its mounts need. It goes with it. */
const STAGING = ".mounts";

export class Settings {
  /** Found out once, by the first container that has anything to mount: or why this machine has none. */
  private namespaces: Promise<MountNamespaces | string> | undefined;

  /**
   * @param ofImage the image's working directory
   * @param needed paths of the machine that are to be seen as they are, besides those of the container
   */
  async of(
    spec: ContainerSpec,
    env: NodeJS.ProcessEnv,
    ofImage: string | undefined,
    needed: readonly string[],
  ): Promise<Setting> {
    const { root, mounts, terminationMessagePath: log = "" } = spec;
    const all = log === "" ? mounts : [...mounts, { containerPath: log, hostPath: join(root, log), readonly: false }];
    mkdirSync(root, { recursive: true });
    if (all.length > 0) this.namespaces ??= MountNamespaces.probe(root);
    const namespaces = (await this.namespaces) ?? "";
    prepareRoot(spec, typeof namespaces === "string");
    const outerCwd = workingDirectory(spec, ofImage);
    const terminals = spec.tty ? await Terminals.here() : undefined;
    if (typeof terminals === "string") throw startFailed(terminals);
    if (typeof namespaces === "string") return new Setting(spec, env, outerCwd, undefined, namespaces, terminals);
    const staging = join(root, STAGING);
    const namespace = namespaces.prepare({ mounts: all, staging, needed: [root, outerCwd, ...needed] });
    if (namespace.unmounted.size > 0) prepareRoot(spec);
    return new Setting(spec, env, outerCwd, namespace, "", terminals);
  }
}

export class Setting {
  readonly env: NodeJS.ProcessEnv;
  /** On the machine: of what makes the namespace. */
  readonly outerCwd: string;
  readonly unmounted: Readonly<Record<string, string>>;
  /** Of a container that has a terminal of its own. */
  readonly terminals: Terminals | undefined;
  private readonly namespace: Namespace | undefined;
  /** What is not really mounted: paths to it are replaced. */
  private readonly replaced: ContainerSpec;
  private readonly mounted: ContainerSpec["mounts"];
  private readonly cwd: string;

  /** `reason`: why nothing is mounted, where there is no namespace. */
  constructor(
    spec: ContainerSpec,
    env: NodeJS.ProcessEnv,
    outerCwd: string,
    namespace: Namespace | undefined,
    reason: string,
    terminals: Terminals | undefined,
  ) {
    const isMounted = (path: string): boolean => namespace !== undefined && !namespace.unmounted.has(path);
    const mounts = spec.mounts.filter(({ containerPath }) => !isMounted(containerPath));
    const real = spec.mounts.filter(({ containerPath }) => isMounted(containerPath));
    const { terminationMessagePath: log, workingDir } = spec;
    this.terminals = terminals;
    this.mounted = real;
    this.namespace = namespace?.isEmpty === true ? undefined : namespace;
    this.outerCwd = outerCwd;
    this.cwd = workingDir !== undefined && placeInVolume(workingDir, real) !== undefined ? workingDir : outerCwd;
    this.replaced = { ...spec, mounts, terminationMessagePath: isMounted(log ?? "") ? undefined : log };
    this.env = { ...env };
    if (real.length > 0) delete this.env[CONTAINER_ENVIRONMENT.mounts];
    if (real.length > 0 && mounts.length > 0) {
      this.env[CONTAINER_ENVIRONMENT.mounts] = JSON.stringify(mounts.map(({ containerPath }) => containerPath));
    }
    this.unmounted = Object.fromEntries(
      mounts.map(({ containerPath: path }) => [path, namespace?.unmounted.get(path) ?? reason]),
    );
  }

  /** Descriptors of what makes the namespace. */
  get entry(): readonly ("pipe" | "ignore")[] {
    if (this.namespace === undefined) return ["ignore", "ignore"];
    return ["pipe", this.namespace.archive !== undefined ? "pipe" : "ignore"];
  }

  feed(child: ChildProcess): void {
    const archive = (child.stdio as readonly unknown[])[ARCHIVE_DESCRIPTOR] as Writable | null;
    // It may end before it has read all.
    archive?.on("error", () => undefined).end(this.namespace?.archive?.());
  }

  /** What becomes a container's program, and watches it. Errors: a message, when there is no such program. */
  commandLine(command: readonly string[]): readonly string[] {
    const argv = this.checked(command);
    const { SHELL: shell } = this.env;
    const line = this.terminals?.wrap(argv, TERMINAL_DESCRIPTOR, true, shell) ?? argv;
    return this.namespace?.enter(line, this.cwd, WATCH) ?? watched(line);
  }

  /** Errors: a message, when there is no such program. */
  private checked(command: readonly string[]): readonly string[] {
    const argv = command.map((argument) => belowRoot(argument, this.replaced));
    const placeOf = (path: string): string => placeInVolume(path, this.mounted) ?? path;
    const fault = commandFault(argv[0] ?? "", this.cwd, this.env["PATH"] ?? "", placeOf);
    if (fault !== undefined) throw new Error(fault);
    return argv;
  }

  /**
   * Runs a command beside the program.
   * @param pid of a process that is in the container's namespace; undefined: there is none, and the command gets one like it
   * Errors: CONTAINER_START_FAILED
   */
  async open(wish: CommandWish, events: CommandEvents, pid: number | undefined): Promise<RunningCommand> {
    const { namespace } = this;
    let argv: readonly string[];
    try {
      argv = this.checked(wish.command.map(resolveNode));
    } catch (error) {
      throw startFailed(error instanceof Error ? error.message : String(error));
    }
    const terminals = wish.tty ? await Terminals.here() : undefined;
    if (typeof terminals === "string") throw startFailed(terminals);
    const line = terminals?.wrap(argv, TERMINAL_DESCRIPTOR, false, this.env["SHELL"]) ?? argv;
    const env = {
      ...(wish.tty ? { TERM: "xterm" } : {}),
      ...this.env,
      NODE_OPTIONS: undefined,
      [CONTAINER_ENVIRONMENT.ports]: undefined,
    };
    if (namespace !== undefined && pid === undefined) {
      const { entry, outerCwd: cwd } = this;
      const setting = { cwd, env, entry, feed: (child: ChildProcess): void => this.feed(child) };
      return await startCommand(namespace.enter(line, this.cwd, WATCH), setting, wish, events);
    }
    const [joined, cwd] =
      namespace === undefined || pid === undefined ? [line, this.outerCwd] : [namespace.join(pid, line, this.cwd), "/"];
    const setting = { cwd, env, entry: ["ignore", "ignore"] as const, feed: () => undefined };
    return await startCommand(watched(joined), setting, wish, events);
  }
}
