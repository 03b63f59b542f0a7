/** Many sequences of events, each in causal order, as one. */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";

/** A place in a sequence, before its end. */
export interface Cursor {
  readonly actor: string;
  readonly sequence: number;
  readonly lamport: number;
  event(): TraceEvent;
  /** Goes on to the next; false at the end. */
  next(): boolean;
}

/** A heap with the earliest in front; each event is made when it is taken. */
export function* merged(cursors: readonly Cursor[]): Iterable<TraceEvent> {
  const heap = [...cursors];
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
  while (heap.length > 0) {
    const first = heap[0]!;
    yield first.event();
    if (!first.next()) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      if (last !== first) heap[0] = last;
    }
    sink(heap, 0);
  }
}

function sink(heap: Cursor[], from: number): void {
  const moved = heap[from]!;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, moved)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moved;
}

/** As `compareEvents` orders them. */
function isBefore(left: Cursor, right: Cursor): boolean {
  if (left.lamport !== right.lamport) return left.lamport < right.lamport;
  return left.actor === right.actor ? left.sequence < right.sequence : left.actor < right.actor;
}
