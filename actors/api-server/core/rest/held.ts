/** How much is held in memory for clients: bodies that have not come to their end, and answers and events that nobody has read yet. */
export class Held {
  private readonly maxBytes: number;
  private heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.heldBytes;
  }

  /** Whether so many bytes more are too many. */
  isFullWith(bytes: number): boolean {
    return this.heldBytes + bytes > this.maxBytes;
  }

  /** @returns to be called when they are held no more; to call it again changes nothing */
  hold(bytes: number): () => void {
    this.heldBytes += bytes;
    let isHeld = true;
    return () => {
      if (isHeld) this.heldBytes -= bytes;
      isHeld = false;
    };
  }
}
