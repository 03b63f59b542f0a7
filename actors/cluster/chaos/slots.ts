/** So many things at once at most. What is urgent goes first, and otherwise who came first. */
export class Slots {
  private free: number;
  private readonly urgent: (() => void)[] = [];
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** Resolves when there is room; until `leave` it is taken. */
  enter(options: { readonly isUrgent: boolean }): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => void (options.isUrgent ? this.urgent : this.waiting).push(resolve));
  }

  leave(): void {
    const next = this.urgent.shift() ?? this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  }
}
