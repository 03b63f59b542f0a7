/**
 * A disk in memory that behaves at a crash as a real one may: what was not synced is lost, kept or torn, as the seed
 * says. `SimDisk` is the storage and outlives its actor; `open` gives an incarnation its view.
 *
 * What is durable: the bytes of a file at `sync`, when their `write` had resolved before it was called; the names in a
 * directory at `syncDirectory`. Names that were not synced survive up to some point in the order they were changed, as
 * in a journal; writes to a file survive in any combination, and a write in any of its sectors.
 * Directories themselves are durable at once.
 *
 * @see Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), for what file systems do at a crash
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { copyOf } from "../disk.ts";
import type { Random } from "../random.ts";
import type { EventOwner } from "./event-queue.ts";
import { SimFile, Inode } from "./sim-file.ts";
import type { World } from "./world.ts";

export type DiskOperation = "open" | "read" | "write" | "truncate" | "sync" | "rename" | "remove" | "list";

/** `full`: writes fail with DISK_FULL. `error`: the operations named fail with DISK_FAILED. `stall`: nothing ends. */
export type DiskFault =
  | { readonly kind: "full" }
  | { readonly kind: "error"; readonly operations: readonly DiskOperation[] }
  | { readonly kind: "stall" }
  | { readonly kind: "slow"; readonly factor: number };

/** How long operations take, as a range in microseconds: a solid-state disk of a small machine. */
const LATENCY_US: { readonly [O in DiskOperation]: readonly [number, number] } = {
  open: [20, 80],
  read: [20, 150],
  write: [10, 100],
  truncate: [10, 100],
  sync: [300, 2_000],
  rename: [20, 100],
  remove: [20, 100],
  list: [20, 100],
};

type NameChange = { readonly directories: readonly string[] } & (
  | { readonly kind: "link"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
);

export class SimDisk {
  readonly random: Random;
  private readonly world: World;
  private names = new Map<string, Inode>();
  private durableNames = new Map<string, Inode>();
  private readonly directories = new Set<string>([""]);
  private nameChanges: NameChange[] = [];
  private fault: DiskFault | undefined;
  private stalled: (() => void)[] = [];
  /** Kept elsewhere: neither a crash nor the loss of the disk undoes it. */
  registered = false;

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** The disk as one incarnation sees it; when that is dead, its operations never end. */
  open(owner: EventOwner, root: string): Disk {
    return new SimDiskView(this, owner, root);
  }

  setFault(fault: DiskFault | undefined): void {
    this.fault = fault;
    const stalled = this.stalled;
    this.stalled = [];
    for (const go of stalled) go();
  }

  /** What a power failure does. */
  crash(): void {
    const kept = this.random.below(this.nameChanges.length + 1);
    for (const change of this.nameChanges.slice(0, kept)) applyNameChange(this.durableNames, change);
    this.nameChanges = [];
    this.names = new Map(this.durableNames);
    for (const inode of new Set(this.names.values())) inode.crash(this.random);
    this.stalled = [];
  }

  /** The disk is replaced by an empty one. */
  wipe(): void {
    this.names = new Map();
    this.durableNames = new Map();
    this.nameChanges = [];
    this.directories.clear();
    this.directories.add("");
    this.stalled = [];
  }

  /** Flips one bit of a file where it rests; false when there is no such file or it is empty. */
  flipBit(path: string): boolean {
    return this.names.get(normalize(path))?.flipBit(this.random) ?? false;
  }

  /** Paths of all files, sorted. */
  files(): readonly string[] {
    return [...this.names.keys()].sort();
  }

  /** Runs an operation: its effect comes at its end, some time from now. */
  perform<T>(owner: EventOwner, operation: DiskOperation, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        const fault = this.fault;
        if (fault?.kind === "stall") {
          this.stalled.push(begin);
          return;
        }
        const [fastUs, slowUs] = LATENCY_US[operation];
        const factor = fault?.kind === "slow" ? fault.factor : 1;
        const tookUs = (fastUs + this.random.below(slowUs - fastUs)) * factor;
        this.world.schedule(tookUs, owner, () => {
          const failure = this.failureOf(operation);
          if (failure !== undefined) return reject(failure);
          try {
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        });
      };
      begin();
    });
  }

  find(path: string): Inode | undefined {
    return this.names.get(path);
  }

  /** Names of files and directories in a directory. */
  list(directory: string): readonly string[] {
    const prefix = directory === "" ? "" : `${directory}/`;
    const found = new Set<string>();
    for (const path of [...this.names.keys(), ...this.directories]) {
      if (path !== "" && path.startsWith(prefix)) found.add(path.slice(prefix.length).split("/")[0]!);
    }
    found.delete("");
    return [...found].sort();
  }

  link(path: string, inode: Inode): void {
    this.makeDirectory(parentOf(path));
    this.change({ kind: "link", path, inode, directories: [parentOf(path)] });
  }

  makeDirectory(path: string): void {
    for (let directory = path; directory !== ""; directory = parentOf(directory)) this.directories.add(directory);
  }

  rename(from: string, to: string): void {
    this.makeDirectory(parentOf(to));
    this.change({ kind: "rename", from, to, directories: [parentOf(from), parentOf(to)] });
  }

  remove(path: string): void {
    for (const name of [...this.names.keys()]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      this.change({ kind: "unlink", path: name, directories: [parentOf(name)] });
    }
    for (const directory of this.directories) {
      if (directory !== "" && (directory === path || directory.startsWith(`${path}/`))) {
        this.directories.delete(directory);
      }
    }
  }

  syncDirectory(directory: string): void {
    const later: NameChange[] = [];
    for (const change of this.nameChanges) {
      if (change.directories.includes(directory)) applyNameChange(this.durableNames, change);
      else later.push(change);
    }
    this.nameChanges = later;
  }

  private change(change: NameChange): void {
    this.nameChanges.push(change);
    applyNameChange(this.names, change);
  }

  private failureOf(operation: DiskOperation): InkubeError | undefined {
    const fault = this.fault;
    if (fault?.kind === "full" && operation === "write") {
      return new InkubeError("DISK_FULL", "no space is left on the simulated disk", { retryable: true });
    }
    if (fault?.kind === "error" && fault.operations.includes(operation)) {
      return new InkubeError("DISK_FAILED", `${operation} failed on the simulated disk`);
    }
    return undefined;
  }
}

class SimDiskView implements Disk {
  readonly root: string;
  private readonly disk: SimDisk;
  private readonly owner: EventOwner;

  constructor(disk: SimDisk, owner: EventOwner, root: string) {
    this.disk = disk;
    this.owner = owner;
    this.root = root;
  }

  open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    const name = normalize(path);
    return this.disk.perform(this.owner, "open", () => {
      let inode = this.disk.find(name);
      if (inode === undefined) {
        if (options.create !== true) throw new InkubeError("DISK_NOT_FOUND", `there is no file ${path}`);
        inode = new Inode();
        this.disk.link(name, inode);
      }
      return new SimFile(this.disk, this.owner, inode);
    });
  }

  read(path: string): Promise<Uint8Array | undefined> {
    const name = normalize(path);
    return this.disk.perform(this.owner, "read", () => this.disk.find(name)?.read(0, Infinity));
  }

  async replace(path: string, content: Uint8Array | Iterable<Uint8Array>): Promise<void> {
    const name = normalize(path);
    const copy = copyOf(content);
    // A crash leaves the old content or the new one, so the file aside needs no name of its own here.
    const inode = new Inode();
    await this.disk.perform(this.owner, "write", () => inode.write(0, copy));
    await this.disk.perform(this.owner, "sync", () => inode.sync(inode.lastChange));
    await this.disk.perform(this.owner, "rename", () => this.disk.link(name, inode));
    await this.disk.perform(this.owner, "sync", () => this.disk.syncDirectory(parentOf(name)));
  }

  list(directory: string): Promise<readonly string[]> {
    const name = normalize(directory);
    return this.disk.perform(this.owner, "list", () => this.disk.list(name));
  }

  rename(from: string, to: string): Promise<void> {
    const source = normalize(from);
    const target = normalize(to);
    return this.disk.perform(this.owner, "rename", () => {
      if (this.disk.find(source) === undefined) throw new InkubeError("DISK_NOT_FOUND", `there is no file ${from}`);
      this.disk.rename(source, target);
    });
  }

  remove(path: string): Promise<void> {
    const name = normalize(path);
    return this.disk.perform(this.owner, "remove", () => this.disk.remove(name));
  }

  makeDirectory(path: string): Promise<void> {
    const name = normalize(path);
    return this.disk.perform(this.owner, "rename", () => this.disk.makeDirectory(name));
  }

  syncDirectory(directory: string): Promise<void> {
    const name = normalize(directory);
    return this.disk.perform(this.owner, "sync", () => this.disk.syncDirectory(name));
  }

  isRegistered(): Promise<boolean> {
    return this.disk.perform(this.owner, "read", () => this.disk.registered);
  }

  async register(): Promise<void> {
    await this.disk.perform(this.owner, "write", () => undefined);
    await this.disk.perform(this.owner, "sync", () => void (this.disk.registered = true));
  }
}

function applyNameChange(names: Map<string, Inode>, change: NameChange): void {
  switch (change.kind) {
    case "link":
      names.set(change.path, change.inode);
      return;
    case "unlink":
      names.delete(change.path);
      return;
    case "rename": {
      for (const [path, inode] of [...names]) {
        if (path !== change.from && !path.startsWith(`${change.from}/`)) continue;
        names.delete(path);
        names.set(change.to + path.slice(change.from.length), inode);
      }
      return;
    }
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}

/** Without `.`, empty parts and leading slash. Errors: INVALID_ARGUMENT for a path out of the directory. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) {
      throw new InkubeError("INVALID_ARGUMENT", `${path} is outside of the actor's directory`);
    }
  }
  return parts.join("/");
}
