/** Mistakes in Raft, in the reads and writes that go through it, and in what a lost disk costs. */
const RAFT = "actors/etcd/core/raft/raft.ts";
const READS = "actors/etcd/core/raft/reads.ts";
const LOG = "actors/etcd/core/raft/log.ts";
const PROGRESS = "actors/etcd/core/raft/progress.ts";
const TRACKER = "actors/etcd/core/raft/tracker.ts";
const MEMBERSHIP = "actors/etcd/core/raft/membership.ts";
const RULES = "actors/etcd/core/membership-rules.ts";
const REQUESTS = "actors/etcd/requests.ts";
const MEMBER = "actors/etcd/member.ts";

const UNIT = "test/unit/actors/etcd/core/raft/raft.test.ts";
const CHANGES_UNIT = "test/unit/actors/etcd/core/raft/membership.test.ts";
const REQUESTS_UNIT = "test/unit/actors/etcd/requests.test.ts";
const WORLD = "test/simulation/etcd/raft.test.ts";
const ACTORS = "test/simulation/etcd/etcd-actor.test.ts";

const NOTHING = "";

const elections = [
  {
    name: "votes-twice",
    file: RAFT,
    find: `(this.vote === 0 && this.leader === 0) ||`,
    replace: `this.leader === 0 ||`,
    why: "a member votes for whoever asks, several times a term",
    tests: [UNIT, WORLD],
  },
  {
    name: "votes-for-less",
    file: RAFT,
    find: ` && this.log.isUpToDate(message.lastIndex, message.lastTerm);`,
    replace: `;`,
    why: "a member votes for a log that lacks what is committed",
    tests: [UNIT, WORLD],
  },
  {
    name: "votes-before-disk",
    file: RAFT,
    find: `    this.promise({ type: "voteResponse", to: message.from, term, preVote: message.preVote, granted });`,
    replace: `    this.outbox.send({ type: "voteResponse", from: this.id, to: message.from, term, preVote: message.preVote, granted });`,
    why: "a vote leaves before it is on disk",
    tests: [UNIT, WORLD],
  },
  {
    name: "asks-for-votes-before-disk",
    file: RAFT,
    find: `        this.promise({ type: "vote", to,`,
    replace: `        this.outbox.send({ type: "vote", from: this.id, to,`,
    why: "a candidate asks for votes before its own is on disk",
    tests: [WORLD],
  },
  {
    name: "pre-vote-is-a-vote",
    file: RAFT,
    find: `    if (this.role !== (message.preVote ? "preCandidate" : "candidate")) return;
    if (message.preVote && message.granted && message.term !== this.term + 1) return;`,
    replace: `    if (this.role !== "preCandidate" && this.role !== "candidate") return;`,
    why: "an answer to the question whether an election could be won counts as a vote",
    tests: [UNIT, WORLD],
  },
  {
    name: "small-quorum",
    file: MEMBERSHIP,
    find: `return Math.floor(voters / 2) + 1;`,
    replace: `return Math.ceil(voters / 2);`,
    why: "half of an even number of members is taken for a majority",
    tests: [WORLD],
  },
  {
    name: "deposes-a-live-leader",
    file: RAFT,
    find: `if (heard && !message.transfer) return false;`,
    replace: NOTHING,
    why: "a member that hears from its leader helps to depose it",
    tests: [UNIT],
  },
  {
    name: "leads-alone",
    file: RAFT,
    find: `if (this.tracker.look(this.id) < this.tracker.quorum) {`,
    replace: `if (this.tracker.look(this.id) < 1) {`,
    why: "a leader that hears of no majority goes on",
    tests: [UNIT],
  },
];

const replication = [
  {
    name: "acknowledges-own-last",
    file: RAFT,
    find: `    this.acknowledge(to, last);`,
    replace: `    this.acknowledge(to, this.log.last);`,
    why: "a follower acknowledges the end of its own log, which the leader may never have sent",
    tests: [UNIT, WORLD],
  },
  {
    name: "acknowledges-before-disk",
    file: RAFT,
    find: `    this.promise({ type: "appendResponse", to, index });`,
    replace: `    this.send({ type: "appendResponse", to, index });`,
    why: "a follower acknowledges entries before they are on disk",
    tests: [UNIT, WORLD],
  },
  {
    name: "commits-unverified-by-append",
    file: RAFT,
    find: `    this.learnCommit(message.commit, last);`,
    replace: `    this.learnCommit(message.commit, this.log.last);`,
    why: "a follower commits a suffix that the leader has not sent",
    tests: [UNIT, WORLD],
  },
  {
    name: "commits-unverified-by-heartbeat",
    file: RAFT,
    find: `return this.log.lastTerm === this.term ? this.log.last : this.log.committed;`,
    replace: `return this.log.last;`,
    why: "a follower takes the leader's commit index for its own log, whatever is in that",
    tests: [UNIT],
  },
  {
    name: "commits-older-term",
    file: RAFT,
    find: ` || this.log.term(index) !== this.term) return;`,
    replace: `) return;`,
    why: "a leader commits an entry of an earlier term by counting (thesis figure 3.7)",
    tests: [UNIT, WORLD],
  },
  {
    name: "leader-counts-unsynced",
    file: RAFT,
    find: `own.acknowledge(this.log.stable)`,
    replace: `own.acknowledge(this.log.last)`,
    why: "a leader counts itself for entries that are not on its disk",
    tests: [WORLD],
  },
  {
    name: "applies-unsynced",
    file: LOG,
    find: `const to = Math.min(this.committed, this.stable);`,
    replace: `const to = this.committed;`,
    why: "a member applies what is not on its own disk",
    tests: [WORLD],
  },
  {
    name: "late-append-cuts",
    file: LOG,
    find: `    return previousIndex + entries.length;`,
    replace: `    this.cut(previousIndex + entries.length + 1);
    return previousIndex + entries.length;`,
    why: "an older append that comes late cuts off what came after it",
    tests: [UNIT, WORLD],
  },
  {
    name: "appends-without-the-previous-entry",
    file: LOG,
    find: `if (this.term(previousIndex) !== previousTerm) return undefined;`,
    replace: `if (this.term(previousIndex) === undefined) return undefined;`,
    why: "entries are appended to a log that went its own way before them",
    tests: [UNIT, WORLD],
  },
  {
    name: "sync-vouches-for-replaced",
    file: LOG,
    find: `this.persisting = Math.min(this.persisting, from - 1);`,
    replace: NOTHING,
    why: "the end of a sync vouches for entries that took the place of those it wrote",
    tests: [UNIT, WORLD],
  },
  {
    name: "snapshot-keeps-conflict",
    file: LOG,
    find: `    this.entries = [];
    this.bytes = 0;
    this.offset = meta.index;`,
    replace: `    this.bytes -= bytesOf(this.entries.splice(0, meta.index - this.offset));
    this.offset = meta.index;`,
    why: "a snapshot does not drop a longer log that conflicts with it",
    tests: [UNIT, WORLD],
  },
  {
    name: "match-without-advance",
    file: PROGRESS,
    find: `    if (index <= this.match) return false;`,
    replace: NOTHING,
    why: "an acknowledgement that comes late takes back a newer one",
    tests: ["test/unit/actors/etcd/core/raft/progress.test.ts"],
  },
];

const reads = [
  {
    name: "read-joins-round",
    file: READS,
    find: `if (this.round === this.roundSent) this.round++;`,
    replace: `if (this.pending.length === 0) this.round++;`,
    why: "a read joins a round whose heartbeats have left before it came",
    tests: [UNIT],
  },
  {
    name: "read-served-by-any-round",
    file: READS,
    find: `this.pending.findIndex((read) => read.round > round);`,
    replace: `-1 as number;`,
    why: "the late answer to an earlier round serves a later read",
    tests: [UNIT],
  },
  {
    name: "read-before-own-term",
    file: RAFT,
    find: `if (this.log.term(this.log.committed) !== this.term) {
      this.reads.postpone`,
    replace: `if (this.log.committed < 0) {
      this.reads.postpone`,
    why: "a new leader answers reads before it knows what is committed",
    tests: [UNIT, WORLD],
  },
  {
    name: "read-without-round",
    file: RAFT,
    find: `    if (this.tracker.quorum === 1 && this.tracker.isVoter(this.id)) {
      this.answerRead`,
    replace: `    if (this.tracker.quorum > 0) {
      this.answerRead`,
    why: "a leader answers reads without asking whether it still leads",
    tests: [UNIT],
  },
  {
    name: "late-answer-serves-later-read",
    file: REQUESTS,
    find: `if (this.underWay?.context !== context) return;`,
    replace: `if (this.underWay === undefined) return;`,
    why: "the late answer to a round that was given up serves the one after it",
    tests: [REQUESTS_UNIT],
  },
  {
    name: "round-number-used-twice",
    file: REQUESTS,
    find: `const context = ++this.lastContext;`,
    replace: `const context = this.lastContext;`,
    why: "two rounds have the same number",
    tests: [REQUESTS_UNIT],
  },
  {
    name: "two-rounds-at-a-time",
    file: REQUESTS,
    find: `return this.waiting.length > 0 && this.underWay === undefined;`,
    replace: `return this.waiting.length > 0;`,
    why: "a round takes the place of one under way, whose reads are never answered",
    tests: [REQUESTS_UNIT],
  },
  {
    name: "read-from-older-state",
    file: REQUESTS,
    find: `if (index > applied) return true;`,
    replace: `if (index > applied + 1) return true;`,
    why: "a read is answered before all that was committed when it was asked is applied",
    tests: [REQUESTS_UNIT],
  },
];

const forwarding = [
  {
    name: "forwarding-outlives-the-leader",
    file: MEMBER,
    find: `    this.forwarding?.abort();
    this.forwarding = undefined;`,
    replace: NOTHING,
    why: "writes wait for the call to a leader that is cut off, though there is another one",
    tests: [ACTORS],
  },
  {
    name: "passed-on-outlives-the-leader",
    file: MEMBER,
    find: `for (const one of this.passedOn) one.abort();`,
    replace: NOTHING,
    why: "a renewal of a lease waits for a leader that is cut off",
    tests: [ACTORS],
  },
  {
    name: "sent-writes-hang",
    file: MEMBER,
    find: `    this.writes.failSent(etcdError("ETCD_LEADER_CHANGED"));
    this.reads.retry();`,
    replace: `    this.reads.retry();`,
    why: "a write that went to a leader of the past is never answered",
    tests: [ACTORS],
  },
];

const changes = [
  {
    name: "learner-counts",
    file: MEMBERSHIP,
    find: `members.flatMap(({ id, learner }) => (learner ? [] : [id]));`,
    replace: `members.map(({ id }) => id);`,
    why: "what a learner acknowledges counts for a commit",
    tests: [CHANGES_UNIT, WORLD],
  },
  {
    name: "removed-still-counts",
    file: TRACKER,
    find: `    this.setVoters(membership);
    if (leads)`,
    replace: `    if (leads)`,
    why: "a member that was removed is one of the majority",
    tests: [CHANGES_UNIT, WORLD],
  },
  {
    name: "two-changes-at-once",
    file: RAFT,
    find: `this.lastChange > applied || `,
    replace: NOTHING,
    why: "majorities before and after two changes need not meet",
    tests: [CHANGES_UNIT],
  },
  {
    name: "stands-before-it-knows-the-group",
    file: RAFT,
    find: ` && !this.removed && !this.log.hasUnappliedChange;`,
    replace: ` && !this.removed;`,
    why: "a member stands for election in a group that is not this one any more",
    tests: [CHANGES_UNIT],
  },
  {
    name: "id-given-twice",
    file: MEMBERSHIP,
    find: `return { membership: { members: [...members, peer], lastId: lastId + 1 }, peer };
  }
  const known`,
    replace: `return { membership: { members: [...members, peer], lastId }, peer };
  }
  const known`,
    why: "two members have one number after the other",
    tests: [CHANGES_UNIT, WORLD],
  },
  {
    name: "new-member-begins-with-the-log",
    file: RAFT,
    find: `previousIndex < progress.since ? undefined : `,
    replace: NOTHING,
    why: "a member never learns who was there before it",
    tests: [CHANGES_UNIT, WORLD],
  },
  {
    name: "change-not-saved",
    file: RAFT,
    find: `      this.commitDue = true;
`,
    replace: NOTHING,
    why: "a restart forgets that a change was committed, after who asked for it was told",
    tests: [CHANGES_UNIT],
  },
  {
    name: "removed-votes-for-none",
    file: RAFT,
    find: `this.votesFreely || `,
    replace: NOTHING,
    why: "a leader that was removed can vote for none of those who are left",
    tests: [CHANGES_UNIT],
  },
  {
    name: "unready-is-promoted",
    file: RULES,
    find: `      if (!sight.isCaughtUp(peer.id)) throw etcdError("ETCD_LEARNER_NOT_READY");
`,
    replace: NOTHING,
    why: "a learner that lacks everything is a voter",
    tests: ["test/unit/actors/etcd/core/membership-rules.test.ts", "test/simulation/etcd/membership.test.ts"],
  },
  {
    name: "quorum-may-be-lost",
    file: RULES,
    find: `      return checkQuorum(membership, votersOf(membership).length - 1, change.id, sight);
`,
    replace: NOTHING,
    why: "a change ends in a group without a majority that is there",
    tests: ["test/unit/actors/etcd/core/membership-rules.test.ts"],
  },
  {
    name: "lost-disk-is-new",
    file: "actors/etcd/storage.ts",
    find: `if ((names.length === 0 && known) || log.isForgetful) return undefined;`,
    replace: `if (log.isForgetful) return undefined;`,
    why: "a member whose disk was lost takes itself for a new one",
    tests: [ACTORS],
  },
  {
    name: "new-disk-is-not-registered",
    file: "actors/etcd/storage.ts",
    find: `    await this.ctx.disk.register();`,
    replace: NOTHING,
    why: "nobody knows that there was a log",
    tests: [ACTORS],
  },
];

export const variants = [...elections, ...replication, ...reads, ...forwarding, ...changes];
