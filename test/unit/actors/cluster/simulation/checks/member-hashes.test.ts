import { describe, expect, it } from "vitest";
import { MemberHashes } from "../../../../../../actors/cluster/simulation/checks/member-hashes.ts";
import type { MemberStatus } from "../../../../../../protocols/etcd.ts";

const at = (raftAppliedIndex: number, hash: number, revision = 5): MemberStatus => ({
  header: { clusterId: "", memberId: "", revision, raftTerm: 1 },
  version: "",
  isLearner: false,
  name: "",
  leader: "",
  raftTerm: 1,
  raftIndex: raftAppliedIndex,
  raftAppliedIndex,
  dbSizeBytes: 0,
  hash,
  errors: [],
  alarms: [],
  clientUrls: [],
});

describe("the members' hashes", () => {
  it("agree where members have applied the same, whatever they are at otherwise", () => {
    const hashes = new MemberHashes();
    hashes.take("etcd-0", at(7, 1));
    hashes.take("etcd-1", at(8, 2));
    expect([...hashes.compared]).toEqual([]);
    hashes.take("etcd-2", at(7, 1));
    expect([...hashes.compared]).toEqual(["etcd-0", "etcd-2"]);
  });

  it("do not bear other data, or another revision, at one index", () => {
    const hashes = new MemberHashes();
    hashes.take("etcd-0", at(7, 1));
    expect(() => hashes.take("etcd-1", at(7, 2))).toThrow("etcd-1 holds other data at index 7 than etcd-0");
    expect(() => hashes.take("etcd-1", at(7, 1, 6))).toThrow("revision 6, and not 1 at 5");
  });
});
