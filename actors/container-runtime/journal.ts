/**
 * The records of a runtime on disk, one JSON line each, appended in order and not synced: they must survive the actor and the
 * process, and a power cut ends the containers anyway.
 */
import type { Context } from "../../runtime/actor.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { JournalRecord } from "./core/container-table.ts";
import { decodeJournal, encodeJournal } from "./core/container-table.ts";

const PATH = "containers.journal";

export async function openJournal(
  ctx: Context<unknown>,
  bytesMax: number,
): Promise<{ readonly journal: Journal; readonly records: readonly JournalRecord[] }> {
  const bytes = await ctx.disk.read(PATH);
  return { journal: new Journal(ctx, bytesMax), records: bytes === undefined ? [] : decodeJournal(bytes) };
}

export class Journal {
  private readonly ctx: Context<unknown>;
  private readonly bytesMax: number;
  private waiting: JournalRecord[] = [];
  private replacement: readonly JournalRecord[] | undefined;
  private compactedBytes = 0;
  private file: DiskFile | undefined;
  private writing: Promise<void> | undefined;

  constructor(ctx: Context<unknown>, bytesMax: number) {
    this.ctx = ctx;
    this.bytesMax = bytesMax;
  }

  /** `snapshot` is asked for when the journal has grown enough to be written anew. */
  append(record: JournalRecord, snapshot: () => readonly JournalRecord[]): void {
    this.waiting.push(record);
    const size = this.file?.sizeBytes ?? 0;
    if (size > this.bytesMax && size > 2 * this.compactedBytes) this.compact(snapshot());
    else this.start();
  }

  /** Replaces all that was written and waits to be by `records`. */
  compact(records: readonly JournalRecord[]): void {
    this.replacement = records;
    this.waiting = [];
    this.start();
  }

  async flushed(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  private start(): void {
    if (this.writing !== undefined) return;
    const writing = this.drain();
    this.writing = writing;
    this.ctx.spawn(() => writing);
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0 || this.replacement !== undefined) {
      if (this.replacement !== undefined) {
        const bytes = encodeJournal(this.replacement);
        this.replacement = undefined;
        await this.file?.close();
        this.file = undefined;
        await this.ctx.disk.replace(PATH, bytes);
        this.compactedBytes = bytes.length;
        continue;
      }
      const bytes = encodeJournal(this.waiting);
      this.waiting = [];
      this.file ??= await this.ctx.disk.open(PATH, { create: true });
      await this.file.write(this.file.sizeBytes, bytes);
    }
    this.writing = undefined;
  }
}
