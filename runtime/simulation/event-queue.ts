/** What is to happen, ordered by virtual time; what is due at the same moment happens in the order it was asked for. */

export interface SimEvent {
  atUs: number;
  sequence: number;
  readonly owner: EventOwner;
  /** Undefined when canceled. */
  action: (() => void) | undefined;
}

/** Whose event it is: an incarnation of an actor, or the simulation itself. */
export interface EventOwner {
  readonly name?: string;
  /** Events of the dead don't happen. */
  alive: boolean;
  /** Events of one that hangs wait here, in order, until it goes on; undefined while it does not hang. */
  hanging: SimEvent[] | undefined;
  /** Its event threw `error`. */
  crash(error: unknown): void;
  /** Of code that uses Node's own queues: a turn of it lasts until they are empty. */
  readonly foreign?: Foreign;
}

export interface Foreign {
  /** Takes what nobody caught in a turn, as a listener of the process would; false: it takes no such thing. */
  uncaught(event: UncaughtEvent, error: unknown): boolean;
}

export type UncaughtEvent = "uncaughtException" | "unhandledRejection";

/** A binary heap. */
export class EventQueue {
  private readonly heap: SimEvent[] = [];

  get size(): number {
    return this.heap.length;
  }

  peek(): SimEvent | undefined {
    return this.heap[0];
  }

  push(event: SimEvent): void {
    const heap = this.heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above]!;
      if (isBefore(parent, event)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  pop(): SimEvent | undefined {
    const heap = this.heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    const size = heap.length;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      if (below + 1 < size && isBefore(heap[below + 1]!, heap[below]!)) below++;
      const child = heap[below]!;
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(left: SimEvent, right: SimEvent): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.sequence < right.sequence);
}
