/**
 * The disk of an actor on a shared thread: its open files are closed at its end. A descriptor is closed only when nothing
 * is under way on it, because the system gives its number to the next file that is opened; so the next incarnation finds
 * a disk that nobody else writes to any more. Whatever the dead actor still asks for is never done and never answered.
 */
import type { Disk, DiskFile } from "../disk.ts";

const NEVER: Promise<never> = new Promise(() => undefined);

export class OwnedDisk implements Disk {
  readonly root: string;
  private readonly disk: Disk;
  private readonly files = new Set<DiskFile>();
  private underWay = 0;
  private closed = false;
  private onIdle: (() => void) | undefined;

  constructor(disk: Disk) {
    this.disk = disk;
    this.root = disk.root;
  }

  open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile> {
    return this.run(async () => {
      const file = await this.disk.open(path, options);
      this.files.add(file);
      return new OwnedFile(
        file,
        (work) => this.run(work),
        () => this.files.delete(file),
      );
    });
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.run(() => this.disk.read(path));
  }

  replace(path: string, content: Uint8Array | Iterable<Uint8Array>): Promise<void> {
    return this.run(() => this.disk.replace(path, content));
  }

  list(directory: string): Promise<readonly string[]> {
    return this.run(() => this.disk.list(directory));
  }

  rename(from: string, to: string): Promise<void> {
    return this.run(() => this.disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.run(() => this.disk.remove(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.run(() => this.disk.makeDirectory(path));
  }

  syncDirectory(directory: string): Promise<void> {
    return this.run(() => this.disk.syncDirectory(directory));
  }

  isRegistered(): Promise<boolean> {
    return this.run(() => this.disk.isRegistered());
  }

  register(): Promise<void> {
    return this.run(() => this.disk.register());
  }

  /** Resolves when nothing is under way and every file is closed. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.underWay > 0) await new Promise<void>((resolve) => void (this.onIdle = resolve));
    await Promise.all([...this.files].map((file) => file.close()));
    this.files.clear();
  }

  private run<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed) return NEVER;
    this.underWay++;
    return new Promise((resolve, reject) => {
      const settle = (how: () => void): void => {
        this.underWay--;
        if (!this.closed) how();
        else if (this.underWay === 0) this.onIdle?.();
      };
      work().then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error as Error)),
      );
    });
  }
}

class OwnedFile implements DiskFile {
  private readonly file: DiskFile;
  private readonly run: <T>(work: () => Promise<T>) => Promise<T>;
  private readonly onClose: () => void;

  constructor(file: DiskFile, run: <T>(work: () => Promise<T>) => Promise<T>, onClose: () => void) {
    this.file = file;
    this.run = run;
    this.onClose = onClose;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.run(() => this.file.read(position, length));
  }

  write(position: number, bytes: Uint8Array): Promise<void> {
    return this.run(() => this.file.write(position, bytes));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.run(() => this.file.truncate(sizeBytes));
  }

  sync(): Promise<void> {
    return this.run(() => this.file.sync());
  }

  close(): Promise<void> {
    return this.run(async () => {
      this.onClose();
      await this.file.close();
    });
  }
}
