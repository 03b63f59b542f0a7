import { beforeEach, describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../../../../../../actors/etcd/core/raft/message-codec.ts";
import type { Raft } from "../../../../../../actors/etcd/core/raft/raft.ts";
import type { Entry, Message } from "../../../../../../actors/etcd/core/raft/types.ts";
import { membershipOf } from "../../../../../fixtures/membership.ts";
import { entry, Group, groupOf, raft, text } from "./group.ts";

let group: Group;
beforeEach(() => void (group = groupOf(3)));

describe("elections", () => {
  it("make the one who asks leader of the next term, in two rounds of questions", () => {
    const leader = group.elect(1);
    expect(leader.term).toBe(1);
    expect([...group.members.values()].map((one) => one.leader)).toEqual([1, 1, 1]);
    const votes = group.sent.flatMap((one) => (one.type === "vote" ? [one.preVote] : []));
    expect(votes).toEqual([true, true, false, false]);
  });

  it("begin by themselves after a silence of one to two election timeouts", () => {
    let ticks = 0;
    for (; group.members.get(2)!.role !== "leader"; ticks++) group.tick(2, 1);
    expect(ticks).toBeGreaterThanOrEqual(10);
    expect(ticks).toBeLessThanOrEqual(20);
  });

  it("don't change the term while no majority would vote (thesis 9.6)", () => {
    group.blocked = () => true;
    group.tick(1, 100);
    expect(group.members.get(1)!.term).toBe(0);
  });

  it("are refused by those who hear from a leader (thesis 4.2.3)", () => {
    group.elect(1);
    const { term } = group.members.get(1)!;
    group.blocked = (message) => message.to === 3 && message.from === 1;
    group.tick(3, 40);
    expect(group.members.get(1)!.role).toBe("leader");
    expect(group.members.get(1)!.term).toBe(term);
  });

  it("are refused to a log that lacks something (thesis 3.6.1)", () => {
    group.elect(1);
    group.blocked = ({ from, to }) => from === 3 || to === 3;
    group.propose(1, "x");
    group.blocked = ({ from, to }) => from === 1 || to === 1;
    group.members.get(2)!.peerDown(1);
    group.members.get(3)!.peerDown(1);
    group.members.get(3)!.campaign();
    group.settle();
    expect(group.members.get(3)!.role).not.toBe("leader");
    group.elect(2);
  });

  it("are won at once by a survivor when the runtime says that the leader died", () => {
    group.elect(1);
    group.members.delete(1);
    for (const one of group.members.values()) one.peerDown(1);
    group.elect(3);
  });

  it("let no vote out before it is on disk", () => {
    const voter = raft(2);
    voter.step({
      type: "vote",
      from: 1,
      to: 2,
      term: 1,
      preVote: false,
      transfer: false,
      lastIndex: 0,
      lastTerm: 0,
    });
    const ready = voter.ready();
    expect(ready.messages).toEqual([]);
    expect(ready.persist?.hardState).toMatchObject({ term: 1, vote: 1 });
    expect(voter.ready().messages).toEqual([]);
    voter.persisted();
    expect(voter.ready().messages).toMatchObject([{ type: "voteResponse", granted: true, to: 1 }]);
  });

  it("are not won by answers to the question whether one could be won", () => {
    const candidate = raft(1, { voters: [1, 2, 3, 4, 5] });
    candidate.campaign();
    const sync = (): void => {
      while (candidate.ready().persist !== undefined) candidate.persisted();
    };
    const grant = (from: number, preVote: boolean): void =>
      candidate.step({ type: "voteResponse", from, to: 1, term: 1, preVote, granted: true });
    sync();
    for (const from of [2, 3]) grant(from, true);
    sync();
    expect(candidate.role).toBe("candidate");
    for (const from of [4, 5]) grant(from, true);
    expect(candidate.role).toBe("candidate");
    for (const from of [2, 3]) grant(from, false);
    expect(candidate.role).toBe("leader");
  });

  it("give one vote a term, also over a restart", () => {
    const voter = raft(2, { state: { term: 1, vote: 1 } });
    voter.step({
      type: "vote",
      from: 3,
      to: 2,
      term: 1,
      preVote: false,
      transfer: false,
      lastIndex: 9,
      lastTerm: 1,
    });
    expect(voter.ready().messages).toMatchObject([{ type: "voteResponse", granted: false }]);
  });

  it("end a leadership that hears of no majority (thesis 6.2)", () => {
    const leader = group.elect(1);
    group.blocked = () => true;
    group.tick(1, 25);
    expect(leader.role).not.toBe("leader");
  });
});

describe("replication", () => {
  it("commits what a majority has on disk, and tells the others at once", () => {
    group.elect(1);
    group.propose(1, "x");
    expect([...group.committed.values()]).toEqual([["x"], ["x"], ["x"]]);
  });

  it("counts the leader itself only after its own sync (thesis 10.2.1), though the others get it before", () => {
    const leader = group.elect(1);
    group.stalled.add(1);
    group.stalled.add(3);
    group.propose(1, "x");
    expect(group.sent.some((one) => one.type === "append" && one.to === 2 && one.entries.length === 1)).toBe(true);
    expect(group.committed.get(1)).toEqual([]);
    group.stalled.delete(1);
    group.settle();
    expect(leader.log.committed).toBe(leader.log.last);
    expect(group.committed.get(1)).toEqual(["x"]);
  });

  describe("to a follower that lags", () => {
    const limits = { catchUpEntries: 2, catchUpBytes: 1_000, snapshotBytes: 20 };
    const lagging = (): Raft => {
      const leader = group.elect(1);
      // Heard of, but nothing that it is sent arrives.
      group.blocked = ({ type, to }) => to === 3 && type === "append";
      for (let count = 0; count < 8; count++) group.propose(1, "x");
      return leader;
    };

    it("keeps all that it lacks while it is there, and no more than a restart would read", () => {
      const leader = lagging();
      leader.trimLog(limits);
      expect(leader.log.size).toBeGreaterThanOrEqual(8);
      for (let count = 0; count < 20; count++) group.propose(1, "x");
      leader.trimLog(limits);
      expect(leader.log.size).toBe(2);
    });

    it("keeps nothing for one that has died, nor for one that nothing was heard of for long", () => {
      const leader = lagging();
      leader.peerDown(3);
      leader.trimLog(limits);
      expect(leader.log.size).toBe(2);
      const other = (group = groupOf(3)) && lagging();
      group.blocked = ({ to, from }) => to === 3 || from === 3;
      group.tick(1, 25);
      other.trimLog(limits);
      expect(other.log.size).toBe(2);
    });

    it("keeps what follows a snapshot that it is taking in", () => {
      const leader = lagging();
      leader.peerDown(3);
      leader.trimLog(limits);
      group.blocked = ({ type, to }) => to === 3 && type === "snapshot";
      group.tick(1, 4);
      const asked = leader.log.applied;
      leader.sendSnapshot(3, { ...leader.snapshotMeta(), data: new Uint8Array() } as never);
      for (let count = 0; count < 6; count++) group.propose(1, "x");
      leader.trimLog(limits);
      expect(leader.log.first).toBeLessThanOrEqual(asked + 1);
      expect(leader.log.last).toBe(asked + 6);
    });
  });

  it("commits nothing of an earlier term by counting (thesis figure 3.7)", () => {
    // S1 led term 2 and wrote (2, term 2) to S2 only; S5 wrote (2, term 3) to itself; S1 leads again, in term 4.
    const voters = [1, 2, 3, 4, 5];
    const leader = raft(1, { voters, state: { term: 3, vote: 0 }, entries: [entry(1, 1), entry(2, 2)] });
    leader.campaign();
    const grant = (preVote: boolean, term: number): void => {
      for (const from of [2, 3]) leader.step({ type: "voteResponse", from, to: 1, term, preVote, granted: true });
    };
    const sync = (): void => {
      for (let busy = true; busy;) {
        busy = leader.ready().persist !== undefined;
        if (busy) leader.persisted();
      }
    };
    sync();
    grant(true, 4);
    sync();
    grant(false, 4);
    sync();
    expect(leader.role).toBe("leader");
    expect(leader.log.last).toBe(3);
    // (d): a majority has entry 2 of term 2, and yet it is not committed …
    for (const from of [2, 3]) leader.step({ type: "appendResponse", from, to: 1, term: 4, index: 2 });
    expect(leader.log.committed).toBe(0);
    // (e): … before an entry of term 4 is.
    for (const from of [2, 3]) leader.step({ type: "appendResponse", from, to: 1, term: 4, index: 3 });
    expect(leader.log.committed).toBe(3);
  });

  it("brings a log that went its own way back, whole terms at a time", () => {
    const old = Array.from({ length: 50 }, (_, at) => entry(at + 2, 1, `lost ${at}`));
    const whole = Array.from({ length: 50 }, (_, at) => entry(at + 2, 2, `kept ${at}`));
    const two = new Group();
    two.add(1, raft(1, { state: { term: 2 }, entries: [entry(1, 1), ...whole] }));
    two.add(2, raft(2, { state: { term: 2 }, entries: [entry(1, 1), ...whole] }));
    two.add(3, raft(3, { state: { term: 1 }, entries: [entry(1, 1), ...old] }));
    two.blocked = ({ from, to }) => from === 3 || to === 3;
    two.elect(1);
    two.blocked = () => false;
    two.sent.length = 0;
    two.tick(1, 6);
    expect(two.committed.get(3)).toEqual(whole.map(text));
    expect(two.sent.filter(({ type }) => type === "appendReject").length).toBeLessThanOrEqual(2);
  });

  it("sends what was lost on the way again", () => {
    group.elect(1);
    group.blocked = (message) => message.type === "append" && message.to === 3;
    group.propose(1, "x");
    group.blocked = () => false;
    expect(group.committed.get(3)).toEqual([]);
    group.tick(1, 8);
    expect(group.committed.get(3)).toEqual(["x"]);
  });

  it("keeps no more appends under way than its window", () => {
    group.elect(1);
    group.stalled.add(3);
    group.sent.length = 0;
    for (let count = 0; count < 10; count++) group.propose(1, `${count}`);
    const appends = group.sent.filter((one) => one.type === "append" && one.to === 3 && one.entries.length > 0);
    expect(appends.length).toBe(3);
    group.stalled.clear();
    group.settle();
    expect(group.committed.get(3)!.length).toBe(10);
  });

  it("lets no acknowledgement out before the entries are on disk, nor for entries that were cut off meanwhile", () => {
    const follower = raft(2);
    const append = (term: number, from: number, previousTerm: number, entries: Entry[]): void =>
      follower.step({ type: "append", from, to: 2, term, previousIndex: 1, previousTerm, entries, commit: 0 });
    follower.step({
      type: "append",
      from: 1,
      to: 2,
      term: 1,
      previousIndex: 0,
      previousTerm: 0,
      entries: [entry(1, 1)],
      commit: 0,
    });
    expect(follower.ready().persist?.entries.length).toBe(1);
    follower.persisted();
    expect(follower.ready().messages).toMatchObject([{ type: "appendResponse", index: 1 }]);
    append(1, 1, 1, [entry(2, 1, "a")]);
    expect(follower.ready().persist?.entries.length).toBe(1);
    // While (2, term 1) is being written, a leader of term 2 replaces it, and one of term 3 brings it back (ABA).
    append(2, 3, 1, [entry(2, 2, "b")]);
    append(3, 1, 1, [entry(2, 3, "c")]);
    follower.persisted();
    const next = follower.ready();
    expect(next.messages.filter((one) => one.type === "appendResponse" && one.term === 3)).toEqual([]);
    expect(next.persist?.entries.map(text)).toEqual(["c"]);
    follower.persisted();
    expect(follower.ready().messages).toContainEqual(
      expect.objectContaining({ type: "appendResponse", term: 3, index: 2 }),
    );
  });

  describe("to a follower whose log went its own way after entry 1", () => {
    let follower: Raft;
    beforeEach(() => {
      follower = raft(2, { state: { term: 1 }, entries: [entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")] });
    });
    const append = (entries: Entry[], commit: number): void =>
      follower.step({ type: "append", from: 1, to: 2, term: 2, previousIndex: 1, previousTerm: 1, entries, commit });
    const sync = (): readonly Message[] => {
      const first = follower.ready();
      if (first.persist !== undefined) follower.persisted();
      return [...first.messages, ...follower.ready().messages];
    };

    it("is acknowledged as far as the leader has sent, and not to the end of the follower's own log", () => {
      append([], 0);
      expect(sync()).toMatchObject([{ type: "appendResponse", index: 1 }]);
      append([entry(2, 2, "B")], 0);
      expect(sync()).toMatchObject([{ type: "appendResponse", index: 2 }]);
      expect(follower.log.last).toBe(2);
    });

    it("commits nothing that this leader has not vouched for, whatever index it names", () => {
      append([], 3);
      expect(follower.log.committed).toBe(1);
      follower.step({ type: "heartbeat", from: 1, to: 2, term: 2, commit: 3, round: 0 });
      follower.step({ type: "commit", from: 1, to: 2, term: 2, commit: 2 });
      expect(follower.log.committed).toBe(1);
      append([entry(2, 2, "B"), entry(3, 2, "C")], 1);
      follower.step({ type: "commit", from: 1, to: 2, term: 2, commit: 3 });
      expect(follower.log.committed).toBe(3);
    });

    it("takes the place of the whole log when it is a snapshot", () => {
      const membership = membershipOf([1, 2, 3]);
      const snapshot = { index: 2, term: 2, membership, data: new Uint8Array(0) };
      follower.step({ type: "snapshot", from: 1, to: 2, term: 2, snapshot });
      expect([follower.log.last, follower.log.lastTerm, follower.log.committed]).toEqual([2, 2, 2]);
      expect(sync()).toMatchObject([{ type: "appendResponse", index: 2 }]);
      follower.step({
        type: "append",
        from: 1,
        to: 2,
        term: 2,
        previousIndex: 2,
        previousTerm: 2,
        entries: [],
        commit: 2,
      });
      expect(sync()).toMatchObject([{ type: "appendResponse", index: 2 }]);
    });
  });

  it("is not undone by an older message of the same leader that comes late", () => {
    const follower = raft(2);
    const append = (previousIndex: number, entries: Entry[]): void => {
      const previousTerm = previousIndex === 0 ? 0 : 1;
      follower.step({ type: "append", from: 1, to: 2, term: 1, previousIndex, previousTerm, entries, commit: 0 });
    };
    append(0, [entry(1, 1), entry(2, 1), entry(3, 1)]);
    append(0, [entry(1, 1)]);
    expect(follower.log.last).toBe(3);
  });

  it("gives a learner everything and counts it for nothing", () => {
    const three = new Group();
    for (const id of [1, 2]) three.add(id, raft(id, { voters: [1, 2], learners: [3] }));
    three.add(3, raft(3, { voters: [1, 2], learners: [3] }));
    three.elect(1);
    three.propose(1, "x");
    expect(three.committed.get(3)).toEqual(["x"]);
    three.blocked = ({ from, to }) => from === 2 || to === 2;
    three.propose(1, "y");
    expect(three.committed.get(1)).toEqual(["x"]);
    three.members.get(3)!.campaign();
    three.settle();
    expect(three.members.get(3)!.role).toBe("follower");
  });
});

describe("reads", () => {
  it("wait for a round of heartbeats that left after them, and get what was committed then (thesis 6.4)", () => {
    group.elect(1);
    group.propose(1, "x");
    expect(group.members.get(1)!.readIndex(7)).toBe(true);
    group.settle();
    expect(group.readStates).toEqual([{ context: 7, index: 2 }]);
  });

  it("share one round, and are asked of the leader by followers", () => {
    group.elect(1);
    group.sent.length = 0;
    for (const context of [1, 2, 3]) group.members.get(1)!.readIndex(context);
    group.settle();
    expect(group.sent.filter(({ type }) => type === "heartbeat").length).toBe(2);
    group.members.get(2)!.readIndex(9);
    group.settle();
    expect(group.readStates.map(({ context }) => context)).toEqual([1, 2, 3, 9]);
  });

  it("get no answer from a leader that was deposed without knowing (etcd bug 20418)", () => {
    const leader = group.elect(1);
    group.tick(1, 2);
    // Answers to earlier heartbeats are still on their way to it when it is cut off.
    const late: Message = {
      type: "heartbeatResponse",
      from: 2,
      to: 1,
      term: leader.term,
      round: 0,
    };
    group.blocked = ({ from, to }) => from === 1 || to === 1;
    leader.readIndex(5);
    group.settle();
    leader.step(late);
    leader.step({ ...late, from: 3 });
    group.settle();
    expect(group.readStates).toEqual([]);
  });

  it("wait until a new leader has committed something of its own term", () => {
    group.elect(1);
    group.propose(1, "x");
    group.members.delete(1);
    for (const one of group.members.values()) one.peerDown(1);
    group.blocked = ({ type }) => type === "appendResponse";
    const next = group.elect(2);
    next.readIndex(4);
    group.settle();
    expect(group.readStates).toEqual([]);
    group.blocked = () => false;
    group.tick(2, 8);
    expect(group.readStates).toEqual([{ context: 4, index: 3 }]);
  });

  it("that come while a round is under way wait for the next one", () => {
    const leader = group.elect(1);
    group.settle();
    const answers: Message[] = [];
    group.blocked = (message) => {
      if (message.type === "heartbeatResponse") answers.push(message);
      return message.type === "heartbeatResponse";
    };
    leader.readIndex(1);
    group.settle();
    leader.readIndex(2);
    const [first] = answers as [Message];
    leader.step(first);
    group.settle();
    // The follower answered before the second read was there: it says nothing of that one's time.
    expect(group.readStates.map(({ context }) => context)).toEqual([1]);
    leader.step(answers[answers.length - 1] as Message);
    group.settle();
    expect(group.readStates.map(({ context }) => context)).toEqual([1, 2]);
  });

  it("are refused without a leader", () => expect(raft(1).readIndex(1)).toBe(false));
});

describe("hand-over", () => {
  it("moves leadership in one election, and takes no proposals meanwhile (thesis 3.10)", () => {
    const leader = group.elect(1);
    group.blocked = ({ type }) => type === "timeoutNow";
    expect(leader.transferLeader(3)).toBe(true);
    group.settle();
    expect(leader.propose([new Uint8Array(1)])).toBe(false);
    group.tick(1, 11);
    expect(leader.isAccepting).toBe(true);
    group.blocked = () => false;
    expect(leader.transferLeader(3)).toBe(true);
    group.settle();
    expect(group.members.get(3)!.role).toBe("leader");
    expect(leader.leader).toBe(3);
  });

  it("goes to voters only, and to no one without being leader", () => {
    const leader = group.elect(1);
    expect([leader.transferLeader(1), leader.transferLeader(9), group.members.get(2)!.transferLeader(3)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe("messages", () => {
  it.each<Message>([
    { type: "vote", from: 1, to: 2, term: 3, preVote: true, transfer: false, lastIndex: 4, lastTerm: 5 },
    { type: "voteResponse", from: 1, to: 2, term: 3, preVote: false, granted: true },
    {
      type: "append",
      from: 1,
      to: 2,
      term: 3,
      previousIndex: 7,
      previousTerm: 2,
      commit: 6,
      entries: [entry(8, 2, "a"), { ...entry(9, 3, "b"), type: "change" }],
    },
    { type: "appendResponse", from: 1, to: 2, term: 3, index: 2 ** 40 },
    { type: "appendReject", from: 1, to: 2, term: 3, rejected: 5, hintIndex: 4, hintTerm: 1 },
    { type: "heartbeat", from: 1, to: 2, term: 3, commit: 4, round: 5 },
    { type: "heartbeatResponse", from: 1, to: 2, term: 3, round: 5 },
    { type: "commit", from: 1, to: 2, term: 3, commit: 4 },
    {
      type: "snapshot",
      from: 1,
      to: 2,
      term: 3,
      snapshot: { index: 9, term: 2, membership: membershipOf([1, 2], [3]), data: new Uint8Array([1, 2]) },
    },
    { type: "readIndex", from: 1, to: 2, term: 3, context: 4 },
    { type: "readIndexResponse", from: 1, to: 2, term: 3, context: 4, index: 5 },
    { type: "timeoutNow", from: 1, to: 2, term: 3 },
    { type: "removed", from: 1, to: 2, term: 3 },
  ])("survive the wire: $type", (message) => {
    const plain = (value: Message): unknown => JSON.parse(JSON.stringify(value, replacer));
    expect(plain(decodeMessage(encodeMessage(message), 1, 2))).toEqual(plain(message));
  });
});

function replacer(_: string, value: unknown): unknown {
  if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value)
    return value.data;
  return ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value;
}
