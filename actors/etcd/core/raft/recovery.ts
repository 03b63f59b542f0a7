/**
 * How a member whose disk was lost gets its vote back. It has forgotten which terms it knew, whom it voted for and which
 * entries it vouched for. Until it has made good for that it is "recovering" (the word is Viewstamped Replication's):
 * it receives the log and counts for nothing, like a learner. It neither votes nor stands, its acknowledgements count
 * neither for a commit nor for a round of reads nor for check-quorum, and the flag is on its disk from the first byte on.
 *
 * It asks all other voters, under a number used once. Those that aren't recovering themselves answer with their term and
 * the end of their log. When all have answered, let F be the largest term, I the largest index. From then on its term is
 * F at least, and in F it gives no vote. It counts again once a leader of a term >= F has told it a commit index >= I, and
 * its own log is committed that far.
 *
 * Why that is safe. Of its former self only three kinds of promises can matter after its death:
 *
 * - A vote for C in term t. C was in t, on its disk, before it asked. If C's disk is the same since, C's answer is >= t.
 *   If C's was lost as well, then what C's own recovery learnt from this member was >= t, or C is still recovering and this
 *   one can't get through. So t <= F, and no second vote is given in t. A vote for itself was worth something to its former
 *   self only.
 * - An acknowledgement of entry i to the leader L of term t, by which L commits i, now or later. As above t <= F. If L still
 *   leads t as it answers, i is in its log and i <= I; if it doesn't, i was committed before, L's log has it, and i <= I
 *   again. Leaders of later terms have it, too: without the recovering, every majority for a leader still meets every
 *   majority for a commit in a member that forgot nothing, as M + (M - k) > N - k where k of N are recovering. So the log
 *   that a leader of a term >= F calls committed up to I contains i, and with it the member votes for no log that lacks it.
 * - An acknowledgement of a leader's heartbeat vouches for the past only; to a leader of a term below F it gives no more.
 *
 * It rests on one property of the runtime: what a dead incarnation sent is not delivered once its successor has been heard
 * (links are sessions). Waiting for all others, and not for a majority, is what makes it so simple: with a majority a
 * candidate that was not asked might still hold an old vote (E. Michael et al., "Recovering Shared Objects Without Stable
 * Storage", DISC 2017, shows how protocols went wrong there). The price: with another member away it stays without a vote, and
 * two that are recovering wait for each other. For that a change of membership is the cure.
 */

export interface RecoveryAnswer {
  readonly term: number;
  readonly lastIndex: number;
}

export class Recovery {
  /** Tells the answers to this question from those to earlier ones. */
  nonce = 0;
  private readonly others: readonly number[];
  private answers: Map<number, RecoveryAnswer> = new Map();
  /** I of the newest question that all have answered. */
  private neededIndex = Infinity;

  constructor(others: readonly number[]) {
    this.others = others;
  }

  /** Begins a question. The last one's outcome stays good, but a newer one may need less: an entry may have been replaced. */
  ask(nonce: number): void {
    this.nonce = nonce;
    this.answers = new Map();
  }

  /** F, once all have answered. */
  take(from: number, nonce: number, answer: RecoveryAnswer): number | undefined {
    if (nonce !== this.nonce || !this.others.includes(from)) return undefined;
    this.answers.set(from, answer);
    if (this.answers.size < this.others.length) return undefined;
    let term = 0;
    let index = 0;
    for (const one of this.answers.values()) {
      term = Math.max(term, one.term);
      index = Math.max(index, one.lastIndex);
    }
    this.neededIndex = index;
    return term;
  }

  /** Whether a leader's word that `told` is committed ends it; it comes from a term >= F, as older ones are not heard. */
  isDone(told: number, committed: number): boolean {
    return told >= this.neededIndex && committed >= this.neededIndex;
  }

  /** Those who have not answered yet. */
  get silent(): readonly number[] {
    return this.others.filter((other) => !this.answers.has(other));
  }
}
