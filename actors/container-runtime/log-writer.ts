/** A container's log on disk, in the CRI's format, rotated by size; and those who follow it. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { LogLine, LogStream } from "./core/log-format.ts";
import { LineCutter, concat, parseLog } from "./core/log-format.ts";

export interface LogLimits {
  readonly logFileBytesMax: number;
  readonly logFilesMax: number;
  readonly logBufferBytesMax: number;
}

export class LogWriter {
  private readonly ctx: Context<unknown>;
  private readonly path: string;
  private readonly limits: LogLimits;
  private readonly cutters: Readonly<Record<LogStream, LineCutter>>;
  private readonly followers = new Set<(lines: readonly LogLine[]) => void>();
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | undefined;
  private file: DiskFile | undefined;
  private ended = false;

  constructor(ctx: Context<unknown>, path: string, limits: LogLimits) {
    this.ctx = ctx;
    this.path = path;
    this.limits = limits;
    this.cutters = { stdout: new LineCutter("stdout"), stderr: new LineCutter("stderr") };
  }

  /** Takes output. Resolves at once while little waits for the disk, else when it has been written. */
  write(stream: LogStream, bytes: Uint8Array): Promise<void> {
    this.append(this.cutters[stream].push(bytes, this.ctx.clock.nowMs()));
    return this.waitingBytes > this.limits.logBufferBytesMax ? this.flushed() : Promise.resolve();
  }

  /** Ends the log: what was left of a line is written, followers are let go. */
  async end(): Promise<void> {
    const nowMs = this.ctx.clock.nowMs();
    this.append([...this.cutters.stdout.end(nowMs), ...this.cutters.stderr.end(nowMs)]);
    this.ended = true;
    await this.flushed();
    await this.file?.close();
    this.file = undefined;
    for (const follower of [...this.followers]) follower([]);
    this.followers.clear();
  }

  /** Resolves when all that came before is in the file. */
  async flushed(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  /**
   * All lines so far; `listener` gets those that come after, and an empty batch at the end. No line is in both or in
   * neither: nothing is written to the file while it is read.
   */
  async readAndFollow(
    listener: (lines: readonly LogLine[]) => void,
  ): Promise<{ readonly lines: readonly LogLine[]; readonly unfollow: () => void }> {
    await this.flushed();
    if (this.ended) listener([]);
    else this.followers.add(listener);
    const reading = readLogFiles(this.ctx, this.path);
    this.writing = reading.then(() => undefined);
    const lines = await reading;
    this.writing = undefined;
    this.start();
    return { lines, unfollow: () => void this.followers.delete(listener) };
  }

  private append(lines: readonly Uint8Array[]): void {
    if (lines.length === 0) return;
    for (const line of lines) this.waitingBytes += line.length;
    this.waiting.push(...lines);
    if (this.followers.size > 0) {
      const parsed = parseLog(concat(lines));
      for (const follower of [...this.followers]) follower(parsed);
    }
    this.start();
  }

  private start(): void {
    if (this.writing !== undefined || this.waiting.length === 0) return;
    const writing = this.drain();
    this.writing = writing;
    this.ctx.spawn(() => writing);
  }

  private async drain(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        const bytes = concat(this.waiting);
        this.waiting = [];
        this.file ??= await this.ctx.disk.open(this.path, { create: true });
        await this.file.write(this.file.sizeBytes, bytes);
        this.waitingBytes -= bytes.length;
        if (this.file.sizeBytes >= this.limits.logFileBytesMax) await this.rotate();
      }
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // A full disk costs the container its log, not its life.
      this.ctx.log.error("container log not written", { path: this.path, error: error.message });
      this.waiting = [];
      this.waitingBytes = 0;
    } finally {
      this.writing = undefined;
    }
  }

  /** `0.log` becomes `0.log.1`, that one `0.log.2` … and the oldest goes. */
  private async rotate(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
    const { disk } = this.ctx;
    const present = new Set(await disk.list(directoryOf(this.path)));
    const name = this.path.slice(directoryOf(this.path).length + 1);
    for (let age = this.limits.logFilesMax - 1; age >= 1; age--) {
      if (!present.has(`${name}.${age}`)) continue;
      if (age === this.limits.logFilesMax - 1) await disk.remove(`${this.path}.${age}`);
      else await disk.rename(`${this.path}.${age}`, `${this.path}.${age + 1}`);
    }
    if (this.limits.logFilesMax > 1) await disk.rename(this.path, `${this.path}.1`);
    else await disk.remove(this.path);
  }
}

/** All that is on disk of a log, oldest first. */
export async function readLogFiles(ctx: Context<unknown>, path: string): Promise<readonly LogLine[]> {
  const name = path.slice(directoryOf(path).length + 1);
  const ages = (await ctx.disk.list(directoryOf(path)))
    .filter((file) => file.startsWith(`${name}.`))
    .map((file) => Number(file.slice(name.length + 1)))
    .filter((age) => Number.isInteger(age))
    .sort((one, other) => other - one);
  const parts: Uint8Array[] = [];
  for (const file of [...ages.map((age) => `${path}.${age}`), path]) {
    const bytes = await ctx.disk.read(file);
    if (bytes !== undefined) parts.push(bytes);
  }
  return parseLog(concat(parts));
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
