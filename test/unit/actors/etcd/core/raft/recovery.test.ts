import { beforeEach, describe, expect, it } from "vitest";
import { Raft } from "../../../../../../actors/etcd/core/raft/raft.ts";
import type { Entry, HardState, Message } from "../../../../../../actors/etcd/core/raft/types.ts";

const entry = (index: number, term: number): Entry => ({ index, term, data: new Uint8Array(0) });
type Question = Extract<Message, { type: "recovery" }>;

/** Member 1 of three. */
function member(state: Partial<HardState>, entries: readonly Entry[] = []): Raft {
  return new Raft(
    { id: 1, electionTicks: 10, heartbeatTicks: 2, messageBytesMax: 1_000, inflightMax: 3, seed: 5 },
    {
      hardState: { term: 0, vote: 0, commit: 0, recovering: false, ...state },
      snapshot: { index: 0, term: 0, membership: { voters: [1, 2, 3], learners: [] } },
      entries,
    },
  );
}

/** All that comes out while every sync ends at once. */
function run(raft: Raft): readonly Message[] {
  const messages: Message[] = [];
  for (let busy = true; busy;) {
    const { messages: some, persist } = raft.ready();
    messages.push(...some);
    busy = persist !== undefined;
    if (busy) raft.persisted();
  }
  return messages;
}

describe("a member whose disk was lost", () => {
  let raft: Raft;
  let question: Question;
  beforeEach(() => {
    raft = member({ recovering: true });
    question = ask();
  });

  function ask(): Question {
    const questions = run(raft).filter((one) => one.type === "recovery");
    expect(questions.map(({ to }) => to)).toEqual([2, 3]);
    return questions[0] as Question;
  }
  const answer = (from: number, term: number, lastIndex: number, { nonce } = question): void =>
    raft.step({ type: "recoveryResponse", from, to: 1, term, nonce, lastIndex, recovering: false });
  const append = (term: number, entries: readonly Entry[], commit: number): void => {
    const [first] = entries as [Entry];
    const previous = { previousIndex: first.index - 1, previousTerm: raft.log.term(first.index - 1) as number };
    raft.step({ type: "append", from: 2, to: 1, term, ...previous, entries, commit });
  };
  const heartbeat = (term: number, commit: number): void =>
    raft.step({ type: "heartbeat", from: 2, to: 1, term, commit, round: 1 });
  const vote = (term: number, lastIndex = 9): void =>
    raft.step({ type: "vote", from: 3, to: 1, term, preVote: false, transfer: true, lastIndex, lastTerm: term - 1 });
  const granted = (): readonly boolean[] =>
    run(raft).flatMap((one) => (one.type === "voteResponse" ? [one.granted] : []));

  it("gives no vote, stands for no election, and says with each answer that it counts for nothing", () => {
    vote(3);
    expect(granted()).toEqual([false]);
    raft.campaign();
    raft.step({ type: "timeoutNow", from: 2, to: 1, term: 3 });
    for (let ticks = 0; ticks < 50; ticks++) raft.tick();
    expect(run(raft).filter(({ type }) => type === "vote")).toEqual([]);
    append(3, [entry(1, 3)], 0);
    heartbeat(3, 0);
    expect(run(raft)).toMatchObject([
      { type: "heartbeatResponse", recovering: true },
      { type: "appendResponse", recovering: true },
    ]);
  });

  it("votes again once all others have answered, and a leader has brought it as far as they were", () => {
    append(4, [entry(1, 4), entry(2, 4)], 2);
    answer(2, 4, 3);
    heartbeat(4, 2);
    answer(3, 4, 2);
    heartbeat(4, 3);
    expect(raft.isRecovering).toBe(true);
    append(4, [entry(3, 4)], 3);
    expect(raft.isRecovering).toBe(false);
    expect(run(raft)).toContainEqual(expect.objectContaining({ type: "appendResponse", index: 3, recovering: false }));
    heartbeat(4, 3);
    expect(run(raft)).toMatchObject([{ type: "heartbeatResponse", recovering: false }]);
    vote(5);
    expect(granted()).toEqual([true]);
  });

  it("gives no vote in the last term that the others knew: it may have given it before", () => {
    append(4, [entry(1, 4)], 1);
    answer(2, 4, 1);
    answer(3, 4, 1);
    heartbeat(4, 1);
    expect(raft.isRecovering).toBe(false);
    raft.peerDown(2);
    raft.step({ type: "vote", from: 3, to: 1, term: 4, preVote: false, transfer: true, lastIndex: 9, lastTerm: 4 });
    expect(granted()).toEqual([false]);
  });

  it("hears no leader of a term before the last that the others knew", () => {
    append(4, [entry(1, 4)], 1);
    answer(2, 4, 1);
    answer(3, 6, 1);
    heartbeat(4, 1);
    expect([raft.term, raft.isRecovering]).toEqual([6, true]);
  });

  it("takes no answer of another one without a vote, of an earlier question, or twice of one member", () => {
    append(4, [entry(1, 4)], 1);
    answer(2, 4, 1);
    answer(2, 4, 1);
    raft.step({
      type: "recoveryResponse",
      from: 3,
      to: 1,
      term: 4,
      nonce: question.nonce,
      lastIndex: 1,
      recovering: true,
    });
    heartbeat(4, 1);
    expect(raft.unanswered).toEqual([3]);
    run(raft);
    const earlier = question;
    for (let ticks = 0; ticks < 10; ticks++) raft.tick();
    question = ask();
    expect(question.nonce).not.toBe(earlier.nonce);
    answer(2, 4, 1);
    answer(3, 4, 1, earlier);
    heartbeat(4, 1);
    expect(raft.isRecovering).toBe(true);
    answer(3, 4, 1);
    heartbeat(4, 1);
    expect(raft.isRecovering).toBe(false);
  });

  it("is without a vote on its disk until it has recovered, and with it from then on", () => {
    append(4, [entry(1, 4)], 1);
    expect(raft.ready().persist?.hardState).toMatchObject({ recovering: true });
    raft.persisted();
    answer(2, 4, 1);
    answer(3, 4, 1);
    heartbeat(4, 1);
    vote(5);
    const { messages, persist } = raft.ready();
    expect(messages.filter(({ type }) => type === "voteResponse")).toEqual([]);
    expect(persist?.hardState).toMatchObject({ term: 5, vote: 3, recovering: false });
  });

  it("takes nothing of its log for the leader's that this leader has not vouched for", () => {
    append(4, [entry(1, 4), entry(2, 4)], 1);
    // The leader of term 5 still believes what this member acknowledged before the loss.
    heartbeat(5, 2);
    expect(raft.log.committed).toBe(1);
  });
});

describe("the others", () => {
  let leader: Raft;
  beforeEach(() => {
    leader = member({ term: 1 }, [entry(1, 1)]);
    leader.campaign();
    run(leader);
    leader.step({ type: "voteResponse", from: 2, to: 1, term: 2, preVote: true, granted: true });
    run(leader);
    leader.step({ type: "voteResponse", from: 2, to: 1, term: 2, preVote: false, granted: true });
    run(leader);
    expect([leader.role, leader.log.last]).toEqual(["leader", 2]);
  });
  const acknowledge = (from: number, index: number, recovering: boolean): void =>
    leader.step({ type: "appendResponse", from, to: 1, term: 2, index, recovering });
  const confirm = (from: number, round: number, recovering: boolean): void =>
    leader.step({ type: "heartbeatResponse", from, to: 1, term: 2, round, recovering });

  it("answer with their term and the end of their log, to whatever term asks", () => {
    leader.step({ type: "recovery", from: 3, to: 1, term: 0, nonce: 77, lastIndex: 0 });
    leader.step({ type: "recovery", from: 3, to: 1, term: 9, nonce: 78, lastIndex: 0 });
    expect(run(leader).filter(({ type }) => type === "recoveryResponse")).toMatchObject([
      { to: 3, term: 2, nonce: 77, lastIndex: 2, recovering: false },
      { to: 3, term: 2, nonce: 78, lastIndex: 2, recovering: false },
    ]);
    expect(leader.role).toBe("leader");
  });

  it("commit nothing by what it acknowledges without a vote, and count it once it has one", () => {
    acknowledge(3, 2, true);
    expect(leader.log.committed).toBe(0);
    confirm(3, 0, false);
    expect(leader.log.committed).toBe(0);
    acknowledge(3, 2, false);
    expect(leader.log.committed).toBe(2);
  });

  it("confirm no read and no leadership by it, and hand none to it", () => {
    acknowledge(2, 2, false);
    leader.readIndex(5);
    run(leader);
    acknowledge(3, 2, true);
    confirm(3, 1, true);
    expect(leader.ready().readStates).toEqual([]);
    confirm(2, 1, false);
    expect(leader.ready().readStates).toEqual([{ context: 5, index: 2 }]);
    expect(leader.transferLeader(3)).toBe(false);
    for (let ticks = 0; ticks < 22; ticks++) {
      confirm(3, 1, true);
      leader.tick();
    }
    expect(leader.role).toBe("follower");
  });

  it("know that nothing can go on when a majority has lost its disks and there is no leader", () => {
    const third = member({ term: 2 }, [entry(1, 1)]);
    third.step({ type: "recovery", from: 2, to: 1, term: 0, nonce: 1, lastIndex: 0 });
    expect(third.isQuorumLost).toBe(false);
    third.step({ type: "recovery", from: 3, to: 1, term: 0, nonce: 1, lastIndex: 0 });
    expect([third.isQuorumLost, third.recovering]).toEqual([true, [2, 3]]);
    // Whoever has recovered says no more; that he did is known even to those who have heard nothing else.
    for (let ticks = 0; ticks < 40; ticks++) third.tick();
    expect(third.isQuorumLost).toBe(false);
  });
});
