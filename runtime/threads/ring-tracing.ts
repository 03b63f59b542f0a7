/** Follows the flight recorder of one actor. It is read now and then, so the actor pays nothing for being watched. */
import type { Tracing } from "../introspection.ts";
import type { TraceEvent } from "../trace/event.ts";
import { readRing } from "../trace/ring.ts";
import { clearInterval, setInterval } from "./machine-clock.ts";

/** Short for a person who looks on; the ring holds some 6,000 messages. */
const PERIOD_MS = 100;

export function traceRing(
  ring: SharedArrayBuffer,
  actor: string,
  wanted: (event: TraceEvent) => boolean,
  onEvent: (event: TraceEvent) => void,
): Tracing {
  let seen = readRing(ring, actor).at(-1)?.sequence ?? 0;
  const look = (): void => {
    for (const event of readRing(ring, actor, seen)) {
      seen = event.sequence;
      if (wanted(event)) onEvent(event);
    }
  };
  const timer = setInterval(look, PERIOD_MS);
  timer.unref();
  let stopped = false;
  return {
    stop: () => {
      if (stopped) return;
      stopped = true;
      clearInterval(timer);
      look();
    },
  };
}
