import { describe, expect, it } from "vitest";
import { checkChange, duePromotion, hostOf } from "../../../../../actors/etcd/core/membership-rules.ts";
import type { Change } from "../../../../../actors/etcd/core/raft/membership.ts";
import { membershipOf } from "../../../../fixtures/membership.ts";

const add = (learner: boolean, ...peerUrls: string[]): Change => ({ type: "add", name: "etcd-9", peerUrls, learner });
const GOOD = "http://etcd-9:2380";

/** The code of what a leader that hears of `active` says to a group of voters and learners; "" when it takes the change. */
function answer(
  voters: number[],
  learners: number[],
  active: number[],
  change: Change,
  caughtUp: number[] = [],
): string {
  try {
    checkChange(membershipOf(voters, learners), change, { active, isCaughtUp: (id) => caughtUp.includes(id) });
    return "";
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

describe("a leader", () => {
  it.each<[string, number[], number[], number[], Change, string]>([
    ["adds a voter", [1, 2, 3], [], [1, 2, 3], add(false, GOOD), ""],
    ["adds one to itself alone only as a learner", [1], [], [1], add(false, GOOD), "ETCD_NOT_ENOUGH_STARTED"],
    ["adds a learner to itself alone", [1], [], [1], add(true, GOOD), ""],
    ["adds no voter where one is away already", [1, 2, 3], [], [1, 2], add(false, GOOD), "ETCD_NOT_ENOUGH_STARTED"],
    ["adds one learner at a time", [1, 2, 3], [4], [1, 2, 3], add(true, GOOD), "ETCD_TOO_MANY_LEARNERS"],
    ["removes who is away", [1, 2, 3], [], [1, 2], { type: "remove", id: 3 }, ""],
    ["keeps whom it needs", [1, 2, 3], [], [1, 2], { type: "remove", id: 2 }, "ETCD_NOT_ENOUGH_STARTED"],
    ["keeps the last one", [1], [], [1], { type: "remove", id: 1 }, "ETCD_NOT_ENOUGH_STARTED"],
    ["removes a learner in any case", [1, 2, 3], [4], [1], { type: "remove", id: 4 }, ""],
    ["knows of nobody else", [1, 2, 3], [], [1, 2, 3], { type: "remove", id: 9 }, "ETCD_MEMBER_NOT_FOUND"],
    ["lets someone take a lost one's place", [1, 2, 3, 4, 5], [], [1, 2, 3], { type: "replace", id: 5 }, ""],
    ["not where too few are left", [1, 2, 3], [], [1], { type: "replace", id: 3 }, "ETCD_NOT_ENOUGH_STARTED"],
    ["promotes no voter", [1, 2, 3], [], [1, 2, 3], { type: "promote", id: 1 }, "ETCD_MEMBER_NOT_LEARNER"],
    [
      "promotes none that lacks much",
      [1, 2, 3],
      [4],
      [1, 2, 3, 4],
      { type: "promote", id: 4 },
      "ETCD_LEARNER_NOT_READY",
    ],
    ["takes no URL of another host", [1, 2, 3], [], [1, 2, 3], add(true, "http://a:1"), "ETCD_BAD_MEMBER_URLS"],
    [
      "takes no URL of a member",
      [1, 2, 3],
      [],
      [1, 2, 3],
      { ...add(true, "http://etcd-1:2380"), name: "etcd-1" } as Change,
      "ETCD_PEER_URL_EXISTS",
    ],
    [
      "changes the port of a URL",
      [1, 2, 3],
      [],
      [1, 2, 3],
      { type: "update", id: 2, peerUrls: ["http://etcd-1:9"] },
      "",
    ],
    ["and not its host", [1, 2, 3], [], [1, 2, 3], { type: "update", id: 2, peerUrls: [GOOD] }, "ETCD_BAD_MEMBER_URLS"],
  ])("%s", (_, voters, learners, active, change, code) => {
    expect(answer(voters, learners, active, change)).toBe(code);
  });

  it("promotes a learner that is there and has caught up, also the second voter", () => {
    expect(answer([1], [2], [1, 2], { type: "promote", id: 2 }, [2])).toBe("");
    expect(answer([1, 2, 3], [4], [1, 2], { type: "promote", id: 4 }, [4])).toBe("ETCD_NOT_ENOUGH_STARTED");
  });

  it("promotes by itself only who took the place of a voter, as soon as it can", () => {
    const group = membershipOf([1, 2], [3]);
    const standing = { ...group, members: group.members.map((one) => ({ ...one, stands: one.learner })) };
    const sight = (active: number[], isCaughtUp: boolean) => ({ active, isCaughtUp: () => isCaughtUp });
    expect(duePromotion(group, sight([1, 2, 3], true))).toBeUndefined();
    expect(duePromotion(standing, sight([1, 2, 3], false))).toBeUndefined();
    expect(duePromotion(standing, sight([1], true))).toBeUndefined();
    expect(duePromotion(standing, sight([1, 2, 3], true))).toEqual({ type: "promote", id: 3 });
  });
});

it.each([
  ["http://etcd-3:2380", "etcd-3"],
  ["https://a.b:1", "a.b"],
  ["etcd-3:2380", undefined],
  ["http://etcd-3", undefined],
  ["http://etcd-3:2380/path", undefined],
])("takes %s for the URL of the actor %s", (url, host) => expect(hostOf(url)).toBe(host));
