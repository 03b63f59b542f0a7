/** Connections on which nothing is asked: they are closed, or each of them would be kept until its client remembers it. */

/** One connection, as seen from here. */
export interface Peer {
  /** Grows with what the client asks. Undefined while it has not even said which protocol it speaks. */
  asked(): number | undefined;
  /** Lets what is under way come to its end. */
  close(): void;
  destroy(): void;
}

export interface IdleLimits {
  readonly connectionIdleMs: number;
  readonly prefaceTimeoutMs: number;
}

interface Known {
  readonly peer: Peer;
  /** What it had asked when it was looked at last, and since when it is the same. */
  asked: number | undefined;
  sinceMs: number;
  /** Requests that run for as long as the client likes. */
  lasting: number;
  isClosing: boolean;
}

/** @template K by which a connection is known: its socket, say */
export class IdleConnections<K extends object> {
  private readonly limits: IdleLimits;
  private readonly known = new Map<K, Known>();

  constructor(limits: IdleLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.known.size;
  }

  add(key: K, peer: Peer, nowMs: number): void {
    this.known.set(key, { peer, asked: undefined, sinceMs: nowMs, lasting: 0, isClosing: false });
  }

  remove(key: K): void {
    this.known.delete(key);
  }

  /**
   * Something begins that may last: the connection is not idle meanwhile, though nothing comes or goes.
   * @returns to be called once, when it is over
   */
  begin(key: K): () => void {
    const known = this.known.get(key);
    if (known === undefined) return ignore;
    known.lasting++;
    return () => void known.lasting--;
  }

  /** Closes what has been idle for too long; what is still there at the next look is cut. */
  look(nowMs: number): void {
    const { connectionIdleMs, prefaceTimeoutMs } = this.limits;
    for (const known of this.known.values()) {
      const { peer } = known;
      if (known.isClosing) {
        if (known.lasting === 0) peer.destroy();
        continue;
      }
      const asked = peer.asked();
      if (asked !== known.asked || known.lasting > 0) {
        known.asked = asked;
        known.sinceMs = nowMs;
        continue;
      }
      if (nowMs - known.sinceMs < (asked === undefined ? prefaceTimeoutMs : connectionIdleMs)) continue;
      known.isClosing = true;
      peer.close();
    }
  }
}

function ignore(): void {}
