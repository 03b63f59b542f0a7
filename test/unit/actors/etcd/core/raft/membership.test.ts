import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Change, Membership } from "../../../../../../actors/etcd/core/raft/membership.ts";
import {
  applyChange,
  decodeChange,
  encodeChange,
  foundingMembership,
  learnersOf,
  NO_ONE,
  quorumOf,
  readMembership,
  votersOf,
  writeMembership,
} from "../../../../../../actors/etcd/core/raft/membership.ts";
import { ByteReader, ByteWriter } from "../../../../../../actors/etcd/core/bytes.ts";
import { Raft } from "../../../../../../actors/etcd/core/raft/raft.ts";
import type { Message } from "../../../../../../actors/etcd/core/raft/types.ts";
import { membershipOf } from "../../../../../fixtures/membership.ts";
import type { Group } from "./group.ts";
import { entry, groupOf, raft } from "./group.ts";

const add = (name: string, learner: boolean): Change => ({
  type: "add",
  name,
  peerUrls: [`http://${name}:1`],
  learner,
});

const anyChange = fc.oneof(
  fc.record({
    type: fc.constant("add" as const),
    name: fc.constantFrom("a", "b", "c", "d", "e"),
    peerUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
    learner: fc.boolean(),
  }),
  fc.record({ type: fc.constantFrom("promote" as const, "remove" as const, "replace" as const), id: fc.nat(9) }),
  fc.record({ type: fc.constant("update" as const), id: fc.nat(9), peerUrls: fc.array(fc.webUrl(), { maxLength: 2 }) }),
);

describe("a group's changes", () => {
  it("make or unmake one voter at most, so that every majority meets the next, and give no number twice", () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 30 }), (changes) => {
        let before = foundingMembership(["x", "y", "z"]);
        const given = new Set(before.members.map(({ id }) => id));
        changes.forEach((change, at) => {
          const changed = applyChange(before, change, at + 1);
          if (changed.refusal !== undefined) return;
          const after = changed.membership;
          const [old, now] = [votersOf(before), votersOf(after)];
          const differ = [...old.filter((id) => !now.includes(id)), ...now.filter((id) => !old.includes(id))];
          expect(differ.length).toBeLessThanOrEqual(1);
          const all = new Set([...old, ...now]).size;
          if (old.length > 0 && now.length > 0)
            expect(quorumOf(old.length) + quorumOf(now.length)).toBeGreaterThan(all);
          for (const { id, since } of after.members.filter((one) => one.since === at + 1)) {
            expect(given.has(id)).toBe(false);
            expect(since).toBe(at + 1);
            given.add(id);
          }
          expect(after.lastId).toBe(Math.max(...given));
          before = after;
        });
      }),
    );
  });

  it("survive the log and the snapshot", () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 10 }), (changes) => {
        let membership: Membership = foundingMembership(["x", "y"]);
        for (const change of changes) {
          expect(decodeChange(encodeChange(change))).toEqual(change);
          const changed = applyChange(membership, change, 7);
          if (changed.refusal === undefined) membership = changed.membership;
        }
        const writer = new ByteWriter();
        writeMembership(writer, membership);
        expect(readMembership(new ByteReader(writer.take()))).toEqual(membership);
      }),
    );
  });

  it.each<[string, Change, string]>([
    ["a name twice", add("etcd-1", true), "nameTaken"],
    ["nobody's promotion", { type: "promote", id: 9 }, "notFound"],
    ["a voter's promotion", { type: "promote", id: 1 }, "notLearner"],
    ["nobody's place", { type: "replace", id: 9 }, "notFound"],
  ])("are refused, the same on all members: %s", (_, change, refusal) => {
    expect(applyChange(membershipOf([1, 2, 3]), change, 5)).toEqual({ refusal });
  });

  it("let a learner take the place of a member, to be a voter again if that one was", () => {
    const first = applyChange(membershipOf([1, 2, 3], [4]), { type: "replace", id: 2 }, 8);
    expect(first).toMatchObject({ peer: { id: 5, name: "etcd-1", learner: true, stands: true, since: 8 } });
    const second = applyChange(membershipOf([1, 2, 3], [4]), { type: "replace", id: 4 }, 8);
    expect(second).toMatchObject({ peer: { id: 5, name: "etcd-3", learner: true, stands: false } });
  });
});

describe("a group that changes", () => {
  let group: Group;
  let leader: Raft;
  beforeEach(() => {
    group = groupOf(3);
    leader = group.elect(1);
    group.propose(1, "before");
  });

  const change = (one: Change): boolean => {
    const isTaken = leader.proposeChange(one);
    group.settle();
    return isTaken;
  };
  /** Nobody, until a leader tells it where it belongs. */
  const come = (id: number): void => {
    const options = { electionTicks: 10, heartbeatTicks: 2, messageBytesMax: 1_000, inflightMax: 3, id, seed: id };
    const empty = { hardState: { term: 0, vote: 0, commit: 0 }, entries: [] };
    group.add(id, new Raft(options, { ...empty, snapshot: { index: 0, term: 0, membership: NO_ONE } }));
  };

  it("gives a learner everything by a snapshot first, and counts it for nothing", () => {
    expect(change(add("etcd-3", true))).toBe(true);
    come(4);
    group.tick(1, 4);
    const late = group.members.get(4)!;
    expect(group.sent.filter(({ type, to }) => type === "snapshot" && to === 4)).toHaveLength(1);
    expect([late.log.committed, votersOf(late.members), learnersOf(late.members)]).toEqual([
      leader.log.committed,
      [1, 2, 3],
      [4],
    ]);
    group.blocked = ({ from, to }) => [2, 3].includes(from) || [2, 3].includes(to);
    const { committed } = leader.log;
    group.propose(1, "x");
    expect(leader.log.committed).toBe(committed);
    late.campaign();
    group.tick(4, 50);
    expect(late.role).toBe("follower");
    expect(leader.transferLeader(4)).toBe(false);
  });

  it("has a voter more once a learner that has caught up is promoted", () => {
    change(add("etcd-3", true));
    come(4);
    expect(leader.isCaughtUp(4)).toBe(false);
    group.tick(1, 6);
    expect(leader.isCaughtUp(4)).toBe(true);
    expect(change({ type: "promote", id: 4 })).toBe(true);
    expect([...group.members.values()].map(({ members }) => votersOf(members))).toEqual(
      Array.from({ length: 4 }, () => [1, 2, 3, 4]),
    );
    // Of four, two are no majority.
    group.blocked = ({ from, to }) => [2, 3].includes(from) || [2, 3].includes(to);
    const { committed } = leader.log;
    group.propose(1, "x");
    expect(leader.log.committed).toBe(committed);
    group.blocked = ({ from, to }) => from === 2 || to === 2;
    group.tick(1, 4);
    expect(leader.log.committed).toBeGreaterThan(committed);
  });

  it("takes one change at a time, and none before an entry of its own term is committed", () => {
    group.blocked = ({ type }) => type === "appendResponse";
    expect(change(add("a", true))).toBe(true);
    expect(change(add("b", true))).toBe(false);
    group.blocked = () => false;
    group.tick(1, 6);
    expect(change(add("b", true))).toBe(true);
    const fresh = groupOf(3);
    fresh.blocked = ({ type }) => type === "append";
    const other = fresh.members.get(2)!;
    other.campaign();
    fresh.settle();
    expect([other.role, other.proposeChange(add("c", true))]).toEqual(["leader", false]);
  });

  it("commits by the majority of those who are left, and asks the one that is gone for nothing", () => {
    expect(change({ type: "remove", id: 3 })).toBe(true);
    group.sent.length = 0;
    group.blocked = ({ from, to }) => from === 2 || to === 2;
    const { committed } = leader.log;
    group.propose(1, "x");
    group.tick(1, 4);
    expect(leader.log.committed).toBe(committed);
    expect(group.sent.filter(({ to }) => to === 3)).toEqual([]);
    expect(group.members.get(3)!.isRemoved).toBe(true);
  });

  it("tells a member that comes back after its removal, which stands no more", () => {
    group.blocked = ({ to, from }) => to === 3 || from === 3;
    change({ type: "remove", id: 3 });
    group.blocked = () => false;
    const gone = group.members.get(3)!;
    expect(gone.isRemoved).toBe(false);
    group.tick(3, 30);
    expect(gone.isRemoved).toBe(true);
    const { term } = gone;
    group.tick(3, 50);
    expect([gone.role, gone.term, leader.role]).toEqual(["follower", term, "leader"]);
  });

  it("has another leader at once when it removes its own", () => {
    change({ type: "remove", id: 1 });
    expect(leader.isRemoved).toBe(true);
    const roles = [2, 3].map((id) => group.members.get(id)!.role);
    expect(roles.toSorted()).toEqual(["follower", "leader"]);
  });

  it("gets on, two being left, although the other does not know yet that the leader is gone", () => {
    // That the leader is to go is in both logs, from an older one.
    const data = encodeChange({ type: "remove", id: 1 });
    const two = groupOf(0);
    for (const id of [1, 2]) {
      const entries = [{ ...entry(1, 1), type: "change" as const, data }];
      two.add(id, raft(id, { voters: [1, 2], state: { term: 1 }, entries }));
    }
    const held: Message[] = [];
    two.blocked = (message) => message.type === "appendResponse" && held.push(message) > 0;
    const old = two.elect(1);
    // It has written more that nobody needs, and its last word is lost.
    old.propose([new Uint8Array(1), new Uint8Array(1)]);
    two.blocked = ({ from }) => from === 1;
    for (const message of held) old.step(message);
    two.settle();
    expect([old.isRemoved, old.log.last > two.members.get(2)!.log.last]).toEqual([true, true]);
    two.blocked = () => false;
    two.tick(2, 50);
    const left = two.members.get(2)!;
    expect([left.role, votersOf(left.members)]).toEqual(["leader", [2]]);
  });

  it("has who knows that a change is committed, and not which, stand for nothing", () => {
    const data = encodeChange({ type: "remove", id: 3 });
    const member = raft(2, { state: { term: 1, commit: 0 }, entries: [{ ...entry(1, 1), type: "change", data }] });
    const timeoutNow: Message = { type: "timeoutNow", from: 1, to: 2, term: 1 };
    member.step({ type: "commit", from: 1, to: 2, term: 1, commit: 1 });
    member.step(timeoutNow);
    member.campaign();
    expect([member.log.hasUnappliedChange, member.role]).toEqual([true, "follower"]);
    // It is called, and follows as soon as it knows the group.
    expect(member.ready().changes).toHaveLength(1);
    expect([member.role, votersOf(member.members)]).toEqual(["candidate", [1, 2]]);
  });

  it("writes down that a change is committed, with nothing else to write", () => {
    change({ type: "remove", id: 3 });
    const data = encodeChange({ type: "remove", id: 3 });
    const member = raft(2, { state: { term: 1, commit: 1 }, entries: [{ ...entry(1, 1), type: "change", data }] });
    expect(member.ready().changes).toHaveLength(1);
    expect(member.ready().persist).toMatchObject({ entries: [], hardState: { commit: 1 } });
  });

  it("is in the snapshot that a restart begins with", () => {
    change({ type: "remove", id: 3 });
    const meta = leader.snapshotMeta();
    expect(votersOf(meta.membership)).toEqual([1, 2]);
    const options = { electionTicks: 10, heartbeatTicks: 2, messageBytesMax: 1_000, inflightMax: 3, seed: 1 };
    const hardState = { term: 1, vote: 1, commit: meta.index };
    const again = new Raft({ ...options, id: 1 }, { hardState, snapshot: meta, entries: [] });
    expect(votersOf(again.members)).toEqual([1, 2]);
    expect(new Raft({ ...options, id: 3 }, { hardState, snapshot: meta, entries: [] }).isRemoved).toBe(true);
  });
});
