import { describe, expect, it } from "vitest";
import { Progress } from "../../../../../../actors/etcd/core/raft/progress.ts";

describe("what a leader knows of a member", () => {
  it("is not taken back by an acknowledgement that comes late", () => {
    const progress = new Progress(1, false);
    expect(progress.acknowledge(5)).toBe(true);
    expect(progress.acknowledge(3)).toBe(false);
    expect([progress.match, progress.next]).toEqual([5, 6]);
  });

  it("makes it ask no second time for what the member has acknowledged and now refuses", () => {
    const progress = new Progress(6, false);
    progress.acknowledge(5);
    progress.paused = true;
    expect(progress.reject(5, 0)).toBe(false);
    expect([progress.next, progress.paused]).toEqual([6, true]);
  });

  it("frees the window up to what was acknowledged, and not beyond", () => {
    const progress = new Progress(1, false);
    progress.becomeReplicate();
    for (const last of [1, 2, 3]) progress.sent(last);
    expect(progress.inflightFull(3)).toBe(true);
    progress.acknowledge(1);
    expect([progress.inflightFull(3), progress.inflightFull(2)]).toEqual([false, true]);
  });

  it("has caught up once it has what the leader had a heartbeat ago, and is there", () => {
    const progress = new Progress(1, true);
    progress.becomeReplicate();
    progress.recentlyActive = true;
    progress.acknowledge(9);
    expect(progress.isCaughtUp).toBe(false);
    progress.heartbeat(10);
    expect(progress.isCaughtUp).toBe(false);
    progress.acknowledge(10);
    expect(progress.isCaughtUp).toBe(true);
    progress.down = true;
    expect(progress.isCaughtUp).toBe(false);
  });
});
