/**
 * What objects were, in files: what stands once, and what is written after it. Before half of the room is full of that, what stands is
 * written anew, so that the oldest files may go.
 */
import { hasCode } from "../../protocols/errors.ts";
import type { Logger } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ChangeBatch, Checksum } from "./core/segments/format.ts";
import { decodeSegment, encodeChangeBatch, partsOfName } from "./core/segments/format.ts";
import type { ObjectWatch } from "./object-watch.ts";
import type { RecordFiles } from "./record-files.ts";

/**
 * Changes are gathered for so long, unless they are many: they are packed together, and one is like the other. Less than what a
 * keeper looks for what is new after, so that each of its looks finds them due: what is younger is lost at a SIGKILL.
 */
const GATHER_MS = 100;
const GATHER_BYTES = 65_536;

export interface KeptObjects {
  /** Up to which the files have all. */
  readonly revision: number;
  /** Of the last base, and of what came after it. */
  readonly baseBytes: number;
  readonly changedBytes: number;
}

interface Home {
  readonly clock: Clock;
  readonly checksum: Checksum;
  readonly log: Logger;
  readonly bytesMax: number;
}

export class ObjectFiles {
  private readonly watch: ObjectWatch;
  private readonly home: Home;
  private baseBytes: number;
  private changedBytes: number;
  /** What stands does not fit into the room. */
  private isTooLarge = false;
  private savedMs: number;

  /** What is there of earlier; undefined when nothing can be gone on with. Errors: the disk's. */
  static async keptIn(files: RecordFiles, checksum: Checksum): Promise<KeptObjects | undefined> {
    const names = files.files.map(({ name }) => name).filter((name) => partsOfName(name)?.class === "objects");
    let kept: KeptObjects | undefined;
    let baseBytes = 0;
    for (const name of names) {
      for (const batch of batchesOf(await files.read(name), name, checksum)) {
        const { part, lastRevision } = batch;
        if (part === "base") baseBytes += roomOf(batch);
        else if (part === "base-end") {
          kept = { revision: lastRevision, baseBytes, changedBytes: 0 };
          baseBytes = 0;
        } else if (kept !== undefined) {
          kept = { ...kept, revision: lastRevision, changedBytes: kept.changedBytes + roomOf(batch) };
        }
      }
    }
    return kept;
  }

  constructor(watch: ObjectWatch, kept: KeptObjects | undefined, home: Home) {
    this.watch = watch;
    this.home = home;
    this.savedMs = home.clock.monotonicMs();
    this.baseBytes = kept?.baseBytes ?? 0;
    this.changedBytes = kept?.changedBytes ?? 0;
  }

  /** Whether it is time to save what is new. */
  get isDue(): boolean {
    const bytes = this.watch.newBytes;
    return bytes >= GATHER_BYTES || (bytes > 0 && this.home.clock.monotonicMs() - this.savedMs >= GATHER_MS);
  }

  /** Resolves when what was written before is to be had. */
  reach(): Promise<void> {
    return this.watch.reach();
  }

  /** Errors: the disk's; what could not be written waits on. */
  async save(files: RecordFiles): Promise<void> {
    const batches = this.watch.batches();
    if (batches.length === 0) return;
    const { checksum, bytesMax, log, clock } = this.home;
    this.savedMs = clock.monotonicMs();
    const half = bytesMax / 2;
    const base = batches.filter(({ part }) => part !== "change").reduce((sum, batch) => sum + roomOf(batch), 0);
    if (base > half && !this.isTooLarge)
      log.warn("the trace has no room for the objects of the store", { bytes: base });
    this.isTooLarge = base > half || (this.isTooLarge && base === 0);
    if (!this.isTooLarge) {
      for (const batch of batches) {
        const bytes = encodeChangeBatch(batch, checksum);
        await files.append("objects", files.fileFor("objects", bytes.length), [bytes]);
      }
    }
    this.watch.taken(batches);
    if (base > 0) {
      this.baseBytes = base;
      this.changedBytes = 0;
    }
    for (const batch of batches) if (batch.part === "change") this.changedBytes += roomOf(batch);
    // Not each time that little was written to a large store: to read it costs as much as what it is.
    if (this.changedBytes > (this.isTooLarge ? half : Math.max(half - this.baseBytes, half / 4))) this.watch.renew();
  }
}

function roomOf({ packed, heads }: ChangeBatch): number {
  return packed.length + (heads?.length ?? 0);
}

function batchesOf(file: Uint8Array | undefined, name: string, checksum: Checksum): readonly ChangeBatch[] {
  if (file === undefined) return [];
  try {
    return decodeSegment(file, name, checksum).changes;
  } catch (error) {
    if (hasCode(error, "TRACE_NEWER", "TRACE_DAMAGED")) return [];
    throw error;
  }
}
