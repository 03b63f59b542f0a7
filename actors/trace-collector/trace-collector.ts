/**
 * Keeps the flight recorders of all actors on the disk, and answers for them: so that neither the program that embeds a cluster nor
 * an API server stops over a large record.
 */
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { TraceCollectorMethods, TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import type { ActorDefinition, Context, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { answerFrom } from "./core/answer.ts";
import { checkFilter, matches, wantsActor } from "./core/filter.ts";
import { linesOf } from "./core/ndjson.ts";
import type { TraceRecord } from "./core/record.ts";
import { whenRung } from "./io/bell.ts";
import { checksum } from "./io/checksum.ts";
import { newHash, pack, unpack } from "./io/pack.ts";
import { ObjectWatch } from "./object-watch.ts";
import { RecordKeeper } from "./record-keeper.ts";
import { RingReader, withinBound } from "./ring-reader.ts";
import type { TraceCollectorOptions } from "./spec.ts";
import { limitsOf } from "./spec.ts";

/** Batches that may wait in a stream while more are read, and how long one that is behind is left alone. */
const BATCHES_AHEAD = 4;
const BEHIND_MS = 5;

export const traceCollectorActor: ActorDefinition<TraceCollectorMethods, TraceCollectorOptions> = defineActor(
  traceCollectorProtocol,
  (ctx) => {
    const { options, disk, clock, log } = ctx;
    const { rings } = options;
    const members = options.members.map((name) => ctx.ref(etcdProtocol, name));
    const watch = (revision: number | undefined): ObjectWatch => {
      const home = { members, clock, stopping: ctx.stopping, hash: newHash(), pack };
      const objects = new ObjectWatch(home, revision);
      ctx.spawn(() => objects.run());
      return objects;
    };
    const limits = limitsOf(options);
    const keeper = new RecordKeeper({ rings, disk, clock, log, checksum, limits, watch, unpack });
    const take = (): void => ctx.spawn(() => keeper.take());
    const bells = Object.values(rings).map((ring) => whenRung(ring, take));
    const silence = (): void => bells.forEach((stop) => stop());
    const timer = clock.every(options.keepPeriodMs, take);
    ctx.onEnd(silence);
    take();
    return {
      handlers: {
        check: (filter) => {
          checkFilter(filter, Object.keys(rings));
          return null;
        },
        events: (filter, sink) => tellAll(filter, sink, keeper, ctx),
        record: async (_, sink) => tell(linesOf((await keeper.record()).record), sink, ctx),
        ask: async (question) => answerFrom((await keeper.record()).record, question),
        follow: (filter, sink) => follow(filter, sink, ctx),
      },
      stop: async () => {
        timer.cancel();
        silence();
        await keeper.close();
      },
      state: () => keeper.state,
    };
  },
);

async function tellAll(
  filter: TraceFilter,
  sink: Sink<readonly TraceEvent[]>,
  keeper: RecordKeeper,
  { options, clock }: Context<TraceCollectorOptions>,
): Promise<void> {
  checkFilter(filter, Object.keys(options.rings));
  const { record } = await keeper.record();
  await tell(matching(record, filter), sink, { options, clock });
}

function* matching(record: TraceRecord, filter: TraceFilter): Iterable<TraceEvent> {
  for (const event of record.inOrder((actor) => wantsActor(filter, actor))) if (matches(filter, event)) yield event;
}

/** In batches, no faster than they are taken. */
async function tell<Item>(
  items: Iterable<Item>,
  sink: Sink<readonly Item[]>,
  { options, clock }: Pick<Context<TraceCollectorOptions>, "options" | "clock">,
): Promise<void> {
  let batch: Item[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < options.batchMax) continue;
    sink.push(batch);
    batch = [];
    while (sink.buffered > BATCHES_AHEAD && !sink.signal.aborted) await clock.sleep(BEHIND_MS);
    if (sink.signal.aborted) return;
  }
  if (batch.length > 0) sink.push(batch);
  sink.end();
}

function follow(
  filter: TraceFilter,
  sink: Sink<readonly TraceEvent[]>,
  { options, clock }: Context<TraceCollectorOptions>,
): void {
  const { rings, followPeriodMs, batchMax, waitingMax } = options;
  const reader = new RingReader(() => rings, filter);
  let waiting: TraceEvent[] = [];
  const look = (): void => {
    for (const event of reader.read()) waiting.push(event);
    waiting = withinBound(waiting, waitingMax);
    // A follower that is behind gets the next batches later.
    while (waiting.length > 0 && sink.buffered === 0) sink.push(waiting.splice(0, batchMax));
  };
  look();
  const timer = clock.every(followPeriodMs, look);
  const bells = Object.values(rings).map((ring) => whenRung(ring, look));
  sink.signal.addEventListener("abort", () => {
    timer.cancel();
    bells.forEach((stop) => stop());
  });
}
