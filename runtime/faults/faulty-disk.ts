/** A disk as an actor sees it while faults of its plan are in force; the same over real files and over simulated ones. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { copyOf } from "../disk.ts";
import type { FaultBoundary } from "./boundary.ts";
import type { DiskFault, DiskOperationName } from "./plan.ts";

/** Disks promise to write no less than this whole. */
const SECTOR_BYTES = 512;

export class FaultyDisk implements Disk {
  readonly root: string;
  private readonly inner: Disk;
  private readonly gate: DiskGate;
  /** By path; files that were closed are written by then. */
  private readonly unsynced = new Map<string, Unsynced>();

  constructor(inner: Disk, boundary: FaultBoundary) {
    this.inner = inner;
    this.root = inner.root;
    this.gate = new DiskGate(boundary);
  }

  async open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile> {
    await this.gate.pass("open");
    return new FaultyFile(await this.inner.open(path, options), this.gate, this.unsyncedAt(path));
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    await this.gate.pass("read");
    return this.unsynced.get(path)?.content?.slice() ?? this.inner.read(path);
  }

  async replace(path: string, content: Uint8Array | Iterable<Uint8Array>): Promise<void> {
    let written = content;
    if (!this.gate.off) {
      const copy = copyOf(content);
      await this.gate.pass("write");
      await this.gate.pass("sync");
      // Torn or lost is the file aside only, and then the old content stays.
      if (this.gate.find("disk-torn-write") !== undefined) return this.gate.die();
      written = this.gate.flipped(copy);
    }
    await this.inner.replace(path, written);
    this.unsynced.delete(path);
  }

  async list(directory: string): Promise<readonly string[]> {
    await this.gate.pass("list");
    return this.inner.list(directory);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.gate.pass("rename");
    await this.inner.rename(from, to);
    const moved = this.unsynced.get(from);
    this.unsynced.delete(from);
    if (moved === undefined) this.unsynced.delete(to);
    else this.unsynced.set(to, moved);
  }

  async remove(path: string): Promise<void> {
    await this.gate.pass("remove");
    await this.inner.remove(path);
    for (const name of this.unsynced.keys()) {
      if (name === path || name.startsWith(`${path}/`)) this.unsynced.delete(name);
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await this.gate.pass("rename");
    return this.inner.makeDirectory(path);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.gate.pass("sync");
    return this.inner.syncDirectory(directory);
  }

  async isRegistered(): Promise<boolean> {
    await this.gate.pass("read");
    return this.inner.isRegistered();
  }

  async register(): Promise<void> {
    await this.gate.pass("write");
    await this.gate.pass("sync");
    return this.inner.register();
  }

  private unsyncedAt(path: string): Unsynced {
    let unsynced = this.unsynced.get(path);
    if (unsynced === undefined) this.unsynced.set(path, (unsynced = new Unsynced()));
    return unsynced;
  }
}

/** Decides, for each operation, what happens to it. */
class DiskGate {
  private readonly boundary: FaultBoundary;

  constructor(boundary: FaultBoundary) {
    this.boundary = boundary;
  }

  get off(): boolean {
    return this.boundary.disk === undefined;
  }

  /** Resolves when the operation may be carried out. Errors: DISK_FULL, DISK_FAILED. */
  async pass(operation: DiskOperationName): Promise<void> {
    if (this.boundary.disk === undefined) return;
    while (this.find("disk-stall") !== undefined) {
      await new Promise<void>((resolve) => this.boundary.onChange(resolve));
    }
    const slow = this.find("disk-slow");
    if (slow !== undefined) {
      const delayMs = this.boundary.draw(slow.id, slow.byMs);
      await new Promise<void>((resolve) => this.boundary.services.after(delayMs, resolve));
    }
    if (operation === "write" && this.find("disk-full") !== undefined) {
      throw new InkubeError("DISK_FULL", "no space is left: a fault of the plan", { retryable: true });
    }
    const failure = this.find("disk-error", ({ operations }) => operations?.includes(operation) ?? true);
    if (failure !== undefined)
      throw new InkubeError("DISK_FAILED", `${operation} failed: fault ${failure.id} of the plan`);
  }

  /** A fault of that kind that happens to this operation. */
  find<K extends DiskFault["kind"]>(
    kind: K,
    fits: (fault: Extract<DiskFault, { readonly kind: K }>) => boolean = () => true,
  ): Extract<DiskFault, { readonly kind: K }> | undefined {
    for (const fault of this.boundary.disk ?? []) {
      if (fault.kind !== kind) continue;
      const found = fault as Extract<DiskFault, { readonly kind: K }>;
      if (fits(found) && this.boundary.happens(fault.id, fault.chance)) return found;
    }
    return undefined;
  }

  flipped(bytes: Uint8Array): Uint8Array {
    const fault = bytes.length === 0 ? undefined : this.find("disk-bit-flip");
    if (fault === undefined) return bytes;
    const random = this.boundary.random(fault.id);
    const copy = Uint8Array.from(bytes);
    copy[random.below(copy.length)]! ^= 1 << random.below(8);
    return copy;
  }

  /** How many of the bytes get to the disk before the actor dies; undefined when all do. */
  tornAt(position: number, length: number): number | undefined {
    const fault = this.find("disk-torn-write");
    if (fault === undefined) return undefined;
    const random = this.boundary.random(fault.id);
    const sectors = Math.ceil(((position % SECTOR_BYTES) + length) / SECTOR_BYTES);
    const end = random.below(sectors) * SECTOR_BYTES - (position % SECTOR_BYTES);
    return Math.max(0, end);
  }

  /** Never resolves: whoever waits is dead. */
  die(): Promise<never> {
    this.boundary.services.die();
    return new Promise<never>(() => undefined);
  }
}

type Change = { readonly position: number; readonly bytes: Uint8Array } | { readonly sizeBytes: number };

/** What was written to a file and not synced, in memory, where a crash loses it. */
class Unsynced {
  /** The whole file as it is seen; undefined while everything is written. */
  content: Uint8Array | undefined;
  private changes: Change[] = [];

  async begin(file: DiskFile): Promise<void> {
    if (this.content !== undefined) return;
    const content = await file.read(0, file.sizeBytes);
    // Another write may have begun meanwhile.
    this.content ??= content.slice();
  }

  change(change: Change): void {
    const content = this.content!;
    this.changes.push(change);
    const sizeBytes =
      "bytes" in change ? Math.max(content.length, change.position + change.bytes.length) : change.sizeBytes;
    const next = sizeBytes === content.length ? content : new Uint8Array(sizeBytes);
    if (next !== content) next.set(content.subarray(0, sizeBytes));
    if ("bytes" in change) next.set(change.bytes, change.position);
    this.content = next;
  }

  async flush(file: DiskFile): Promise<void> {
    const changes = this.changes;
    this.changes = [];
    for (const change of changes) {
      if ("bytes" in change) await file.write(change.position, change.bytes);
      else await file.truncate(change.sizeBytes);
    }
    if (this.changes.length === 0) this.content = undefined;
  }
}

class FaultyFile implements DiskFile {
  private readonly inner: DiskFile;
  private readonly gate: DiskGate;
  private readonly unsynced: Unsynced;

  constructor(inner: DiskFile, gate: DiskGate, unsynced: Unsynced) {
    this.inner = inner;
    this.gate = gate;
    this.unsynced = unsynced;
  }

  get sizeBytes(): number {
    return this.unsynced.content?.length ?? this.inner.sizeBytes;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.isPlain ? this.inner.read(position, length) : this.readWithFaults(position, length);
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return this.isPlain ? this.inner.write(position, bytes) : this.writeWithFaults(position, bytes);
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.isPlain ? this.inner.truncate(sizeBytes) : this.truncateWithFaults(sizeBytes);
  }

  sync(): Promise<void> {
    return this.isPlain ? this.inner.sync() : this.syncWithFaults();
  }

  /** What is not synced is written, as the kernel would some time. */
  async close(): Promise<void> {
    await this.unsynced.flush(this.inner);
    return this.inner.close();
  }

  /** No fault is in force, and none left anything behind. */
  private get isPlain(): boolean {
    return this.gate.off && this.unsynced.content === undefined;
  }

  private async readWithFaults(position: number, length: number): Promise<Uint8Array> {
    await this.gate.pass("read");
    return this.unsynced.content?.slice(position, position + length) ?? this.inner.read(position, length);
  }

  private async writeWithFaults(position: number, bytes: Uint8Array): Promise<void> {
    const copy = Uint8Array.from(bytes);
    await this.gate.pass("write");
    const tornAt = this.gate.tornAt(position, copy.length);
    if (tornAt !== undefined) {
      await this.inner.write(position, copy.subarray(0, tornAt));
      return this.gate.die();
    }
    const written = this.gate.flipped(copy);
    if (this.gate.find("disk-unsynced") === undefined && this.unsynced.content === undefined) {
      return this.inner.write(position, written);
    }
    await this.unsynced.begin(this.inner);
    this.unsynced.change({ position, bytes: written });
  }

  private async truncateWithFaults(sizeBytes: number): Promise<void> {
    await this.gate.pass("truncate");
    if (this.unsynced.content === undefined) return this.inner.truncate(sizeBytes);
    this.unsynced.change({ sizeBytes });
  }

  private async syncWithFaults(): Promise<void> {
    await this.gate.pass("sync");
    await this.unsynced.flush(this.inner);
    return this.inner.sync();
  }
}
