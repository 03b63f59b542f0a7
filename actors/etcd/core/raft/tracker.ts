/** What a leader knows of every member, and what majorities of the group's voters have reached. */
import { learnersOf, quorumOf, votersOf } from "./membership.ts";
import type { Membership } from "./membership.ts";
import { Progress } from "./progress.ts";

export class Tracker {
  voters: readonly number[] = [];
  learners: readonly number[] = [];
  /** Of all members while this one leads; otherwise empty. */
  readonly progress: Map<number, Progress> = new Map();

  constructor(membership: Membership) {
    this.setVoters(membership);
  }

  private setVoters(membership: Membership): void {
    this.voters = votersOf(membership);
    this.learners = learnersOf(membership);
  }

  get quorum(): number {
    return quorumOf(this.voters.length);
  }

  isVoter(id: number): boolean {
    return this.voters.includes(id);
  }

  /** The group is another. As leader: who comes is asked where its log ends, who goes is forgotten. */
  configure(membership: Membership, leads: boolean, last: number): void {
    this.setVoters(membership);
    if (leads) this.track(membership, last);
  }

  /** Begins to lead with a log that ends at `last`. */
  lead(membership: Membership, last: number): void {
    this.progress.clear();
    this.track(membership, last);
  }

  private track({ members }: Membership, last: number): void {
    for (const id of this.progress.keys()) if (!members.some((one) => one.id === id)) this.progress.delete(id);
    for (const { id, learner, since } of members) {
      const known = this.progress.get(id);
      if (known === undefined) this.progress.set(id, new Progress(last + 1, learner, since));
      else known.learner = learner;
    }
  }

  /** The largest value that a majority of the voters has reached. */
  reached(value: (progress: Progress, member: number) => number): number {
    const values = this.voters.map((voter) => {
      const progress = this.progress.get(voter);
      return progress === undefined ? 0 : value(progress, voter);
    });
    values.sort((a, b) => b - a);
    return values[this.quorum - 1] ?? 0;
  }

  /** Voters that were heard of since the last look, `self` among them; from now on it counts anew. */
  look(self: number): number {
    let active = 0;
    for (const [member, progress] of this.progress) {
      if (!progress.learner && (member === self || progress.recentlyActive)) active++;
      progress.looked();
    }
    return active;
  }

  /** Members that are there, as far as a leader knows; `self` among them. */
  active(self: number): readonly number[] {
    return [...this.progress].flatMap(([id, progress]) => (id === self || progress.isThere ? [id] : []));
  }

  /** Whether a majority of the voters, by their votes, is for it, against it, or neither. */
  outcome(votes: ReadonlyMap<number, boolean>): boolean | undefined {
    const granted = this.voters.filter((voter) => votes.get(voter) === true).length;
    if (granted >= this.quorum) return true;
    const refused = this.voters.filter((voter) => votes.get(voter) === false).length;
    return refused >= this.quorum ? false : undefined;
  }
}
