/** The flight recorders of a cluster as one log: merged, filtered, followed. */
import type { Explanation, TraceEvent, TraceFilter } from "../../protocols/trace-collector.ts";
import type { Rings } from "../trace-collector/ring-reader.ts";
import { clearInterval, setInterval } from "../../runtime/threads/machine-clock.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import { explain } from "../trace-collector/core/why.ts";
import { RingReader } from "../trace-collector/ring-reader.ts";

export type { Explanation, TraceFilter };

export class ClusterTrace {
  private readonly rings: () => Rings;

  constructor(rings: () => Rings) {
    this.rings = rings;
  }

  /** What the recorders still hold, in causal order. Errors: NO_SUCH_ACTOR, NO_SUCH_KIND. */
  events(filter: TraceFilter = {}): readonly TraceEvent[] {
    return new RingReader(this.rings, filter).read();
  }

  /**
   * Why an object (`pod/web-1`, `pods/shop/web-1`, `node/worker-1`) or an actor is as it is, from what the recorders still hold.
   * Errors: NOT_RECORDED.
   */
  why(ref: string): Explanation {
    return explain(new TraceRecord({ events: this.events() }), ref);
  }

  /** Calls back with what is new, every `periodMs`. It costs nothing when nobody follows. Errors: as of `events`. */
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
