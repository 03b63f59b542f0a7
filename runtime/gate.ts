/** What one sender may have under way of a method whose mailbox holds its senders back, and what waits for room. */
import { Fifo } from "./fifo.ts";

export interface Held {
  /** Sends it; false when nobody wants it sent any more. */
  readonly send: () => boolean;
  readonly fail: (error: Error) => void;
}

export class Gate {
  private readonly max: number;
  private readonly held = new Fifo<Held>();
  private underWay = 0;

  constructor(max: number) {
    this.max = max;
  }

  get holding(): number {
    return this.held.size;
  }

  /** True when one more may be sent; it is counted. */
  enter(): boolean {
    if (this.underWay >= this.max || this.held.size > 0) return false;
    this.underWay++;
    return true;
  }

  hold(held: Held): void {
    this.held.push(held);
  }

  /** `count` have been handled: as many that wait are sent. */
  leave(count: number): void {
    this.underWay = Math.max(0, this.underWay - count);
    while (this.underWay < this.max) {
      const held = this.held.shift();
      if (held === undefined) return;
      if (held.send()) this.underWay++;
    }
  }

  /** The link is down: what waits fails, and room is as at the start. */
  reset(error: Error): void {
    this.underWay = 0;
    for (const held of this.held.take()) held.fail(error);
  }
}
