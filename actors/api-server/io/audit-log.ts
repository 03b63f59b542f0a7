/**
 * The audit log as a file, which several servers of this process may write to. Lines are appended whole, some at a time. Who finds the file
 * too large puts it aside under a name with the time, as lumberjack does, which kube-apiserver uses; the others see that it has gone, and
 * open the new one. A disk that is full, or a file that can't be written, loses lines and delays nobody.
 */
import { closeSync, fstatSync, linkSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, write } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { AuditOptions, AuditSink, OpenAuditLog } from "../audit.ts";
import { STANDARD_OUTPUT } from "../audit.ts";

/** What may wait for the disk: a few seconds of a busy server. */
const WAITING_BYTES_MAX = 16_777_216;
/** Who can read the log can read what is in it. */
const MODE = 0o600;
const DAY_MS = 86_400_000;

export const openAuditLog: OpenAuditLog = (options, onLost) =>
  options.path === STANDARD_OUTPUT ? new AuditOutput(onLost) : new AuditLog(options, onLost);

/** Lines go to the program's standard output, which all servers share: each is written whole, once who reads has taken others. */
class AuditOutput implements AuditSink {
  private readonly onLost: (events: number, why: string) => void;
  private waitingBytes = 0;
  private isWaited: () => void = () => undefined;

  constructor(onLost: (events: number, why: string) => void) {
    this.onLost = onLost;
  }

  write(line: string): void {
    if (this.waitingBytes > WAITING_BYTES_MAX) return this.onLost(1, "who reads standard output is too slow");
    this.waitingBytes += line.length;
    process.stdout.write(line, (error) => {
      this.waitingBytes -= line.length;
      if (error !== null && error !== undefined) this.onLost(1, error.message);
      if (this.waitingBytes === 0) this.isWaited();
    });
  }

  async close(): Promise<void> {
    if (this.waitingBytes > 0) await new Promise<void>((resolve) => (this.isWaited = resolve));
  }
}

class AuditLog implements AuditSink {
  private readonly options: AuditOptions;
  private readonly onLost: (events: number, why: string) => void;
  private waiting: string[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | undefined;
  private file: number | undefined;

  constructor(options: AuditOptions, onLost: (events: number, why: string) => void) {
    this.options = options;
    this.onLost = onLost;
  }

  write(line: string): void {
    if (this.waitingBytes > WAITING_BYTES_MAX) return this.onLost(1, "the disk is too slow");
    this.waiting.push(line);
    this.waitingBytes += line.length;
    this.writing ??= this.flush();
  }

  async close(): Promise<void> {
    await this.writing;
    this.release();
  }

  private async flush(): Promise<void> {
    // What one turn brings is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const lines = this.waiting;
      this.waiting = [];
      this.waitingBytes = 0;
      try {
        await this.append(Buffer.from(lines.join("")));
      } catch (error) {
        this.release();
        this.onLost(lines.length, (error as Error).message);
      }
    }
    this.writing = undefined;
  }

  /** In one write, so that no other server's lines come in between. */
  private async append(bytes: Buffer): Promise<void> {
    const file = this.current(bytes.length);
    const written = await new Promise<number>((resolve, reject) => {
      write(file, bytes, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    if (written < bytes.length) throw new Error("the disk is full");
  }

  /** The file to write to, which has room for so many bytes. */
  private current(bytes: number): number {
    const { path, maxBytes } = this.options;
    if (this.file !== undefined && !this.isAt(this.file, path)) this.release();
    this.file ??= this.open();
    const { size } = fstatSync(this.file);
    if (maxBytes === 0 || size === 0 || size + bytes <= maxBytes) return this.file;
    this.putAside();
    this.release();
    this.removeOld();
    return (this.file = this.open());
  }

  private open(): number {
    const { path } = this.options;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a", MODE);
  }

  private isAt(file: number, path: string): boolean {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.ino === fstatSync(file).ino;
  }

  /** A second name first, which is nobody's yet: so nothing is ever written over. */
  private putAside(): void {
    const { path } = this.options;
    const time = new Date().toISOString().replaceAll(":", "-").slice(0, -1);
    for (let count = 0; ; count++) {
      const [name, extension] = this.parts;
      const aside = join(dirname(path), `${name}-${time}${count === 0 ? "" : `.${count}`}${extension}`);
      try {
        linkSync(path, aside);
        return unlinkSync(path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Another server has put it aside meanwhile.
        if (code === "ENOENT") return;
        if (code !== "EEXIST") throw error;
      }
    }
  }

  private removeOld(): void {
    const { path, maxBackups, maxAgeDays } = this.options;
    const [name, extension] = this.parts;
    const isAside = (file: string): boolean =>
      file.startsWith(`${name}-`) &&
      file.endsWith(extension) &&
      /-\d{4}-\d\d-\d\dT[\d.-]+$/.test(file.slice(0, file.length - extension.length));
    const oldestMs = maxAgeDays === 0 ? 0 : Date.now() - maxAgeDays * DAY_MS;
    const newestFirst = readdirSync(dirname(path))
      .filter(isAside)
      .sort((a, b) => (a < b ? 1 : -1));
    for (const [index, file] of newestFirst.entries()) {
      const whole = join(dirname(path), file);
      const isTooMany = maxBackups > 0 && index >= maxBackups;
      if (!isTooMany && (statSync(whole, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) >= oldestMs) continue;
      unlinkSync(whole);
    }
  }

  private get parts(): readonly [string, string] {
    const { path } = this.options;
    const extension = extname(path);
    return [basename(path, extension), extension];
  }

  private release(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }
}
