/**
 * Keeps events few: the same event again raises a count, and many alike that differ in their message become one.
 *
 * @see k8s.io/client-go/tools/record/events_cache.go, whose limits these are, but for the keys: it keeps 4,096, which are 4 MB in each
 * kubelet that has seen many pods
 */
export interface EventKey {
  readonly involvedUid: string;
  readonly involved: string;
  readonly type: string;
  readonly reason: string;
}

export interface AggregationOptions {
  /** Messages for one key, within `windowMs`, before they are combined into one event. */
  readonly similarMax: number;
  readonly windowMs: number;
  /** Keys kept; the least recently used goes first. */
  readonly keysMax: number;
}

export const AGGREGATION_DEFAULTS: AggregationOptions = { similarMax: 10, windowMs: 600_000, keysMax: 1_024 };

/** One Event object: what it should say, and how far it is written. */
export interface EventSlot {
  /** Undefined before it is made. */
  name: string | undefined;
  count: number;
  message: string;
  /** Whether a write is planned or under way. */
  busy: boolean;
  /** Whether it says more than what was last written. */
  dirty: boolean;
}

interface Similar {
  /** By message. */
  readonly slots: Map<string, EventSlot>;
  combined: EventSlot | undefined;
  startedAtMs: number;
}

export class EventAggregation {
  private readonly options: AggregationOptions;
  private readonly similar = new Map<string, Similar>();

  constructor(options: AggregationOptions = AGGREGATION_DEFAULTS) {
    this.options = options;
  }

  /** The Event that tells of it, counted up. */
  take(key: EventKey, message: string, nowMs: number): EventSlot {
    const similar = this.touch(`${key.involvedUid}|${key.involved}|${key.type}|${key.reason}`, nowMs);
    const known = similar.slots.get(message);
    if (known !== undefined) return again(known, message);
    if (similar.slots.size < this.options.similarMax) {
      const slot = newSlot(message);
      similar.slots.set(message, slot);
      return slot;
    }
    const combined = `(combined from similar events): ${message}`;
    if (similar.combined !== undefined) return again(similar.combined, combined);
    similar.combined = newSlot(combined);
    return similar.combined;
  }

  private touch(id: string, nowMs: number): Similar {
    let found = this.similar.get(id);
    if (found === undefined || nowMs - found.startedAtMs > this.options.windowMs) {
      found = { slots: new Map(), combined: undefined, startedAtMs: nowMs };
    }
    this.similar.delete(id);
    this.similar.set(id, found);
    for (const [oldest, { startedAtMs }] of this.similar) {
      const { windowMs, keysMax } = this.options;
      // Whoever is past the window begins anew anyway.
      if (this.similar.size <= keysMax && nowMs - startedAtMs <= windowMs) break;
      this.similar.delete(oldest);
    }
    return found;
  }
}

function newSlot(message: string): EventSlot {
  return { name: undefined, count: 1, message, busy: false, dirty: true };
}

function again(slot: EventSlot, message: string): EventSlot {
  slot.count++;
  slot.message = message;
  slot.dirty = true;
  return slot;
}
