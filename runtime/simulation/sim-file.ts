/** A file of the simulated disk: what is durable, and what has been changed since. */
import { InkubeError } from "../../protocols/errors.ts";
import type { DiskFile } from "../disk.ts";
import type { Random } from "../random.ts";
import type { EventOwner } from "./event-queue.ts";
import type { SimDisk } from "./sim-disk.ts";

/** Disks promise to write no less than this whole. */
const SECTOR_BYTES = 512;

/** Changes beyond it are written back by themselves, as a kernel does, so that a log that nobody syncs stays bounded. */
const UNSYNCED_MAX = 4_096;

type Change = { readonly number: number } & (
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly sizeBytes: number }
);

export class Inode {
  /** Number of the last change that was carried out. */
  lastChange = 0;
  private readonly current = new Content();
  private readonly durable = new Content();
  private unsynced: Change[] = [];

  get sizeBytes(): number {
    return this.current.sizeBytes;
  }

  read(position: number, length: number): Uint8Array {
    return this.current.read(position, length);
  }

  /** Takes `bytes` over: they must not change any more. */
  write(position: number, bytes: Uint8Array): void {
    this.change({ kind: "write", number: ++this.lastChange, position, bytes });
  }

  truncate(sizeBytes: number): void {
    this.change({ kind: "truncate", number: ++this.lastChange, sizeBytes });
  }

  /** Makes the changes up to `number` durable. */
  sync(number: number): void {
    const later: Change[] = [];
    for (const change of this.unsynced) {
      if (change.number <= number) apply(this.durable, change);
      else later.push(change);
    }
    this.unsynced = later;
  }

  /** Each change since the last sync is kept or lost; of a write that is kept, every sector may still be missing. */
  crash(random: Random): void {
    for (const change of this.unsynced) {
      const fate = random.below(3);
      if (fate === 0) continue;
      if (fate === 1 || change.kind === "truncate") apply(this.durable, change);
      else this.tear(change.position, change.bytes, random);
    }
    this.unsynced = [];
    this.current.copyFrom(this.durable);
  }

  flipBit(random: Random): boolean {
    if (this.current.sizeBytes === 0) return false;
    const position = random.below(this.current.sizeBytes);
    const mask = 1 << random.below(8);
    for (const content of [this.current, this.durable]) {
      const byte = content.read(position, 1);
      if (byte.length === 1) content.write(position, Uint8Array.of(byte[0]! ^ mask));
    }
    return true;
  }

  private change(change: Change): void {
    this.unsynced.push(change);
    apply(this.current, change);
    if (this.unsynced.length <= UNSYNCED_MAX) return;
    for (const written of this.unsynced.splice(0, UNSYNCED_MAX / 2)) apply(this.durable, written);
  }

  private tear(position: number, bytes: Uint8Array, random: Random): void {
    const end = position + bytes.length;
    for (let from = position; from < end;) {
      const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      if (random.below(2) === 0) this.durable.write(from, bytes.subarray(from - position, to - position));
      from = to;
    }
  }
}

/** Bytes that grow at the end by doubling; gaps are zero. */
class Content {
  sizeBytes = 0;
  private bytes = new Uint8Array(0);

  read(position: number, length: number): Uint8Array {
    return this.bytes.slice(Math.min(position, this.sizeBytes), Math.min(position + length, this.sizeBytes));
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    this.reserve(end);
    this.bytes.set(bytes, position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  truncate(sizeBytes: number): void {
    this.reserve(sizeBytes);
    this.bytes.fill(0, sizeBytes, this.sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  copyFrom(other: Content): void {
    this.bytes = other.bytes.slice();
    this.sizeBytes = other.sizeBytes;
  }

  private reserve(sizeBytes: number): void {
    if (sizeBytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(sizeBytes, 2 * this.bytes.length, 256));
    grown.set(this.bytes.subarray(0, this.sizeBytes));
    this.bytes = grown;
  }
}

function apply(content: Content, change: Change): void {
  switch (change.kind) {
    case "write":
      return content.write(change.position, change.bytes);
    case "truncate":
      return content.truncate(change.sizeBytes);
  }
}

export class SimFile implements DiskFile {
  private readonly disk: SimDisk;
  private readonly owner: EventOwner;
  private readonly inode: Inode;
  private closed = false;
  private failed = false;

  constructor(disk: SimDisk, owner: EventOwner, inode: Inode) {
    this.disk = disk;
    this.owner = owner;
    this.inode = inode;
  }

  get sizeBytes(): number {
    return this.inode.sizeBytes;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.disk.perform(this.owner, "read", () => this.opened().read(position, length));
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    // The system call copies what it is given, now.
    const copy = new Uint8Array(bytes);
    return this.disk.perform(this.owner, "write", () => this.opened().write(position, copy));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.disk.perform(this.owner, "truncate", () => this.opened().truncate(sizeBytes));
  }

  async sync(): Promise<void> {
    const covered = this.opened().lastChange;
    try {
      await this.disk.perform(this.owner, "sync", () => this.opened().sync(covered));
    } catch (error) {
      // As on Linux, where pages that could not be written count as clean afterwards.
      this.failed = true;
      throw error;
    }
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private opened(): Inode {
    if (this.closed) throw new InkubeError("DISK_FAILED", "the file is closed");
    if (this.failed) throw new InkubeError("DISK_FAILED", "a sync of this file has failed; what it holds is unknown");
    return this.inode;
  }
}
