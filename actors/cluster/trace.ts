/** The trace of a cluster: what its actors did, and what is asked of that. The same door on a running cluster and on a record. */
import type {
  AnswerTo,
  Explanation,
  TraceCollectorMethods,
  TraceEvent,
  TraceFilter,
  TraceQuestion,
} from "../../protocols/trace-collector.ts";
import type { Consumer, Ref, Subscription } from "../../runtime/actor.ts";
import { clearInterval, setInterval } from "../../runtime/threads/machine-clock.ts";
import { answerFrom } from "../trace-collector/core/answer.ts";
import { matches, wantsActor } from "../trace-collector/core/filter.ts";
import { contentsOfLines } from "../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import type { Rings } from "../trace-collector/ring-reader.ts";
import { RingReader } from "../trace-collector/ring-reader.ts";

export type { Explanation, TraceFilter };

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

  /** Why an object (`pod/web-1`, `pods/shop/web-1`, `node/worker-1`) or an actor is as it is. Errors: NOT_RECORDED. */
  async why(ref: string): Promise<Explanation> {
    return (await this.source.ask({ ask: "why", ref })).explanation;
  }
}

/** The door to a record that is in hand: one that was opened, or a simulation's. */
export function traceOf(record: TraceRecord, warnings: readonly string[] = []): Trace {
  const source: TraceSource = {
    ask: async <Q extends TraceQuestion>(question: Q) => answerFrom(record, question) as AnswerTo<Q>,
    events: async (filter) => {
      const found: TraceEvent[] = [];
      for (const event of record.inOrder((actor) => wantsActor(filter, actor))) {
        if (matches(filter, event)) found.push(event);
      }
      return found;
    },
    record: async () => record,
  };
  return new Trace(source, warnings);
}

/** The trace of a running cluster. Its collector answers, on a thread of its own. */
export class ClusterTrace extends Trace {
  private readonly rings: () => Rings;

  constructor(rings: () => Rings, collector: () => Ref<TraceCollectorMethods>) {
    super({
      ask: async <Q extends TraceQuestion>(question: Q) => (await collector().call("ask", question)) as AnswerTo<Q>,
      events: (filter) => allOf((consumer) => collector().stream("events", filter, consumer)),
      record: async () =>
        new TraceRecord(contentsOfLines(await allOf((consumer) => collector().stream("record", null, consumer)))),
    });
    this.rings = rings;
  }

  /** Calls back with what is new, every `periodMs`. It costs nothing when nobody follows. Errors: as of `events`, at once. */
  follow(filter: TraceFilter, onEvents: (events: readonly TraceEvent[]) => void, periodMs = 100): { stop(): void } {
    const reader = new RingReader(this.rings, filter);
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
