import { expect, it } from "vitest";
import { RaftLog } from "../../../../../../actors/etcd/core/raft/log.ts";
import { membershipOf } from "../../../../../fixtures/membership.ts";

const START = { index: 0, term: 0 };

/** A log whose `count` entries of `bytes` each are applied as they come. */
function appliedLog(count: number, bytes: number, trim: (log: RaftLog) => void): RaftLog {
  const log = new RaftLog(START, []);
  for (let index = 1; index <= count; index++) {
    log.append(1, new Uint8Array(bytes));
    log.takeUnstable();
    log.persisted();
    log.commitTo(index);
    log.takeCommitted();
    trim(log);
  }
  return log;
}

it.each([
  ["entries", 40, 1, 10, 1_000],
  ["bytes", 40, 100, 1_000, 1_000],
])(
  "keeps of what is applied half as much again as catches up a follower, by %s, however long no snapshot is made",
  (_, count, bytes, entriesMax, bytesMax) => {
    const log = appliedLog(count, bytes, (one) => {
      one.trim(entriesMax, bytesMax);
      expect(one.size).toBeLessThanOrEqual(1.5 * entriesMax);
      expect(one.sizeBytes).toBeLessThanOrEqual(1.5 * bytesMax);
      expect(one.sizeBytes).toBe(one.size * bytes);
    });
    expect(log.size).toBeGreaterThanOrEqual(10);
    expect([log.last, log.applied, log.term(log.first - 1)]).toEqual([count, count, 1]);
  },
);

it("keeps what is not applied, however much it is", () => {
  const log = new RaftLog(START, []);
  for (let index = 1; index <= 40; index++) log.append(1, new Uint8Array(100));
  log.trim(10, 1_000);
  expect([log.first, log.size, log.sizeBytes]).toEqual([1, 40, 4_000]);
});

it("knows its size after entries were cut off, replaced and restored from a snapshot", () => {
  const log = new RaftLog(START, []);
  for (let index = 1; index <= 4; index++) log.append(1, new Uint8Array(index));
  expect(log.merge(2, 1, [{ index: 3, term: 2, type: "command", data: new Uint8Array(50) }])).toBe(3);
  expect([log.size, log.sizeBytes]).toEqual([3, 53]);
  log.restore({ index: 9, term: 2, membership: membershipOf([1]) });
  expect([log.size, log.sizeBytes, log.first]).toEqual([0, 0, 10]);
});
