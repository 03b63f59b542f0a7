/** The trace of a cluster: what its actors did, and what is asked of that. The same door on a running cluster and on a record. */
import type {
  AnswerTo,
  Divergence,
  Explanation,
  Story,
  TraceCollectorMethods,
  TraceEvent,
  TraceFilter,
  TraceQuestion,
  WhyQuestion,
} from "../../protocols/trace-collector.ts";
import { writeFile } from "node:fs/promises";
import type { Consumer, Ref, Subscription } from "../../runtime/actor.ts";
import { clearInterval, setInterval } from "../../runtime/threads/machine-clock.ts";
import { answerFrom } from "../trace-collector/core/answer.ts";
import { divergenceOf } from "../trace-collector/core/divergence.ts";
import { checkFilter, matches, wantsActor } from "../trace-collector/core/filter.ts";
import { contentsOfLines } from "../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import type { Moment } from "../trace-collector/core/state.ts";
import type { StoryOptions } from "../trace-collector/core/story.ts";
import type { QueryOptions, QueryResult } from "../trace-collector/io/sql.ts";
import { queryRecord } from "../trace-collector/io/sql.ts";
import type { Rings } from "../trace-collector/ring-reader.ts";
import { RingReader } from "../trace-collector/ring-reader.ts";
import { PastState } from "./past-state.ts";
import type { ExportFormat, ExportOptions } from "./trace-export.ts";
import { exported } from "./trace-export.ts";
import { FOLLOW_DEFAULTS, TraceFollower } from "./trace-follow.ts";

export type {
  Divergence,
  Explanation,
  ExportFormat,
  ExportOptions,
  Moment,
  QueryOptions,
  QueryResult,
  Story,
  StoryOptions,
  TraceFilter,
  TraceFollower,
  WhyQuestion,
};

/** Who has the record. */
export interface TraceSource {
  ask<Q extends TraceQuestion>(question: Q): Promise<AnswerTo<Q>>;
  /** In causal order. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND. */
  events(filter: TraceFilter): Promise<readonly TraceEvent[]>;
  /** The whole of it, here. */
  record(): Promise<TraceRecord>;
}

export class Trace {
  /** What of a record that was opened can't be read, in a person's words. */
  readonly warnings: readonly string[];
  protected readonly source: TraceSource;

  constructor(source: TraceSource, warnings: readonly string[] = []) {
    this.source = source;
    this.warnings = warnings;
  }

  /** What is recorded, in causal order. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND. */
  async events(filter: TraceFilter = {}): Promise<readonly TraceEvent[]> {
    return this.source.events(filter);
  }

  /**
   * Why an object (`pod/web-1`, `pods/shop/web-1`, `node/worker-1`) or an actor is as it is; or what is asked of it.
   * Errors: NOT_RECORDED, NO_SUCH_QUESTION.
   */
  async why(ref: string, as?: WhyQuestion): Promise<Explanation> {
    return (await this.source.ask({ ask: "why", ref, ...(as === undefined ? {} : { as }) })).explanation;
  }

  /** All that happened to an object or an actor, with what each write changed. Errors: NOT_RECORDED. */
  async story(ref: string, { owners, acrossRecreate }: StoryOptions = {}): Promise<Story> {
    const more = owners === true ? ({ owners: "true" } as const) : {};
    const before = acrossRecreate === true ? ({ acrossRecreate: "true" } as const) : {};
    return (await this.source.ask({ ask: "story", ref, ...more, ...before })).story;
  }

  /**
   * What the objects were at a time (milliseconds since 1970), by an event (`scheduler-0#42`), or at a revision of the store.
   * Errors: NOT_RECORDED.
   */
  async at(when: Moment): Promise<PastState> {
    const at =
      typeof when === "object"
        ? `revision ${when.revision}`
        : typeof when === "number"
          ? new Date(when).toISOString()
          : when;
    return new PastState((await this.source.ask({ ask: "state", at })).state);
  }

  /** Where this record and another of the same story part. */
  async diff(other: Trace): Promise<Divergence> {
    return divergenceOf(await this.source.record(), await other.source.record());
  }

  /**
   * One statement of SQL that reads, about the tables `events`, `edges`, `writes`, `faults`, `gaps` and `objects`.
   * Errors: NO_SQLITE (Node.js before 22.5), INVALID_SQL, QUERY_TIMEOUT.
   */
  async query(sql: string, options: Partial<QueryOptions> = {}): Promise<QueryResult> {
    return queryRecord(await this.source.record(), sql, options);
  }

  /**
   * The record for another tool (`perfetto`, `otlp`, `shiviz`, `mermaid`, `ndjson`), or as one page (`html`) that needs no network.
   * Gives the text, or writes it to `file`. Errors: INVALID_ARGUMENT, INVALID_WHERE, and those of the file.
   */
  async export(
    format: ExportFormat,
    { file, ...options }: ExportOptions & { readonly file?: string } = {},
  ): Promise<string> {
    const text = exported(await this.source.record(), format, options);
    if (file === undefined) return [...text].join("");
    await writeFile(file, text);
    return file;
  }
}

/** The door to a record that is in hand: one that was opened, or a simulation's. */
export function traceOf(record: TraceRecord, warnings: readonly string[] = []): Trace {
  return new Trace(sourceOf(record), warnings);
}

/** A record that answers for itself. */
export function sourceOf(record: TraceRecord): TraceSource {
  return {
    ask: async <Q extends TraceQuestion>(question: Q) => answerFrom(record, question) as AnswerTo<Q>,
    events: async (filter) => {
      const found: TraceEvent[] = [];
      const actors = new Set<string>();
      const isWanted = (actor: string): boolean => {
        actors.add(actor);
        return wantsActor(filter, actor);
      };
      for (const event of record.inOrder(isWanted)) {
        if (matches(filter, event)) found.push(event);
      }
      checkFilter(filter, [...actors]);
      return found;
    },
    record: async () => record,
  };
}

/** The trace of a running cluster. Its collector answers, on a thread of its own. */
export class ClusterTrace extends Trace {
  private readonly rings: () => Rings;
  private readonly ended: AbortSignal;

  /** @param ended aborts when the cluster has stopped */
  constructor(rings: () => Rings, collector: () => Ref<TraceCollectorMethods>, ended: AbortSignal) {
    super({
      ask: async <Q extends TraceQuestion>(question: Q) => (await collector().call("ask", question)) as AnswerTo<Q>,
      events: (filter) => allOf((consumer) => collector().stream("events", filter, consumer)),
      record: async () =>
        new TraceRecord(contentsOfLines(await allOf((consumer) => collector().stream("record", null, consumer)))),
    });
    this.rings = rings;
    this.ended = ended;
  }

  /**
   * What is recorded, and then what is new, one event after the other: `for await (const event of cluster.trace.follow())`. An event of
   * the kind `gap` tells how many of which actor are lost (`lost=12`): to who takes too few, and those that were overwritten before
   * they were read. It ends with the cluster, or by `break`. Errors: as of `events`, at once.
   */
  follow(filter?: TraceFilter): TraceFollower;
  /** Calls back with what is recorded, and then with what is new, every `periodMs`. It costs nothing when nobody follows. */
  follow(filter: TraceFilter, onEvents: (events: readonly TraceEvent[]) => void, periodMs?: number): { stop(): void };
  follow(
    filter: TraceFilter = {},
    onEvents?: (events: readonly TraceEvent[]) => void,
    periodMs: number = FOLLOW_DEFAULTS.periodMs,
  ): TraceFollower | { stop(): void } {
    const reader = new RingReader(this.rings, filter);
    if (onEvents === undefined) return new TraceFollower(reader, this.ended, { ...FOLLOW_DEFAULTS, periodMs });
    const look = (): void => {
      const events = reader.read();
      if (events.length > 0) onEvents(events);
    };
    look();
    const timer = setInterval(look, periodMs);
    timer.unref();
    return { stop: () => clearInterval(timer) };
  }
}

function allOf<Item>(open: (consumer: Consumer<readonly Item[]>) => Subscription): Promise<readonly Item[]> {
  return new Promise((resolve, reject) => {
    const all: Item[] = [];
    open({
      next: (batch) => {
        for (const item of batch) all.push(item);
      },
      end: (error) => (error === undefined ? resolve(all) : reject(error)),
    });
  });
}
