/**
 * A member's disk: `wal/` with its segments, `snap/` with its newest snapshot. One write and one sync for each `append`.
 * A full disk is waited for. Whatever else fails here ends the member: after a failed sync nobody knows what is on disk,
 * and a retry may lie.
 */
import type { Context } from "../../runtime/actor.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import { hasCode } from "../../protocols/errors.ts";
import { ByteWriter, invariant } from "./core/bytes.ts";
import { foundingMembership } from "./core/raft/membership.ts";
import { groupId } from "./core/group-id.ts";
import type { HardState, Persist, Snapshot } from "./core/raft/types.ts";
import type { RecoveredLog } from "./core/wal/recovery.ts";
import { recoverLog } from "./core/wal/recovery.ts";
import type { Identity, SnapshotMark } from "./core/wal/segment.ts";
import { encodeRecords, encodeSegment, readSegment, segmentName, segmentSequence } from "./core/wal/segment.ts";
import { decodeSnapshot, encodeSnapshot, snapshotIndex, snapshotName } from "./core/wal/snapshot-file.ts";
import { DiskMetrics } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

const WAL = "wal";
const SNAP = "snap";
/** A writer that has grown beyond it for one large batch is not kept. */
const WRITER_KEPT_BYTES = 4 * 1_048_576;
/** What a crash left of a file that was being replaced. */
const ASIDE = /\.tmp$/;
/** How often a full disk is tried again: soon enough for who waits for it, and next to nothing while it lasts. */
const ROOM_RETRY_MS = 500;
/** What a member had on its disk whose place was taken: of no use to the group, and maybe to people. */
const REPLACED = "replaced";
/** There while a member takes the place of another: the beginning of its log. */
const REPLACEMENT = "replacement";
const NOTHING: HardState = { term: 0, vote: 0, commit: 0 };

interface Segment {
  readonly sequence: number;
  lastIndex: number;
}

export interface Opened {
  readonly identity: Identity;
  readonly log: RecoveredLog;
  readonly snapshot: Snapshot | undefined;
}

export class Storage {
  private readonly ctx: Context<EtcdOptions>;
  /** Known once it is open. */
  private identity: Identity | undefined;
  private readonly metrics: DiskMetrics;
  private segments: Segment[] = [];
  private file: DiskFile | undefined;
  private position = 0;
  private chain = 0;
  private writer: ByteWriter = new ByteWriter(65_536);
  private mark: SnapshotMark = { index: 0, term: 0 };
  private hardState: HardState = NOTHING;
  private cutDue = false;
  private saving: Promise<void> = Promise.resolve();
  private fullBecause: InkubeError | undefined;
  /** Bytes of log since the newest snapshot. */
  bytesSinceSnapshot = 0;
  /** Told when a write begins to wait for room on the disk, and when it has found it. */
  onFull: () => void = () => undefined;

  constructor(ctx: Context<EtcdOptions>) {
    this.ctx = ctx;
    this.metrics = new DiskMetrics(ctx);
  }

  /** Why a write waits for room; undefined when none does. */
  get full(): InkubeError | undefined {
    return this.fullBecause;
  }

  /**
   * Undefined where there was a log and is none: what this member promised is forgotten. A log is there before the directory is
   * registered, and it is registered before this resolves, so before the member promises anything: an empty directory that is
   * registered, or whose group was up before, was lost; one of which nobody knows is new. Nothing of what was lost is touched.
   * Errors: ETCD_CORRUPT.
   */
  async open(): Promise<Opened | undefined> {
    const { disk, options } = this.ctx;
    const replacement = await disk.read(REPLACEMENT);
    if (replacement !== undefined) {
      return this.endReplacement(readSegment(REPLACEMENT, replacement, options.members).head.identity);
    }
    const snapshot = await this.readSnapshot();
    if (snapshot !== undefined) this.mark = { index: snapshot.index, term: snapshot.term };
    const names = (await disk.list(WAL)).filter((name) => segmentSequence(name) !== undefined);
    const files = await Promise.all(
      names.map(async (name) => ({ name, bytes: (await disk.read(`${WAL}/${name}`)) ?? new Uint8Array(0) })),
    );
    const known = snapshot !== undefined || options.established || (await disk.isRegistered());
    const log = recoverLog(files, this.mark, { name: options.name, names: options.members });
    if ((names.length === 0 && known) || log.isForgetful) return undefined;
    const identity = log.identity ?? this.founder();
    await this.sweep();
    await this.secure(log);
    // The name of a snapshot that was just put in its place may not be on disk yet.
    if (snapshot !== undefined) await disk.syncDirectory(SNAP);
    await this.goOn(identity, log);
    return { identity, log, snapshot };
  }

  private founder(): Identity {
    const { name, members } = this.ctx.options;
    const founding = foundingMembership(members);
    const memberId = founding.members.find((one) => one.name === name)?.id;
    invariant(memberId !== undefined, `${name} is none of the members ${members.join(", ")}`);
    return { clusterId: groupId(members), memberId, name, founding };
  }

  /**
   * Begins with nothing, as another member: what is here is put aside. Noted first, so that after a crash nothing of it is taken
   * for a log that may be gone on with. Errors: DISK_FULL, after which it may be called again.
   */
  async replace(identity: Identity): Promise<Opened> {
    const head = { identity, sequence: 1, previousChain: 0 };
    await this.ctx.disk.replace(REPLACEMENT, encodeSegment(head, NOTHING, { index: 0, term: 0 }).bytes);
    return this.endReplacement(identity);
  }

  private async endReplacement(identity: Identity): Promise<Opened> {
    const { disk } = this.ctx;
    await disk.remove(REPLACED);
    await disk.makeDirectory(REPLACED);
    for (const directory of [WAL, SNAP]) {
      const names = await disk.list(directory);
      for (const name of names) await disk.rename(`${directory}/${name}`, `${REPLACED}/${name}`);
      if (names.length > 0) await disk.syncDirectory(directory);
    }
    await disk.syncDirectory(REPLACED);
    this.mark = { index: 0, term: 0 };
    const log = recoverLog([], this.mark, { name: identity.name, names: [] });
    await this.goOn(identity, log);
    await disk.remove(REPLACEMENT);
    // What is promised from now on must not be put aside after a crash.
    await disk.syncDirectory("");
    return { identity, log, snapshot: undefined };
  }

  private async goOn(identity: Identity, log: RecoveredLog): Promise<void> {
    this.identity = identity;
    this.segments = log.segments.map(({ sequence, lastIndex }) => ({ sequence, lastIndex }));
    this.chain = log.chain;
    this.hardState = log.hardState;
    this.bytesSinceSnapshot = log.entries.reduce((sum, entry) => sum + entry.data.length, 0);
    await this.cut();
    await this.ctx.disk.register();
  }

  /** Makes sure that what was read is durable: it may have been in the system's cache only. */
  private async secure({ cut, lastFrame }: RecoveredLog): Promise<void> {
    if (lastFrame === undefined) return;
    const file = await this.ctx.disk.open(`${WAL}/${lastFrame.name}`);
    if (cut !== undefined) {
      await file.truncate(cut.sizeBytes);
      this.ctx.log.warn("cut a torn end off the log; nothing in it was acknowledged", { file: cut.name });
    }
    await file.write(lastFrame.position, lastFrame.bytes);
    await file.sync();
    await file.close();
  }

  private async sweep(): Promise<void> {
    const { disk } = this.ctx;
    for (const directory of [WAL, SNAP]) {
      for (const name of await disk.list(directory)) if (ASIDE.test(name)) await disk.remove(`${directory}/${name}`);
    }
  }

  private async readSnapshot(): Promise<Snapshot | undefined> {
    const names = (await this.ctx.disk.list(SNAP)).filter((name) => snapshotIndex(name) !== undefined);
    const newest = names[names.length - 1];
    if (newest === undefined) return undefined;
    const bytes = await this.ctx.disk.read(`${SNAP}/${newest}`);
    invariant(bytes !== undefined, `${newest} vanished`);
    return decodeSnapshot(newest, bytes, this.ctx.options.members);
  }

  /**
   * Writes and syncs; what `persist` holds is durable when it resolves. One at a time. While the disk is full it waits: what
   * was not written was promised to no one, and is written again from its beginning.
   */
  async append(persist: Persist): Promise<void> {
    for (;;) {
      try {
        await this.write(persist);
        return this.setFull(undefined);
      } catch (error) {
        if (!hasCode(error, "DISK_FULL")) throw error;
        this.setFull(error);
      }
      await this.ctx.clock.sleep(ROOM_RETRY_MS);
    }
  }

  private setFull(because: InkubeError | undefined): void {
    const changed = (because === undefined) !== (this.fullBecause === undefined);
    this.fullBecause = because;
    if (changed) this.onFull();
  }

  private async write(persist: Persist): Promise<void> {
    if (persist.snapshot !== undefined) {
      await this.saving;
      await this.writeSnapshot(persist.snapshot, encodeSnapshot(persist.snapshot));
    }
    if (this.cutDue || this.position >= this.ctx.options.segmentBytes) await this.cut();
    const { file, writer } = this;
    invariant(file !== undefined, "the log is closed");
    writer.clear();
    const mark = persist.snapshot === undefined ? undefined : this.mark;
    const chain = encodeRecords(writer, this.chain, persist.hardState, persist.entries, mark);
    const bytes = writer.view();
    await this.metrics.written(bytes.length, file.write(this.position, bytes));
    await this.metrics.synced(file.sync());
    this.chain = chain;
    this.hardState = persist.hardState;
    this.position += bytes.length;
    this.bytesSinceSnapshot += bytes.length;
    const segment = this.segments[this.segments.length - 1] as Segment;
    const last = persist.entries[persist.entries.length - 1];
    if (last !== undefined) segment.lastIndex = Math.max(segment.lastIndex, last.index);
    if (bytes.length > WRITER_KEPT_BYTES) this.writer = new ByteWriter(65_536);
  }

  /**
   * Saves a snapshot of this member's own state beside the running log, which is shortened by the next `append`. False when
   * there was no room for it; the log goes on without.
   */
  async save(mark: SnapshotMark, file: Iterable<Uint8Array>): Promise<boolean> {
    const saved = this.saving.then(() => this.writeSnapshot(mark, file));
    this.saving = saved.catch(() => undefined);
    try {
      await saved;
      return true;
    } catch (error) {
      if (!hasCode(error, "DISK_FULL")) throw error;
      this.ctx.log.warn("no room for a snapshot", { path: this.ctx.disk.root, reason: error.message });
      return false;
    }
  }

  private async writeSnapshot(snapshot: SnapshotMark, file: Iterable<Uint8Array>): Promise<void> {
    const { disk } = this.ctx;
    if (snapshot.index <= this.mark.index) return;
    await this.metrics.stored(disk.replace(`${SNAP}/${snapshotName(snapshot)}`, file));
    this.mark = { index: snapshot.index, term: snapshot.term };
    this.bytesSinceSnapshot = 0;
    this.cutDue = true;
    for (const name of await disk.list(SNAP)) {
      const index = snapshotIndex(name);
      if (index === undefined || index < snapshot.index) await disk.remove(`${SNAP}/${name}`);
    }
  }

  /**
   * Begins a new segment, and removes those that end before the snapshot. The one with the entry that the snapshot ends with
   * stays: by its term a restart tells whether what follows it is of the same history.
   */
  private async cut(): Promise<void> {
    const { disk } = this.ctx;
    const { mark, identity } = this;
    invariant(identity !== undefined, "the log is not open");
    const sequence = (this.segments[this.segments.length - 1]?.sequence ?? 0) + 1;
    const head = { identity, sequence, previousChain: this.chain };
    const { bytes, chain } = encodeSegment(head, this.hardState, mark);
    const path = `${WAL}/${segmentName(sequence)}`;
    await disk.replace(path, bytes);
    await this.file?.close();
    this.file = await disk.open(path);
    // A snapshot that was saved meanwhile is due for the next cut.
    this.cutDue = this.mark !== mark;
    this.position = bytes.length;
    this.chain = chain;
    this.segments.push({ sequence, lastIndex: 0 });
    while (this.segments.length > 1 && (this.segments[0] as Segment).lastIndex < mark.index) {
      const { sequence: old } = this.segments.shift() as Segment;
      await disk.remove(`${WAL}/${segmentName(old)}`);
      // One after the other, so that no crash leaves a gap between them.
      await disk.syncDirectory(WAL);
    }
  }

  async close(): Promise<void> {
    await this.saving;
    await this.file?.close();
    this.file = undefined;
  }
}
