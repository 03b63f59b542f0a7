/**
 * Start-time fair queueing: of several queues the next is the one that has had least, by virtual time. A queue that comes to life
 * begins where the others are, so that nobody saves up. Source: Goyal, Vin and Cheng, "Start-Time Fair Queuing" (1996).
 */

/** Whatever gets its share: a queue of flows, or a level. */
export interface Share {
  /** Virtual time: what it has had, by its weight. */
  had: number;
}

/** Of those that want something the one that has had least; of equal ones the first. */
export function leastServed<T extends Share>(shares: Iterable<T>, wants: (share: T) => boolean): T | undefined {
  let least: T | undefined;
  for (const share of shares) if ((least === undefined || share.had < least.had) && wants(share)) least = share;
  return least;
}

interface Item<T> {
  readonly value: T;
  readonly width: number;
}

interface Queue<T> extends Share {
  readonly items: Item<T>[];
  width: number;
}

/** The queues of one level. What each has had is forgotten once nobody waits in any. */
export class FairQueues<T> {
  private readonly queues = new Map<number, Queue<T>>();
  /** Where the queue that was served last began. */
  private now = 0;
  private sum = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Queues in which somebody waits. */
  get inUse(): number {
    let found = 0;
    for (const { items } of this.queues.values()) if (items.length > 0) found++;
    return found;
  }

  /** Of all that wait. */
  get width(): number {
    return this.sum;
  }

  /** Which of them has least to do; of equal ones the first. */
  shortest(hand: readonly number[]): number {
    let best = hand[0] ?? 0;
    for (const each of hand) if (this.widthOf(each) < this.widthOf(best)) best = each;
    return best;
  }

  lengthOf(queue: number): number {
    return this.queues.get(queue)?.items.length ?? 0;
  }

  push(at: number, value: T, width: number): void {
    let queue = this.queues.get(at);
    if (queue === undefined) {
      queue = { had: this.now, items: [], width: 0 };
      this.queues.set(at, queue);
    } else if (queue.items.length === 0) queue.had = Math.max(queue.had, this.now);
    queue.items.push({ value, width });
    this.add(queue, width, 1);
  }

  /** Who is next, and stays so until `shift`. */
  peek(): T | undefined {
    return this.next()?.items[0]?.value;
  }

  /** Takes out who is next. @returns is told what that has cost beyond its width */
  shift(): ((cost: number) => void) | undefined {
    const queue = this.next();
    const item = queue?.items.shift();
    if (queue === undefined || item === undefined) return undefined;
    this.now = queue.had;
    queue.had += item.width;
    this.removed(queue, item.width);
    return (cost) => void (queue.had += cost);
  }

  /** Takes it out wherever it waits. @returns whether it did */
  remove(at: number, value: T): boolean {
    const queue = this.queues.get(at);
    const index = queue?.items.findIndex((item) => item.value === value) ?? -1;
    const item = queue?.items[index];
    if (queue === undefined || item === undefined) return false;
    queue.items.splice(index, 1);
    this.removed(queue, item.width);
    return true;
  }

  private next(): Queue<T> | undefined {
    return leastServed(this.queues.values(), ({ items }) => items.length > 0);
  }

  private widthOf(at: number): number {
    return this.queues.get(at)?.width ?? 0;
  }

  private add(queue: Queue<T>, width: number, count: number): void {
    queue.width += width;
    this.sum += width;
    this.count += count;
  }

  private removed(queue: Queue<T>, width: number): void {
    this.add(queue, -width, -1);
    if (this.count === 0) this.queues.clear();
  }
}
