/** The segments of a record that are in hand, read once each. */
import { changesIn } from "../object-changes.ts";
import type { Unpack } from "../object-changes.ts";
import { TraceRecord } from "../record.ts";
import type { ChangeBatch, Checksum, Damage, Segment } from "./format.ts";
import { SEGMENT_CLASSES, decodeSegment, partsOfName } from "./format.ts";
import { SegmentEvents } from "./segment-events.ts";
import { SegmentIndex } from "./segment-index.ts";

/** `events`: as the shelf gives them. Changes of objects are unpacked when they are asked for. */
export function recordOf(shelf: SegmentShelf, events: SegmentEvents, unpack: Unpack): TraceRecord {
  const { changes } = shelf;
  return new TraceRecord({ events, gaps: events.gaps(), changes: () => changesIn(changes, unpack) });
}

interface Held {
  readonly segment: Segment;
  readonly bytes: number;
  index: SegmentIndex | undefined;
}

export class SegmentShelf {
  private readonly checksum: Checksum;
  /** By file name. */
  private readonly held = new Map<string, Held>();

  constructor(checksum: Checksum) {
    this.checksum = checksum;
  }

  /** Whether the file is in hand as it is when it has so many bytes: files only grow. */
  has(name: string, bytes: number): boolean {
    return this.held.get(name)?.bytes === bytes;
  }

  /** Errors: TRACE_NEWER, TRACE_DAMAGED. */
  put(name: string, file: Uint8Array): void {
    const segment = decodeSegment(file, name, this.checksum);
    this.held.set(name, { segment, bytes: file.length, index: undefined });
  }

  /** Lets go of what is not there any more. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.held.keys()) if (!names.has(name)) this.held.delete(name);
  }

  clear(): void {
    this.held.clear();
  }

  get damages(): readonly Damage[] {
    return this.inOrder().flatMap(({ segment }) => segment.damages);
  }

  get changes(): readonly ChangeBatch[] {
    return this.inOrder().flatMap(({ segment }) => segment.changes);
  }

  /** `unsaved`: what stands in no file yet, as if it were the last segments. */
  events(unsaved: readonly Segment[] = []): SegmentEvents {
    const seen = new Map<string, Map<string, number>>();
    const indexed = (segment: Segment, known?: SegmentIndex): SegmentIndex => {
      const key = `${segment.header.class} ${segment.header.run}`;
      const last = seen.get(key) ?? new Map<string, number>();
      seen.set(key, last);
      const index = known ?? new SegmentIndex(segment, last);
      for (const actor of index.actors) last.set(actor, Math.max(last.get(actor) ?? 0, index.lastSequenceOf(actor)));
      return index;
    };
    const indexes = this.inOrder().map((held) => (held.index = indexed(held.segment, held.index)));
    return new SegmentEvents([...indexes, ...unsaved.map((segment) => indexed(segment))]);
  }

  private inOrder(): readonly Held[] {
    return [...this.held.entries()]
      .map(([name, held]) => ({ held, parts: partsOfName(name) }))
      .sort(
        (left, right) =>
          rank(left.parts?.class) - rank(right.parts?.class) ||
          left.held.segment.header.number - right.held.segment.header.number,
      )
      .map(({ held }) => held);
  }
}

function rank(of: (typeof SEGMENT_CLASSES)[number] | undefined): number {
  return of === undefined ? -1 : SEGMENT_CLASSES.indexOf(of);
}
