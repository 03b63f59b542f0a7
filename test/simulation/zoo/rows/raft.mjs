/** Mistakes in Raft alone, which the members of pure Raft find. */
import { rowOf } from "../row.mjs";

const RAFT = "actors/etcd/core/raft/raft.ts";
const READS = "actors/etcd/core/raft/reads.ts";
const LOG = "actors/etcd/core/raft/log.ts";
const PROGRESS = "actors/etcd/core/raft/progress.ts";
const TRACKER = "actors/etcd/core/raft/tracker.ts";
const MEMBERSHIP = "actors/etcd/core/raft/membership.ts";

/** A seed that finds the row's mistake. */
const SEEDS = {
  "unsynced-vote": 1,
  "vote-not-saved": 21,
  "acknowledgement-before-sync": 1,
  "repeated-append-acknowledged-before-sync": 1,
  "leader-counts-itself-unsynced": 1,
  "figure-8-commit": 2,
  "vote-for-a-shorter-log": 1,
  "two-votes-a-term": 74,
  "vote-kept-across-terms": 1,
  "truncates-on-a-match": 1,
  "previous-term-unchecked": 41,
  "commit-by-the-fastest": 1,
  "match-from-next": 1,
  "read-before-own-commit": 7,
  "read-without-confirmation": 374,
  "read-joins-an-older-round": 231,
  "learner-counts": 9,
  "removed-still-counts": 39,
  "two-changes-at-once": 19,
  "replaced-keeps-its-number": 19,
  "id-given-twice": 29,
  "old-group-in-the-snapshot": 19,
  "new-member-begins-with-the-log": 39,
  "snapshot-restored-over-a-longer-log": 243,
  "sync-vouches-for-replaced": 58,
};

const row = rowOf("raft", 1_000, SEEDS);

export const variants = [
  row(
    "unsynced-vote",
    RAFT,
    `    this.promise({ type: "voteResponse", to: message.from, term, preVote: message.preVote, granted });`,
    `    this.outbox.send({ type: "voteResponse", from: this.id, to: message.from, term, preVote: message.preVote, granted });`,
    "a vote leaves before it is on disk",
  ),
  row(
    "vote-not-saved",
    RAFT,
    `const changed = this.term !== this.savedTerm || this.vote !== this.savedVote || this.commitDue;`,
    `const changed = this.term !== this.savedTerm || this.commitDue;`,
    "a vote is written only with the next term or entry",
  ),
  row(
    "acknowledgement-before-sync",
    RAFT,
    `    this.promise({ type: "appendResponse", to, index });`,
    `    this.send({ type: "appendResponse", to, index });`,
    "a follower acknowledges entries that are not on its disk",
  ),
  row(
    "repeated-append-acknowledged-before-sync",
    RAFT,
    `    const last = this.log.merge(previousIndex, previousTerm, message.entries);`,
    `    const known = this.log.term(previousIndex + message.entries.length);
    if (known !== undefined && known === message.entries.at(-1)?.term) {
      this.send({ type: "appendResponse", to, index: previousIndex + message.entries.length });
      return;
    }
    const last = this.log.merge(previousIndex, previousTerm, message.entries);`,
    "a follower acknowledges entries that came twice although their first write has not ended",
  ),
  row(
    "leader-counts-itself-unsynced",
    RAFT,
    `if (own !== undefined && own.acknowledge(this.log.stable)) this.maybeCommit();`,
    `if (own !== undefined && own.acknowledge(this.log.last)) this.maybeCommit();`,
    "a leader counts entries of its own that are not on its disk yet",
  ),
  row(
    "figure-8-commit",
    RAFT,
    `if (index <= this.log.committed || this.log.term(index) !== this.term) return;`,
    `if (index <= this.log.committed) return;`,
    "a leader commits entries of an older term by counting",
  ),
  row(
    "vote-for-a-shorter-log",
    RAFT,
    `this.log.isUpToDate(message.lastIndex, message.lastTerm)`,
    `message.lastTerm >= this.log.lastTerm`,
    "a vote goes to a log of the same term that is shorter",
  ),
  row(
    "two-votes-a-term",
    RAFT,
    `      (this.vote === 0 && this.leader === 0) ||`,
    `      this.leader === 0 ||`,
    "a member votes for two candidates of one term",
  ),
  row(
    "vote-kept-across-terms",
    RAFT,
    `      this.term = term;
      this.vote = 0;`,
    `      this.term = term;
      this.savedTerm = term;
      this.vote = 0;`,
    "a new term is not written, so that a restart may vote in it once more",
  ),
  row(
    "truncates-on-a-match",
    LOG,
    `while (at < entries.length && this.term((entries[at] as Entry).index) === (entries[at] as Entry).term) at++;`,
    `while (at < entries.length && (entries[at] as Entry).index <= this.committed) at++;`,
    "an append that comes late cuts off entries that it agrees with, and those behind them",
  ),
  row(
    "previous-term-unchecked",
    LOG,
    `if (this.term(previousIndex) !== previousTerm) return undefined;`,
    `if (this.term(previousIndex) === undefined) return undefined;`,
    "entries are appended behind an entry of another term",
  ),
  row(
    "commit-beyond-match",
    RAFT,
    `    this.log.commitTo(Math.min(commit, verified));`,
    `    this.log.commitTo(Math.min(commit, this.log.last));`,
    "a follower takes its own tail for committed when the leader's commit index has passed it",
  ),
  row(
    "commit-by-the-fastest",
    TRACKER,
    `return values[this.quorum - 1] ?? 0;`,
    `return values[this.quorum - 2] ?? values[0] ?? 0;`,
    "what one member less than a majority has counts as committed",
  ),
  row(
    "match-from-next",
    PROGRESS,
    `    this.match = index;
    this.next = Math.max(this.next, index + 1);`,
    `    this.match = Math.max(index, this.next - 1);
    this.next = Math.max(this.next, index + 1);`,
    "a leader takes what it has sent for what was acknowledged",
  ),
  row(
    "read-before-own-commit",
    RAFT,
    `if (this.log.term(this.log.committed) !== this.term) {
      this.reads.postpone`,
    `if (this.log.committed < 0) {
      this.reads.postpone`,
    "a new leader answers reads before it knows what is committed",
  ),
  row(
    "read-without-confirmation",
    RAFT,
    `    if (this.tracker.quorum === 1 && this.tracker.isVoter(this.id)) {
      this.answerRead`,
    `    if (this.tracker.quorum > 0) {
      this.answerRead`,
    "a leader answers reads without asking whether it still leads",
  ),
  row(
    "read-joins-an-older-round",
    READS,
    `if (this.round === this.roundSent) this.round++;`,
    `if (this.pending.length === 0) this.round++;`,
    "a read joins a round whose heartbeats left before it came",
  ),
  row(
    "learner-counts",
    MEMBERSHIP,
    `members.flatMap(({ id, learner }) => (learner ? [] : [id]));`,
    `members.map(({ id }) => id);`,
    "a learner, which may know nothing, is one of the majority",
  ),
  row(
    "removed-still-counts",
    TRACKER,
    `    this.setVoters(membership);
    if (leads)`,
    `    if (leads)`,
    "a member that was removed is still one of the majority",
  ),
  row(
    "two-changes-at-once",
    RAFT,
    `this.lastChange > applied || `,
    ``,
    "a change is proposed before the one before it is applied",
  ),
  row(
    "replaced-keeps-its-number",
    MEMBERSHIP,
    `const peer = { ...known, id: lastId + 1, learner: true, stands, since: index };
      return { membership: { members: [...others, peer], lastId: lastId + 1 }, peer };`,
    `const peer = { ...known, since: index };
      return { membership: { members: [...others, peer], lastId }, peer };`,
    "a member whose disk was lost is a voter again, under its number",
  ),
  row(
    "id-given-twice",
    MEMBERSHIP,
    `return { membership: { members: [...members, peer], lastId: lastId + 1 }, peer };
  }
  const known`,
    `return { membership: { members: [...members, peer], lastId: Math.max(0, ...members.map((one) => one.id)) }, peer };
  }
  const known`,
    "a new member has the number of one that was removed",
    [
      [
        `    const peer = { id: lastId + 1, name,`,
        `    const peer = { id: Math.max(0, ...members.map((one) => one.id)) + 1, name,`,
      ],
    ],
  ),
  row(
    "old-group-in-the-snapshot",
    RAFT,
    `return { index, term: this.log.term(index) as number, membership: this.membership };`,
    `return { index, term: this.log.term(index) as number, membership: this.founding };`,
    "a restart from a snapshot goes back to the group of the beginning",
    [
      [`  private membership: Membership;\n`, `  private membership: Membership;\n  private founding: Membership;\n`],
      [
        `    this.membership = recovered.snapshot.membership;\n    this.tracker`,
        `    this.founding = this.membership = recovered.snapshot.membership;\n    this.tracker`,
      ],
    ],
  ),
  row(
    "new-member-begins-with-the-log",
    RAFT,
    `previousIndex < progress.since ? undefined : `,
    ``,
    "a new member never learns who was there before it",
  ),
  row(
    "snapshot-restored-over-a-longer-log",
    RAFT,
    `if (this.log.term(snapshot.index) === snapshot.term) {`,
    `if (this.log.last < 0) {`,
    "a snapshot throws away acknowledged entries behind it",
  ),
  row(
    "sync-vouches-for-replaced",
    LOG,
    `    this.persisting = Math.min(this.persisting, from - 1);`,
    ``,
    "the end of a sync vouches for entries that took the place of those it wrote",
  ),
];
