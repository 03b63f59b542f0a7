/**
 * Keeps what all flight recorders hold: copies new records, as they are, from the rings to files, and reads them when somebody asks.
 * When a disk takes nothing the recorders go on; what they overwrite until it does again is a gap, and is told.
 */
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Logger } from "../../runtime/actor.ts";
import type { RingCopy } from "../../runtime/trace/ring.ts";
import { NAMES_AT, copyRing, setTaken, takenOf, untakenOf } from "../../runtime/trace/ring.ts";
import type { Unpack } from "./core/object-changes.ts";
import type { TraceRecord } from "./core/record.ts";
import type { Apart } from "./core/segments/by-class.ts";
import { byClass } from "./core/segments/by-class.ts";
import type { Checksum, Damage, Gap, RecordedClass, Segment } from "./core/segments/format.ts";
import { RECORDED_CLASSES, encodeGap, encodeRecords } from "./core/segments/format.ts";
import { SegmentShelf, recordOf } from "./core/segments/shelf.ts";
import { ObjectFiles } from "./object-files.ts";
import type { ObjectWatch } from "./object-watch.ts";
import type { FileLimits } from "./record-files.ts";
import { RecordFiles } from "./record-files.ts";
import type { Rings } from "./ring-reader.ts";

/** How long a disk that takes nothing is left alone. */
const PAUSE_MS = 1_000;
/** What is in hand for questions is let go when nobody has asked for so long. */
const HOLD_MS = 30_000;
/** Of a batch besides its words: the header, the actor, and all names of a ring. */
const BATCH_EXTRA_BYTES = 9_000;

interface Source {
  readonly actor: string;
  readonly ring: SharedArrayBuffer;
  readonly words: Int32Array;
  /** By class: the file that has names of the actor, and up to which. */
  readonly named: Map<RecordedClass, { readonly file: number; readonly end: number }>;
}

/** New records of an actor. */
interface New {
  readonly source: Source;
  readonly copy: RingCopy;
  readonly apart: Apart;
  readonly gap: Gap | undefined;
}

export interface KeeperHome {
  readonly rings: Rings;
  readonly disk: Disk;
  readonly limits: FileLimits;
  readonly checksum: Checksum;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who follows the store from that revision on, or anew; undefined where there is none. Called once. */
  readonly watch?: (revision: number | undefined) => ObjectWatch;
  readonly unpack: Unpack;
}

export class RecordKeeper {
  private readonly home: KeeperHome;
  /** The program has begun anew since the newest file was written. */
  private readonly isNewRun: boolean;
  /** Undefined until the disk has been there once. */
  private files: RecordFiles | undefined;
  private readonly sources: readonly Source[];
  private readonly shelf: SegmentShelf;
  /** One thing at a time: what is asked for meanwhile comes after it. */
  private last: Promise<unknown> = Promise.resolve();
  private isTaking = false;
  /** Until when the disk is left alone, on the monotonic clock, and what was wrong with it. */
  private trouble: { readonly untilMs: number; readonly message: string } | undefined;
  private lost = 0;
  private release: Timer | undefined;
  private objects: ObjectFiles | undefined;

  constructor(home: KeeperHome) {
    this.home = home;
    this.isNewRun = Object.values(home.rings).every((ring) => takenOf(ring).sequence === 0);
    this.shelf = new SegmentShelf(home.checksum);
    this.sources = Object.entries(home.rings).map(([actor, ring]) => ({
      actor,
      ring,
      words: new Int32Array(ring),
      named: new Map(),
    }));
  }

  /** Takes what is new. Never rejects: a disk that fails is told of, and asked again later. */
  async take(): Promise<void> {
    // Whoever comes meanwhile wants no more than what the next time takes.
    if (this.isTaking) return;
    const hasNothing = this.sources.every(({ words }) => untakenOf(words) === "nothing");
    if (hasNothing && this.files !== undefined && this.objects?.isDue !== true) return;
    this.isTaking = true;
    await this.inTurn(async () => {
      this.isTaking = false;
      await this.takeAll(false);
    });
  }

  /** All that was recorded before the call. Errors: TRACE_NEWER; what else can't be read is a damage. */
  async record(): Promise<{ readonly record: TraceRecord; readonly damages: readonly Damage[] }> {
    await this.objects?.reach();
    return this.inTurn(async () => {
      await this.takeAll(true);
      const files = this.files?.files ?? [];
      const damages: Damage[] = [];
      for (const { name, bytes } of files) {
        if (this.shelf.has(name, bytes)) continue;
        const content = await this.files?.read(name);
        try {
          if (content !== undefined) this.shelf.put(name, content.subarray(0, bytes));
        } catch (error) {
          if (!hasCode(error, "TRACE_DAMAGED", "TRACE_NEWER")) throw error;
          damages.push({ file: name, atByte: 0, bytes });
        }
      }
      this.shelf.keepOnly(new Set(files.map(({ name }) => name)));
      this.holdOn();
      const events = this.shelf.events(this.trouble === undefined ? [] : this.unsaved());
      return {
        record: recordOf(this.shelf, events, this.home.unpack),
        damages: [...damages, ...this.shelf.damages],
      };
    });
  }

  /** For a person who looks into the collector. */
  get state(): unknown {
    const { files = [], run = 0 } = this.files ?? {};
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { run, files: files.length, bytes, lost: this.lost, trouble: this.trouble?.message ?? null };
  }

  async close(): Promise<void> {
    this.release?.cancel();
    await this.inTurn(async () => {
      await this.takeAll(true);
      await this.files?.close();
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** `isAsked`: somebody wants all that there is. */
  private async takeAll(isAsked: boolean): Promise<void> {
    const { clock, log } = this.home;
    if (this.trouble !== undefined && clock.monotonicMs() < this.trouble.untilMs) return;
    const { disk, limits, checksum } = this.home;
    const found = this.newRecords();
    try {
      const files = (this.files ??= await RecordFiles.open(disk, limits, checksum, this.isNewRun));
      this.objects ??= await this.openObjects(files);
      await this.save(found, files);
      if (isAsked || this.objects?.isDue === true) await this.objects?.save(files);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      const { message } = error;
      if (this.trouble === undefined) log.warn("the trace is not recorded on the disk any more", { message });
      this.trouble = { untilMs: clock.monotonicMs() + PAUSE_MS, message };
      // What names stand in a file is not known any more.
      for (const { named } of this.sources) named.clear();
      return;
    }
    if (this.trouble !== undefined) log.info("the trace is recorded on the disk again");
    this.trouble = undefined;
    for (const { source, copy, apart, gap } of found) {
      setTaken(source.ring, copy.end, apart.lastSequence);
      this.lost += gap?.lost ?? 0;
    }
  }

  private async openObjects(files: RecordFiles): Promise<ObjectFiles | undefined> {
    const { watch, clock, checksum, limits, log } = this.home;
    if (watch === undefined) return undefined;
    const kept = await ObjectFiles.keptIn(files, checksum);
    return new ObjectFiles(watch(kept?.revision), kept, { clock, checksum, log, bytesMax: limits.bytesMax.objects });
  }

  private newRecords(): readonly New[] {
    return this.sources.flatMap((source) => {
      if (untakenOf(source.words) === "nothing") return [];
      const taken = takenOf(source.ring);
      const copy = copyRing(source.ring, taken.position);
      if (copy === undefined) return [];
      const apart = byClass(copy.words);
      const lost = apart.firstSequence - taken.sequence - 1;
      const gap = lost > 0 ? { actor: source.actor, after: taken.sequence, lost } : undefined;
      return [{ source, copy, apart, gap }];
    });
  }

  private async save(found: readonly New[], files: RecordFiles): Promise<void> {
    for (const of of RECORDED_CLASSES) {
      let batches: Uint8Array[] = [];
      let bytes = 0;
      let file = 0;
      const flush = async (): Promise<void> => {
        if (batches.length > 0) await files.append(of, file, batches);
        batches = [];
        bytes = 0;
      };
      for (const each of found) {
        const words = each.apart.of[of];
        const gap = of === "events" ? each.gap : undefined;
        if (words.length === 0 && gap === undefined) continue;
        const most = bytes + words.length * 4 + BATCH_EXTRA_BYTES;
        if (batches.length > 0 && files.fileFor(of, most) !== file) await flush();
        if (batches.length === 0) file = files.fileFor(of, words.length * 4 + BATCH_EXTRA_BYTES);
        if (gap !== undefined) batches.push(encodeGap(gap, this.home.checksum));
        if (words.length > 0) batches.push(this.encode(each, of, file));
        bytes = batches.reduce((sum, batch) => sum + batch.length, 0);
      }
      await flush();
    }
  }

  private encode({ source, copy, apart }: New, of: RecordedClass, file: number): Uint8Array {
    const known = source.named.get(of);
    const from = known?.file === file ? known.end : 0;
    source.named.set(of, { file, end: copy.names.length });
    const names = copy.names.subarray(from);
    const records = { actor: source.actor, namesAt: NAMES_AT + from, names, words: apart.of[of] };
    return encodeRecords(records, this.home.checksum);
  }

  /** What the recorders hold and no file has. */
  private unsaved(): readonly Segment[] {
    const found = this.newRecords();
    const gaps = found.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
    return RECORDED_CLASSES.map((of): Segment => {
      const records = found.map(({ source, copy, apart }) => ({
        actor: source.actor,
        namesAt: NAMES_AT,
        names: copy.names,
        words: apart.of[of],
      }));
      const header = { class: of, run: this.files?.run ?? 1, number: Number.MAX_SAFE_INTEGER };
      return { header, records, gaps: of === "events" ? gaps : [], changes: [], damages: [], tornBytes: 0 };
    });
  }

  private holdOn(): void {
    this.release?.cancel();
    this.release = this.home.clock.after(HOLD_MS, () => this.shelf.clear());
  }
}
