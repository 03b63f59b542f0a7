import { describe, expect, it } from "vitest";
import { RevisionLog } from "../../../../../../actors/cluster/simulation/checks/revision-log.ts";
import { deleted, put } from "./events.ts";

describe("the log of all revisions", () => {
  it("takes the same history from every member, and tells only what is new", () => {
    const log = new RevisionLog();
    expect(log.take("etcd-0", 3, [put("a", "1", 2), put("b", "1", 3)], 10).map(({ revision }) => revision)).toEqual([
      2, 3,
    ]);
    expect(log.take("etcd-1", 3, [put("a", "1", 2), put("b", "1", 3)], 20)).toEqual([]);
    expect(log.take("etcd-0", 4, [deleted("a", 4)], 30).map(({ revision }) => revision)).toEqual([4]);
    expect(log.revision).toBe(4);
    expect(log.changeAfter("a", 2)).toBe(4);
    expect(log.changeBefore("a", 4)).toBe(2);
    expect(log.changesBelow("a", 0, 4)).toEqual([2, 4]);
  });

  it("takes the events of one transaction as one revision", () => {
    const log = new RevisionLog();
    expect(log.take("etcd-0", 2, [put("a", "1", 2), put("b", "1", 2)], 0)).toHaveLength(1);
  });

  it("goes on after a compaction where the member can", () => {
    const log = new RevisionLog();
    log.compacted("etcd-0", 9);
    expect(log.next("etcd-0")).toBe(9);
    expect(log.take("etcd-0", 9, [put("a", "1", 9)], 0)).toHaveLength(1);
    expect(log.isWhole(8, 9)).toBe(true);
    expect(log.isWhole(7, 9)).toBe(false);
  });

  it("does not bear a revision that is left out", () => {
    const log = new RevisionLog();
    expect(() => log.take("etcd-0", 3, [put("a", "1", 3)], 0)).toThrow("left out 2 to 2");
  });

  it("does not bear a revision that is told again, or in parts", () => {
    const log = new RevisionLog();
    log.take("etcd-0", 2, [put("a", "1", 2)], 0);
    expect(() => log.take("etcd-0", 2, [put("b", "1", 2)], 0)).toThrow("again or in parts");
  });

  it("does not bear a watch that goes back, or is ahead of itself", () => {
    const log = new RevisionLog();
    log.take("etcd-0", 4, [], 0);
    expect(() => log.take("etcd-0", 3, [], 0)).toThrow("went back from revision 4 to 3");
    log.opened("etcd-0");
    expect(() => log.take("etcd-0", 1, [put("a", "1", 2)], 0)).toThrow("ahead of its revision 1");
  });

  it("does not bear members that tell different histories", () => {
    const log = new RevisionLog();
    log.take("etcd-0", 2, [put("a", "1", 2)], 0);
    expect(() => log.take("etcd-1", 2, [put("a", "2", 2)], 0)).toThrow("at etcd-1, but");
    expect(() => log.take("etcd-2", 2, [deleted("a", 2)], 0)).toThrow("at etcd-2, but");
  });

  it.each([{ key: "b" }, { version: 7 }, { createRevision: 1 }, { lease: "9" }, { value: Uint8Array.of(0x31, 0) }])(
    "does not bear members that differ in %j alone",
    (difference) => {
      const log = new RevisionLog();
      const event = put("a", "1", 2);
      log.take("etcd-0", 2, [event], 0);
      const other = { ...event, kv: { ...event.kv, ...difference } };
      expect(() => log.take("etcd-1", 2, [other], 0)).toThrow("at etcd-1, but");
    },
  );
});
