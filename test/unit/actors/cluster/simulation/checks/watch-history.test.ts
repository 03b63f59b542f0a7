import { describe, expect, it } from "vitest";
import { RevisionLog } from "../../../../../../actors/cluster/simulation/checks/revision-log.ts";
import { WatchHistory } from "../../../../../../actors/cluster/simulation/checks/watch-history.ts";
import { put } from "./events.ts";

function log(): RevisionLog {
  const known = new RevisionLog();
  known.take("etcd-0", 5, [put("/a/1", "", 2), put("/b/1", "", 3), put("/a/2", "", 4), put("/a/1", "", 5)], 0);
  return known;
}

function told(from: number, revisions: readonly number[]): WatchHistory {
  const history = new WatchHistory("/a/");
  history.begins("api-server-0", from);
  for (const revision of revisions) history.tells(revision, false);
  return history;
}

describe("what a watch told", () => {
  it("holds for every change once and in order, whatever bookmarks come between", () => {
    const history = told(0, [2]);
    history.tells(3, true);
    history.tells(4, false);
    history.tells(5, false);
    history.tells(5, true);
    expect(() => history.check(log())).not.toThrow();
    expect(history.last).toBe(5);
  });

  it("holds for a watch that begins later, or again after a list", () => {
    const history = told(2, [4]);
    history.begins("api-server-1", 4);
    history.tells(5, false);
    expect(() => history.check(log())).not.toThrow();
  });

  it("does not bear a gap", () => {
    expect(() => told(0, [2, 5]).check(log())).toThrow("left out revisions 4");
  });

  it("does not bear a gap that a bookmark covers", () => {
    const history = told(0, [2]);
    history.tells(4, true);
    expect(() => history.check(log())).toThrow("left out revisions 4");
  });

  it("does not bear a repetition or a step back", () => {
    expect(() => told(0, [2, 2])).toThrow("told revision 2 after 2");
    expect(() => told(0, [4, 2])).toThrow("told revision 2 after 4");
  });

  it("does not bear a change that there was not", () => {
    expect(() => told(0, [2, 3, 4]).check(log())).toThrow("told 3, which changed nothing");
  });
});
