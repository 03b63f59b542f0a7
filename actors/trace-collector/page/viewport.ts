/** Which stretch of time is shown, shared by all timelines of the page: microseconds since the beginning of each record. */

/** What a person can still tell apart, and more than two events of an actor are never nearer. */
const SPAN_MIN_US = 20;

export class Viewport {
  from = 0;
  to: number;
  private readonly whole: number;
  private readonly listeners: (() => void)[] = [];

  constructor(wholeUs: number) {
    this.whole = Math.max(wholeUs, SPAN_MIN_US);
    this.to = this.whole;
    this.reset();
  }

  get span(): number {
    return this.to - this.from;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** All of it, with some room on both sides. */
  reset(): void {
    this.set(-this.whole * 0.01, this.whole * 1.03);
  }

  /** `factor` below 1 goes nearer; what is at `around` stays where it is. */
  zoom(factor: number, around: number): void {
    const span = Math.min(Math.max(this.span * factor, SPAN_MIN_US), this.whole * 1.2);
    const share = (around - this.from) / this.span;
    this.set(around - span * share, around + span * (1 - share));
  }

  pan(us: number): void {
    this.set(this.from + us, this.to + us);
  }

  /** Moves only as far as needed. */
  reveal(us: number): void {
    const margin = this.span * 0.08;
    if (us < this.from + margin) this.pan(us - this.from - margin);
    else if (us > this.to - margin) this.pan(us - this.to + margin);
  }

  private set(from: number, to: number): void {
    const span = to - from;
    const earliest = -span * 0.5;
    const latest = this.whole + span * 0.5;
    const at = Math.min(Math.max(from, earliest), Math.max(earliest, latest - span));
    this.from = at;
    this.to = at + span;
    for (const listener of this.listeners) listener();
  }
}
