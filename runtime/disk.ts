/**
 * An actor's own directory. Paths are relative, with `/`, and can't leave it. On threads it is a folder of the data
 * directory; in the simulation it lives in memory and, at a crash, loses what was not synced.
 */
export interface Disk {
  /** Opens a file for reading and writing, making it when `create`. Missing without `create`: DISK_NOT_FOUND. */
  open(path: string, options?: { readonly create?: boolean }): Promise<DiskFile>;
  /** The whole file, or undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * Writes aside, syncs, renames over `path`, syncs the directory: after it resolves the new content survives anything.
   * Pieces are written one after the other; each need be valid only until the next one is taken.
   */
  replace(path: string, content: Uint8Array | Iterable<Uint8Array>): Promise<void>;
  /** Names in a directory, sorted; empty when there is no such directory. */
  list(directory: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; nothing happens when there is none. */
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(directory: string): Promise<void>;
  /** Whether `register` was ever called for this directory. What it noted outlives the directory, and so tells of its loss. */
  isRegistered(): Promise<boolean>;
  /** Notes durably, outside of the directory, that it is in use. */
  register(): Promise<void>;
  /** The directory as the operating system knows it, for child processes; in the simulation a made-up path. */
  readonly root: string;
}

export interface DiskFile {
  readonly sizeBytes: number;
  /** Up to `length` bytes from `position`; shorter at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes all of `bytes` or fails. Not durable before `sync`. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves when everything written is durable (fdatasync). A failure is final: what was written may be lost. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Of what `replace` is given, in one piece. */
export function copyOf(content: Uint8Array | Iterable<Uint8Array>): Uint8Array {
  if (content instanceof Uint8Array) return Uint8Array.from(content);
  const pieces = Array.from(content, (piece) => Uint8Array.from(piece));
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
