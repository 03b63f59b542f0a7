/**
 * The files of a record: one is written, older ones are whole, and the oldest goes when there are too many bytes. Nothing is
 * synced: what the operating system has taken survives the end of the program, however it ends, and of the machine's end a record
 * need not tell.
 */
import { hasCode } from "../../protocols/errors.ts";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import type { Checksum, SegmentClass, SegmentHeader } from "./core/segments/format.ts";
import {
  HEADER_BYTES,
  SEGMENT_CLASSES,
  decodeHeader,
  encodeHeader,
  fileName,
  partsOfName,
} from "./core/segments/format.ts";

/** Within the collector's own directory. */
export const RECORD_DIRECTORY = "trace";

export interface FileLimits {
  /** Of one file. */
  readonly segmentBytes: number;
  /** Of all files of a class. */
  readonly bytesMax: { readonly [of in SegmentClass]: number };
}

interface Whole {
  readonly name: string;
  readonly bytes: number;
}

interface OfClass {
  /** Oldest first. */
  whole: Whole[];
  written: { readonly name: string; readonly file: DiskFile; bytes: number; isTorn: boolean } | undefined;
  number: number;
}

export class RecordFiles {
  readonly run: number;
  private readonly disk: Disk;
  private readonly limits: FileLimits;
  private readonly checksum: Checksum;
  private readonly classes: { readonly [of in SegmentClass]: OfClass };

  /** `isNewRun`: the program has begun anew since the newest file was written. Errors: the disk's. */
  static async open(disk: Disk, limits: FileLimits, checksum: Checksum, isNewRun: boolean): Promise<RecordFiles> {
    const names = (await disk.list(RECORD_DIRECTORY)).filter((name) => partsOfName(name) !== undefined);
    let run = 0;
    const found = new Map<string, number>();
    for (const name of names) {
      const file = await disk.open(`${RECORD_DIRECTORY}/${name}`);
      try {
        found.set(name, file.sizeBytes);
        run = Math.max(run, runOf(await file.read(0, HEADER_BYTES), name, checksum));
      } finally {
        await file.close();
      }
    }
    return new RecordFiles(disk, limits, checksum, isNewRun ? run + 1 : Math.max(1, run), found);
  }

  private constructor(
    disk: Disk,
    limits: FileLimits,
    checksum: Checksum,
    run: number,
    found: ReadonlyMap<string, number>,
  ) {
    this.disk = disk;
    this.limits = limits;
    this.checksum = checksum;
    this.run = run;
    const ofClass = (of: SegmentClass): OfClass => {
      const whole = [...found]
        .map(([name, bytes]) => ({ name, bytes, parts: partsOfName(name) }))
        .filter(({ parts }) => parts?.class === of)
        .sort((left, right) => (left.parts?.number ?? 0) - (right.parts?.number ?? 0));
      return { whole, written: undefined, number: whole.at(-1)?.parts?.number ?? 0 };
    };
    this.classes = { messages: ofClass("messages"), events: ofClass("events"), objects: ofClass("objects") };
  }

  /** Names and sizes of all files. */
  get files(): readonly Whole[] {
    return SEGMENT_CLASSES.flatMap((of) => {
      const { whole, written } = this.classes[of];
      return written === undefined ? whole : [...whole, { name: written.name, bytes: written.bytes }];
    });
  }

  /** The file that the next `append` of the class goes to, with room for so many bytes where it has any left. */
  fileFor(of: SegmentClass, bytes: number): number {
    const { written, number } = this.classes[of];
    return written !== undefined && written.bytes + bytes <= this.limits.segmentBytes ? number : number + 1;
  }

  /** Batches, in one write, to the file of that number. Errors: the disk's; nothing of it counts as written then. */
  async append(of: SegmentClass, number: number, batches: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(batches);
    await this.makeRoom(of, bytes.length + HEADER_BYTES);
    const written = await this.fileOf(of, number);
    if (written.isTorn) await written.file.truncate(written.bytes);
    written.isTorn = true;
    await written.file.write(written.bytes, bytes);
    written.bytes += bytes.length;
    written.isTorn = false;
  }

  /** The bytes of a file; undefined when it has gone meanwhile. */
  read(name: string): Promise<Uint8Array | undefined> {
    return this.disk.read(`${RECORD_DIRECTORY}/${name}`);
  }

  async close(): Promise<void> {
    for (const of of SEGMENT_CLASSES) await this.endFile(this.classes[of]);
  }

  private async fileOf(of: SegmentClass, number: number): Promise<NonNullable<OfClass["written"]>> {
    const own = this.classes[of];
    if (own.written !== undefined && own.number === number) return own.written;
    await this.endFile(own);
    const header: SegmentHeader = { class: of, run: this.run, number };
    const name = fileName(header);
    const file = await this.disk.open(`${RECORD_DIRECTORY}/${name}`, { create: true });
    try {
      await file.write(0, encodeHeader(header, this.checksum));
    } catch (error) {
      await file.close();
      await this.disk.remove(`${RECORD_DIRECTORY}/${name}`).catch(() => undefined);
      throw error;
    }
    own.number = number;
    return (own.written = { name, file, bytes: HEADER_BYTES, isTorn: false });
  }

  private async endFile(own: OfClass): Promise<void> {
    const { written } = own;
    if (written === undefined) return;
    own.written = undefined;
    own.whole.push({ name: written.name, bytes: written.bytes });
    await written.file.close();
  }

  private async makeRoom(of: SegmentClass, bytes: number): Promise<void> {
    const own = this.classes[of];
    const total = (): number => own.whole.reduce((sum, file) => sum + file.bytes, own.written?.bytes ?? 0);
    while (own.whole.length > 0 && total() + bytes > this.limits.bytesMax[of]) {
      const oldest = own.whole[0]!;
      await this.disk.remove(`${RECORD_DIRECTORY}/${oldest.name}`);
      own.whole.shift();
    }
  }
}

/** Of a file that can't be read, 0: its like is told when the record is read. */
function runOf(header: Uint8Array, name: string, checksum: Checksum): number {
  try {
    return decodeHeader(header, name, checksum).run;
  } catch (error) {
    if (hasCode(error, "TRACE_NEWER", "TRACE_DAMAGED")) return 0;
    throw error;
  }
}
