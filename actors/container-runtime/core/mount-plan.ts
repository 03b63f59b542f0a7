/**
 * How a container's volumes get to their mount paths in a mount namespace of its own, as lines of an fstab. Nothing is made on the
 * machine's own file system: a directory in which a mount path is missing is covered by a copy of its top level, in which directories
 * are bound, links are copied, and other files are links to the machine's own.
 * @see fstab(5), mount(8), user_namespaces(7), pivot_root(2)
 */
import type { Mount } from "../../../protocols/container-runtime.ts";

export interface Entry {
  readonly name: string;
  readonly kind: "directory" | "link" | "other";
  /** What a link says. */
  readonly target?: string;
}

/** The machine as the planner asks for it. */
export interface MachineFiles {
  /** What is there, its links followed; undefined when nothing is. */
  find(path: string): { readonly path: string; readonly isDirectory: boolean } | undefined;
  /** Of a directory by its real path; empty when it can't be searched at all. Errors: a message, when its names can't be read. */
  list(directory: string): readonly Entry[];
  /** Permission bits of a directory. */
  mode(directory: string): number;
  /** Of `nosuid`, `nodev`, `noexec`, those that hold at a real path: who is not root can't take them away. */
  flags(path: string): readonly string[];
}

/** To be made in this order, with what is above it. Directories that are there stay as they are, like files. */
export type Made =
  | { readonly kind: "directory"; readonly path: string; readonly mode?: number }
  | { readonly kind: "file"; readonly path: string; readonly text?: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

interface Line {
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

export interface NamespacePlan {
  /** Made in the namespace, in which the staging directory is in memory. Paths are relative to that. */
  readonly copies: readonly Made[];
  /** Made on disk before, in volumes. Paths are absolute. */
  readonly made: readonly Made[];
  readonly lines: readonly Line[];
  /** What becomes `/` after that. The machine's own root goes to `..machine` in it. */
  readonly newRoot: string | undefined;
  /** Mount paths at which nothing is mounted, and why. */
  readonly unmounted: ReadonlyMap<string, string>;
}

export interface NamespaceWish {
  readonly mounts: readonly Mount[];
  /** A directory of ours by its real path, for what is made on the way. */
  readonly staging: string;
  /** Files and directories that the container runs with: what is mounted above them must not hide them. */
  readonly needed: readonly string[];
}

/** In a covered directory: the machine's own one. */
export const MACHINE_NAME = "..machine";
/** Directories of one that is covered: each is a mount. */
const DIRECTORIES_MAX = 1_000;
/** Programs look at these without following links. */
const DEVICES: readonly string[] = ["null", "zero", "full", "random", "urandom", "tty"];

interface Placed {
  /** Normalized; of the pod's spec. */
  readonly path: string;
  /** Where it is mounted: its links followed. */
  readonly target: string;
  /** Real. */
  readonly source: string;
}

/** A directory of the machine that is covered by a copy of its top level. */
interface Cover {
  /** Of the copy, among the others. */
  readonly name: string;
  /** Names at the top that are the container's own. */
  readonly own: Set<string>;
  readonly made: Made[];
}

type Found = NonNullable<ReturnType<MachineFiles["find"]>>;
type WishedMount = Mount & { readonly path: string };

export function planNamespace(wish: NamespaceWish, machine: MachineFiles): NamespacePlan {
  return new Planner(wish, machine).plan();
}

class Planner {
  private readonly wish: NamespaceWish;
  private readonly machine: MachineFiles;
  private readonly covers = new Map<string, Cover>();
  private readonly copies: Made[] = [];
  private readonly made: Made[] = [];
  private readonly placed: Placed[] = [];
  /** Targets as the container sees them, but those in the staging directory. */
  private readonly lines: Line[] = [];
  private readonly unmounted = new Map<string, string>();
  private readonly needed: readonly string[];

  constructor(wish: NamespaceWish, machine: MachineFiles) {
    this.wish = wish;
    this.machine = machine;
    this.needed = [...wish.needed, ...wish.mounts.map(({ hostPath }) => hostPath)].flatMap((path) => {
      const real = machine.find(path)?.path;
      return real === undefined ? [] : [real];
    });
  }

  plan(): NamespacePlan {
    const mounts = this.wish.mounts
      .map((mount) => ({ ...mount, path: normalized(mount.containerPath) }))
      .sort((one, other) => (one.path < other.path ? -1 : 1));
    for (const mount of mounts) {
      const fault = this.place(mount);
      if (fault !== undefined) this.unmounted.set(mount.containerPath, fault);
    }
    const root = this.covers.get("/");
    const newRoot = root === undefined ? undefined : this.copyOf(root);
    const outerFirst = [...this.covers].sort(([one], [other]) => (one < other ? -1 : 1));
    const covering = outerFirst.flatMap(([directory, cover]) => this.cover(directory, cover));
    const { staging } = this.wish;
    const lines = [...covering, ...this.lines].map((line) =>
      newRoot === undefined || isBelow(line.target, staging) ? line : { ...line, target: newRoot + line.target },
    );
    return { copies: this.copies, made: this.made, lines, newRoot, unmounted: this.unmounted };
  }

  private copyOf({ name }: Cover): string {
    return `${this.wish.staging}/${name}`;
  }

  /** Answers why it can't be, if it can't. */
  private place(mount: WishedMount): string | undefined {
    const { path } = mount;
    if (path === "/") return "a volume can't be mounted on / itself";
    const source = this.machine.find(mount.hostPath);
    if (source === undefined) return `there is no ${mount.hostPath} on this machine`;
    const outer = this.placed.findLast((other) => isBelow(path, other.path));
    if (outer !== undefined) {
      this.placeInside(outer, mount, source);
      return undefined;
    }
    const { directory, rest, found } = this.locate(path);
    if (isBelow(directory, "/proc") || isBelow(path, "/proc")) return "nothing can be mounted in /proc";
    if (found !== undefined && found.isDirectory === source.isDirectory) {
      return this.placeOn(found.path, mount, source);
    }
    const own = rest[0] ?? "";
    const fault = this.coverFault(directory, own);
    if (fault !== undefined) return fault;
    const cover = this.coverOf(directory);
    cover.own.add(own);
    cover.made.push(placeFor(source, `${cover.name}/${rest.join("/")}`));
    this.put({ path, target: join(directory, rest.join("/")), source: source.path }, mount.readonly);
    return undefined;
  }

  /** In another volume: the place for it is made there, as container runtimes do. */
  private placeInside(outer: Placed, { path, readonly }: WishedMount, source: Found): void {
    const below = path.slice(outer.path.length);
    const place = `${outer.source}${below}`;
    if (this.machine.find(place)?.path === source.path) return;
    this.made.push(placeFor(source, place));
    this.put({ path, target: `${outer.target}${below}`, source: source.path }, readonly);
  }

  /** On what the machine has there. What is needed below it is bound into the volume before. */
  private placeOn(target: string, { path, readonly }: WishedMount, source: Found): string | undefined {
    const placed = { path, target, source: source.path };
    const below = this.needed.filter((need) => {
      const there = `${source.path}${need.slice(target.length)}`;
      return need !== target && isBelow(need, target) && this.machine.find(there)?.path !== need;
    });
    const hidden = outermost(below);
    if (hidden.length === 0) {
      this.put(placed, readonly);
      return undefined;
    }
    if (readonly || !source.isDirectory) return hides(hidden[0] ?? "");
    const name = `volume-${this.placed.length}`;
    const stage = `${this.wish.staging}/${name}`;
    this.copies.push({ kind: "directory", path: name });
    this.lines.push({ source: source.path, target: stage, options: ["rbind"] });
    for (const need of hidden) {
      const rest = need.slice(target.length);
      const found = this.machine.find(need);
      if (found !== undefined) this.made.push(placeFor(found, `${source.path}${rest}`));
      this.lines.push({ source: need, target: `${stage}${rest}`, options: ["rbind"] });
    }
    this.lines.push({ source: stage, target, options: ["rbind"] });
    this.placed.push(placed);
    return undefined;
  }

  private put(placed: Placed, isReadonly: boolean): void {
    const { target, source } = placed;
    this.placed.push(placed);
    const options = isReadonly ? ["rbind", "ro", ...this.machine.flags(source)] : ["rbind"];
    this.lines.push({ source, target, options });
  }

  /** The innermost directory that there is above a path, what is missing below it, and what is at the path if it is there. */
  private locate(path: string): {
    readonly directory: string;
    readonly rest: readonly string[];
    readonly found: Found | undefined;
  } {
    const names = path.slice(1).split("/");
    let directory = "/";
    for (const [index, name] of names.entries()) {
      const found = this.machine.find(join(directory, name));
      const rest = names.slice(index);
      if (rest.length === 1 || found?.isDirectory !== true) {
        return { directory, rest, found: rest.length === 1 ? found : undefined };
      }
      directory = found.path;
    }
    throw new Error("a mount path without names");
  }

  /** Why a directory can't be covered so that it has `own` of its own. */
  private coverFault(directory: string, own: string): string | undefined {
    const hidden = this.needed.find((need) => isBelow(need, join(directory, own)));
    if (hidden !== undefined) return hides(hidden);
    try {
      const count = this.machine.list(directory).filter(({ kind }) => kind === "directory").length;
      return count > DIRECTORIES_MAX ? `${directory} has more than ${DIRECTORIES_MAX} directories` : undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private coverOf(directory: string): Cover {
    const known = this.covers.get(directory);
    if (known !== undefined) return known;
    const cover = { name: `${this.covers.size}`, own: new Set<string>(), made: [] };
    this.covers.set(directory, cover);
    return cover;
  }

  private cover(directory: string, cover: Cover): readonly Line[] {
    const { name: root, own, made } = cover;
    const copy = this.copyOf(cover);
    const binds: Line[] = [];
    this.copies.push({ kind: "directory", path: root, mode: this.machine.mode(directory) });
    this.copies.push({ kind: "directory", path: `${root}/${MACHINE_NAME}` });
    for (const { name, kind, target = "" } of this.machine.list(directory)) {
      if (own.has(name)) continue;
      const path = `${root}/${name}`;
      const source = join(directory, name);
      const isDevice = directory === "/dev" && DEVICES.includes(name);
      // A file system of another user, say: it can't be bound.
      const isClosed = kind === "directory" && this.machine.find(source) === undefined;
      if (kind === "link") this.copies.push({ kind: "link", path, target });
      else if ((kind === "directory" && !isClosed) || isDevice) {
        this.copies.push({ kind: isDevice ? "file" : "directory", path });
        const bind = { source, target: `${copy}/${name}`, options: ["rbind"] };
        // What holds the copy itself comes first: there is least to bind along with it.
        if (isBelow(copy, source)) binds.unshift(bind);
        else binds.push(bind);
      } else this.copies.push({ kind: "link", path, target: `${MACHINE_NAME}/${name}` });
    }
    this.copies.push(...made);
    // What becomes the root has to be a mount, and gets the machine's own one in the moment in which it does.
    if (directory === "/") return [{ source: copy, target: copy, options: ["bind"] }, ...binds];
    const machine = { source: directory, target: `${copy}/${MACHINE_NAME}`, options: ["rbind"] };
    return [machine, ...binds, { source: copy, target: directory, options: ["rbind"] }];
  }
}

function placeFor({ isDirectory }: Found, path: string): Made {
  return { kind: isDirectory ? "directory" : "file", path };
}

function hides(need: string): string {
  return `it would hide ${need}, which the container needs`;
}

function join(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** One line of fstab(5), in which spaces, tabs, newlines and backslashes are octal. */
export function fstabLine({ source, target, options }: Line): string {
  return `${escaped(source)} ${escaped(target)} none ${options.join(",")} 0 0\n`;
}

function escaped(path: string): string {
  return path.replaceAll(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** Without `.`, `..`, and slashes that say nothing; a `..` at the top is the top. */
function normalized(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || directory === "/" || path.startsWith(`${directory}/`);
}

/** Without those that lie below another one. */
function outermost(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && isBelow(path, other)));
}
