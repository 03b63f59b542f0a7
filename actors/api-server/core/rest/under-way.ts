/** How many requests are under way to each of several servers, none of which may have more than its share. */
import { tooManyRequests } from "../machinery/status.ts";

export class UnderWay {
  private readonly max: number;
  private readonly counts = new Map<string, number>();

  /** @param max to one server at a time */
  constructor(max: number) {
    this.max = max;
  }

  /**
   * @returns to be called when it is over; to call it again changes nothing
   * @throws Status 429
   */
  begin(to: string): () => void {
    const count = this.of(to);
    if (count >= this.max) throw tooManyRequests("too many requests, please try again later", 1);
    this.counts.set(to, count + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = this.of(to) - 1;
      if (left === 0) this.counts.delete(to);
      else this.counts.set(to, left);
    };
  }

  of(to: string): number {
    return this.counts.get(to) ?? 0;
  }

  /** Servers to which something is under way. */
  get servers(): number {
    return this.counts.size;
  }
}
