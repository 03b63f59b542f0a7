/** A queue of which the first goes first, at constant cost an item. */
export class Fifo<T> {
  private items: T[] = [];
  private from = 0;

  get size(): number {
    return this.items.length - this.from;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.from];
  }

  shift(): T | undefined {
    if (this.from === this.items.length) return undefined;
    const item = this.items[this.from++];
    if (this.from === this.items.length || (this.from > 1_024 && this.from * 2 > this.items.length)) {
      this.items = this.items.slice(this.from);
      this.from = 0;
    }
    return item;
  }

  /** Everything, in order; the queue is empty then. */
  take(): T[] {
    const items = this.from === 0 ? this.items : this.items.slice(this.from);
    this.items = [];
    this.from = 0;
    return items;
  }
}
