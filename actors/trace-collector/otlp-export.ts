/**
 * Sends the running trace to an OpenTelemetry collector. It never holds anybody up: it reads the flight recorders, and what a
 * collector that is down or slow does not take in time is dropped, counted and told once.
 */
import type { TraceCollectorMethods, TraceEvent } from "../../protocols/trace-collector.ts";
import { traceCollectorProtocol } from "../../protocols/trace-collector.ts";
import type { ActorDefinition, Context } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { otlpTraces } from "./core/exports/otlp.ts";
import type { OutboxLimits } from "./core/otlp-outbox.ts";
import { OtlpOutbox, OUTBOX_LIMITS } from "./core/otlp-outbox.ts";
import type { OtlpPost } from "./io/otlp-post.ts";
import { RingReader } from "./ring-reader.ts";
import type { OtlpOptions, TraceCollectorOptions } from "./spec.ts";

/** How often the recorders are read: well within what one holds under load. */
const PERIOD_MS = 100;
/** What the end may be held up for what is not sent yet. */
const FLUSH_MS = 1_500;
/** Events whose chain's first one is remembered: those of some minutes, of what is not over by then nobody asks. */
const ROOTS_MAX = 200_000;

/** The collector, which also sends what it reads where it is told to. */
export function exportingCollector(
  collector: ActorDefinition<TraceCollectorMethods, TraceCollectorOptions>,
  post: OtlpPost,
  limits: OutboxLimits = OUTBOX_LIMITS,
): ActorDefinition<TraceCollectorMethods, TraceCollectorOptions> {
  return defineActor(traceCollectorProtocol, async (ctx) => {
    const actor = await collector.start(ctx);
    const { otlp } = ctx.options;
    if (otlp === undefined) return actor;
    const exporter = new OtlpExport(ctx, otlp, post, limits);
    return {
      ...actor,
      stop: async () => {
        await Promise.all([exporter.close(), actor.stop?.()]);
      },
    };
  });
}

class OtlpExport {
  private readonly ctx: Context<TraceCollectorOptions>;
  private readonly otlp: OtlpOptions;
  private readonly post: OtlpPost;
  private readonly outbox: OtlpOutbox;
  private readonly reader: RingReader;
  private readonly roots = new Map<string, string>();
  private readonly silence: () => void;
  private sending: Promise<void> | undefined;
  private isDown = false;
  private droppedTold = 0;

  constructor(ctx: Context<TraceCollectorOptions>, otlp: OtlpOptions, post: OtlpPost, limits: OutboxLimits) {
    this.ctx = ctx;
    this.otlp = otlp;
    this.post = post;
    this.outbox = new OtlpOutbox(limits);
    this.reader = new RingReader(() => ctx.options.rings, {});
    const timer = ctx.clock.every(PERIOD_MS, () => this.look());
    this.silence = () => timer.cancel();
    ctx.onEnd(this.silence);
    this.begin(limits.settleMs);
  }

  /** What waits is sent, for a while. */
  async close(): Promise<void> {
    this.silence();
    this.outbox.take(this.reader.read(), this.now);
    this.outbox.settleAll();
    const limit = new AbortController();
    const timer = this.ctx.clock.after(FLUSH_MS, () => limit.abort());
    await this.sending;
    while (!limit.signal.aborted && !this.isDown && this.send(limit.signal)) await this.sending;
    timer.cancel();
  }

  private get now(): number {
    return this.ctx.clock.monotonicMs();
  }

  /** What an incarnation before has sent is not sent again, but for what it may have had in hand when it was killed. */
  private begin(settleMs: number): void {
    const events = this.reader.read();
    const { name } = this.ctx;
    const end = events.findLast(({ kind, subject }) => kind === "down" && subject === name);
    const heldMs = end === undefined ? Infinity : end.detail === "reason=normal" ? 0 : settleMs + PERIOD_MS;
    const isNew = ({ lamport }: TraceEvent): boolean => end === undefined || lamport >= end.lamport - heldMs * 1_000;
    this.outbox.take(events.filter(isNew), this.now);
  }

  private look(): void {
    this.outbox.take(this.reader.read(), this.now);
    this.send();
  }

  /** False when there is nothing to send, or not yet. */
  private send(signal?: AbortSignal): boolean {
    if (this.sending !== undefined) return true;
    const batch = this.outbox.next(this.now);
    if (batch === undefined) return false;
    const body = JSON.stringify(otlpTraces(batch, this.roots, this.otlp.cluster));
    for (const name of this.roots.keys()) {
      if (this.roots.size <= ROOTS_MAX) break;
      this.roots.delete(name);
    }
    this.sending = this.post(this.otlp, body, signal).then((answer) => {
      this.sending = undefined;
      this.outbox.answered(answer, this.now, this.ctx.random.next());
      this.tell(answer.outcome === "taken" ? undefined : answer.why);
    });
    return true;
  }

  /** Once when it begins to fail, and once when that is over. */
  private tell(why: string | undefined): void {
    const { log } = this.ctx;
    const { dropped } = this.outbox;
    const { origin, pathname } = new URL(this.otlp.url);
    const to = `${origin}${pathname}`;
    if (why !== undefined && !this.isDown) log.warn("spans are not taken", { to, why });
    if (why === undefined && (this.isDown || dropped > this.droppedTold)) {
      log.warn("spans are taken again", { to, dropped: dropped - this.droppedTold });
      this.droppedTold = dropped;
    }
    this.isDown = why !== undefined;
  }
}
