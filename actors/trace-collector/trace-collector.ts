/** Serves the flight recorders of all actors as one log. It reads them only while somebody asks: tracing costs no more idle. */
import type { TraceCollectorMethods, TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import type { ActorDefinition, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";
import { answerFrom } from "./core/answer.ts";
import { checkFilter } from "./core/filter.ts";
import { TraceRecord } from "./core/record.ts";
import { RingReader } from "./ring-reader.ts";
import type { TraceCollectorOptions } from "./spec.ts";

export const traceCollectorActor: ActorDefinition<TraceCollectorMethods, TraceCollectorOptions> = defineActor(
  traceCollectorProtocol,
  ({ clock, options }) => ({
    handlers: {
      check: (filter) => {
        checkFilter(filter, Object.keys(options.rings));
        return null;
      },
      events: ({ limit = Infinity, ...filter }) => {
        const events = new RingReader(() => options.rings, filter).read();
        return { events: events.slice(Math.max(0, events.length - limit)) };
      },
      ask: (question) =>
        answerFrom(new TraceRecord({ events: new RingReader(() => options.rings, {}).read() }), question),
      follow: (filter, sink) => follow(filter, sink, clock, options),
    },
  }),
);

function follow(
  filter: TraceFilter,
  sink: Sink<readonly TraceEvent[]>,
  clock: Clock,
  { rings, periodMs, batchMax }: TraceCollectorOptions,
): void {
  const reader = new RingReader(() => rings, filter);
  const look = (): void => {
    // A follower that is behind gets the next batches later; what the recorders drop meanwhile shows as a gap in the sequence.
    if (sink.buffered > 0) return;
    const events = reader.read();
    for (let at = 0; at < events.length; at += batchMax) sink.push(events.slice(at, at + batchMax));
  };
  look();
  const timer = clock.every(periodMs, look);
  sink.signal.addEventListener("abort", () => timer.cancel());
}
