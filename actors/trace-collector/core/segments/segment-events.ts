/** The events of many segments as one record. Sequences of earlier runs of the program stand below 1. */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { compareEvents } from "../../../../protocols/trace-events.ts";
import type { EventIndex } from "../events.ts";
import type { TraceGap } from "../record.ts";
import type { Cursor } from "./merge.ts";
import { merged } from "./merge.ts";
import type { SegmentIndex } from "./segment-index.ts";

interface Run {
  readonly run: number;
  readonly segments: readonly SegmentIndex[];
  /** What the sequences of an actor have less in this run than in the record, so that no two events have one name. */
  readonly base: ReadonlyMap<string, number>;
}

export class SegmentEvents implements EventIndex {
  private readonly runs: readonly Run[];
  private all: readonly TraceEvent[] | undefined;

  /** @param segments of one directory, by class and number */
  constructor(segments: readonly SegmentIndex[]) {
    this.runs = runsOf(segments);
  }

  get count(): number {
    return this.runs.flatMap(({ segments }) => segments).reduce((sum, { count }) => sum + count, 0);
  }

  get events(): readonly TraceEvent[] {
    return (this.all ??= [...this.inOrder()]);
  }

  /** All events one by one, in causal order: as many are made as are taken. `wanted`: whose. */
  inOrder(wanted: (actor: string) => boolean = () => true): Iterable<TraceEvent> {
    const cursors = this.runs.flatMap((run) =>
      run.segments.flatMap((segment) =>
        segment
          .cursors()
          .filter(({ actor }) => wanted(actor))
          .map((cursor) => toldBy(run, cursor)),
      ),
    );
    return merged(cursors);
  }

  named(name: string): TraceEvent | undefined {
    const mark = name.lastIndexOf("#");
    const actor = name.slice(0, mark);
    const sequence = Number(name.slice(mark + 1));
    if (mark < 0 || !Number.isSafeInteger(sequence)) return undefined;
    for (const run of this.runs) {
      const local = sequence - (run.base.get(actor) ?? 0);
      if (local < 1) continue;
      for (const segment of run.segments) {
        const found = segment.named(actor, local);
        if (found !== undefined) return told(run, found);
      }
    }
    return undefined;
  }

  about(subject: string): readonly TraceEvent[] {
    return this.from((segment) => segment.about(subject));
  }

  of(actor: string, kinds?: ReadonlySet<string>): readonly TraceEvent[] {
    return this.from((segment) => segment.of(actor, kinds));
  }

  ofKind(kinds: ReadonlySet<string>): readonly TraceEvent[] {
    return this.from((segment) => segment.ofKind(kinds));
  }

  causedBy(name: string): readonly TraceEvent[] {
    return this.from((segment, run) => segment.causedBy(localName(run, name)));
  }

  subjects(): readonly string[] {
    const segments = this.runs.flatMap((run) => run.segments);
    return [...new Set(segments.flatMap((segment) => [...segment.subjects().keys()]))];
  }

  /** What an actor recorded and is not here: lost before it was kept, or driven out since. */
  gaps(): readonly TraceGap[] {
    return this.runs.flatMap((run) => {
      const actors = [...new Set(run.segments.flatMap((segment) => segment.actors))];
      return actors.flatMap((actor) => gapsOf(run, actor));
    });
  }

  private from(find: (segment: SegmentIndex, run: Run) => readonly TraceEvent[]): readonly TraceEvent[] {
    return this.runs
      .flatMap((run) => run.segments.flatMap((segment) => find(segment, run).map((event) => told(run, event))))
      .sort(compareEvents);
  }
}

/** Newest first. */
function runsOf(segments: readonly SegmentIndex[]): readonly Run[] {
  const numbers = [...new Set(segments.map(({ header }) => header.run))].sort((left, right) => right - left);
  let base = new Map<string, number>();
  return numbers.map((run, index) => {
    const ofRun = segments.filter(({ header }) => header.run === run);
    if (index > 0) {
      base = new Map(base);
      for (const actor of new Set(ofRun.flatMap(({ actors }) => actors))) {
        const last = Math.max(...ofRun.map((segment) => segment.lastSequenceOf(actor)));
        base.set(actor, (base.get(actor) ?? 0) - last);
      }
    }
    return { run, segments: ofRun, base };
  });
}

/** Names are the record's, places the run's. */
function toldBy(run: Run, cursor: Cursor): Cursor {
  if (run.base.size === 0) return cursor;
  return {
    get actor() {
      return cursor.actor;
    },
    get sequence() {
      return cursor.sequence + (run.base.get(cursor.actor) ?? 0);
    },
    get lamport() {
      return cursor.lamport;
    },
    event: () => told(run, cursor.event()),
    next: () => cursor.next(),
  };
}

/** As the record names it. */
function told({ base }: Run, event: TraceEvent): TraceEvent {
  if (base.size === 0) return event;
  const mark = event.cause.lastIndexOf("#");
  const offset = mark < 0 ? undefined : base.get(event.cause.slice(0, mark));
  const cause =
    offset === undefined
      ? event.cause
      : `${event.cause.slice(0, mark)}#${Number(event.cause.slice(mark + 1)) + offset}`;
  return { ...event, sequence: event.sequence + (base.get(event.actor) ?? 0), cause };
}

function localName({ base }: Run, name: string): string {
  const mark = name.lastIndexOf("#");
  const offset = base.get(name.slice(0, mark)) ?? 0;
  return offset === 0 ? name : `${name.slice(0, mark)}#${Number(name.slice(mark + 1)) - offset}`;
}

/** Holes between the spans of both classes. */
function gapsOf({ segments, base }: Run, actor: string): readonly TraceGap[] {
  const offset = base.get(actor) ?? 0;
  const ofClass = (of: string): readonly (readonly [number, number, number])[] =>
    segments.filter(({ header }) => header.class === of).flatMap((segment) => segment.spansOf(actor));
  const present = [...ofClass("messages"), ...ofClass("events")].reduce((sum, [, count]) => sum + count, 0);
  const last = Math.max(0, ...segments.map((segment) => segment.lastSequenceOf(actor)));
  const overrun = segments
    .flatMap(({ segment }) => segment.gaps)
    .filter((gap) => gap.actor === actor)
    .filter((gap, index, all) => all.findIndex(({ after }) => after === gap.after) === index);
  const lost = overrun.reduce((sum, gap) => sum + gap.lost, 0);
  const drivenOut = last - present - lost;
  return [
    ...(drivenOut > 0 ? [{ actor, after: offset, lost: drivenOut }] : []),
    ...overrun.map(({ after, lost: count }) => ({ actor, after: after + offset, lost: count })),
  ];
}
