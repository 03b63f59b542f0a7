/** The trace log's door: what the flight recorders of all actors hold, merged and filtered. */
import type { Call, Protocol, Stream } from "./protocol.ts";
import { call, protocol, stream } from "./protocol.ts";

/** One entry of a flight recorder. */
export interface TraceEvent {
  readonly actor: string;
  /** 1, 2, 3 … within the actor, over its restarts. `actor#sequence` names the event. */
  readonly sequence: number;
  /** Lamport clock: an event that can have caused another has a smaller one. */
  readonly lamport: number;
  /** Milliseconds since the Unix epoch; virtual in the simulation. */
  readonly timeMs: number;
  /** `call`, `cast`, `stream`, `start`, `stop`, `down`, `log`, or a component's own domain event as `scheduler.bound`. */
  readonly kind: string;
  /** What it is about: a method of a protocol, or an object as `pods/default/web-1`. */
  readonly subject: string;
  /** The other actor of a message; empty for other events. */
  readonly peer: string;
  /** `actor#sequence` of what caused it; empty when nothing in the cluster did. */
  readonly cause: string;
  /** Fields as `name=value`, separated by blanks. */
  readonly detail: string;
}

export interface TraceFilter {
  /** An actor, or a prefix of its name that ends in a slash: `scheduler-0`, `worker-2/`. */
  readonly actor?: string;
  /** Part of the subject or of the details: `pods/default/web-1`, or `web`. */
  readonly object?: string;
  /** Kind of event, or its first part: `scheduler`, `scheduler.bound`, `call`. */
  readonly kind?: string;
}

export type TraceCollectorMethods = {
  /** What the recorders still hold, in causal order: the newest `limit` events that match, all when absent. */
  events: Call<TraceFilter & { readonly limit?: number }, { readonly events: readonly TraceEvent[] }>;
  /** What they hold and then what comes, in batches. Never ends by itself. */
  follow: Stream<TraceFilter, readonly TraceEvent[]>;
};

export const traceCollectorProtocol: Protocol<TraceCollectorMethods> = protocol<TraceCollectorMethods>(
  "trace-collector",
  { events: call(), follow: stream() },
);
