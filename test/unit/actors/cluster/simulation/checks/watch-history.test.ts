import { describe, expect, it } from "vitest";
import { Replay } from "../../../../../../actors/cluster/simulation/checks/replay.ts";
import type { Told } from "../../../../../../actors/cluster/simulation/checks/watch-history.ts";
import { WatchHistory } from "../../../../../../actors/cluster/simulation/checks/watch-history.ts";
import { deleted, logOf, put } from "./events.ts";

const PREFIX = "/registry/a/ns/";
const log = logOf([
  put(`${PREFIX}1`, "", 2),
  put("/registry/b/ns/1", "", 3),
  put(`${PREFIX}2`, "", 4),
  put(`${PREFIX}1`, "", 5),
  deleted(`${PREFIX}2`, 6),
]);
const replay = new Replay(log);

const TYPES = { 2: "ADDED", 3: "ADDED", 4: "ADDED", 5: "MODIFIED", 6: "DELETED" } as const;
const NAMES = { 2: "1", 3: "1", 4: "2", 5: "1", 6: "2" } as const;

function tell(revision: keyof typeof TYPES, other: Partial<Told> = {}): Told {
  return { type: TYPES[revision], key: PREFIX + NAMES[revision], revision, ...other };
}

/** Begins with what was there at `from`, unless told otherwise. */
function told(from: number, events: readonly Told[], listed?: Readonly<Record<string, number>>): WatchHistory {
  const history = new WatchHistory(PREFIX);
  const there = from < 2 ? {} : from < 4 ? { 1: 2 } : { 1: 2, 2: 4 };
  const entries = Object.entries(listed ?? there).map(([name, revision]) => [PREFIX + name, revision] as const);
  history.begins("api-server-0", 1, from, new Map(entries));
  for (const event of events) history.tells(event);
  return history;
}

const check = (history: WatchHistory) => (): void => history.check(log, replay);

describe("what a watch told", () => {
  it("holds for every change once and in order, whatever bookmarks come between", () => {
    const history = told(1, [tell(2)]);
    history.marks(3);
    for (const revision of [4, 5, 6] as const) history.tells(tell(revision));
    history.marks(6);
    expect(check(history)).not.toThrow();
    expect(history.last).toBe(6);
  });

  it("holds for a watch that begins later, or again after a list", () => {
    const history = told(2, [tell(4)]);
    history.forget();
    expect(history.last).toBe(0);
    history.begins(
      "api-server-1",
      1,
      5,
      new Map([["1", 5] as const, ["2", 4] as const].map(([k, r]) => [PREFIX + k, r])),
    );
    history.tells(tell(6));
    expect(check(history)).not.toThrow();
  });

  it("does not bear a gap, also one that a bookmark covers", () => {
    expect(check(told(1, [tell(2), tell(5)]))).toThrow("left out revisions 4");
    const history = told(1, [tell(2)]);
    history.marks(4);
    expect(check(history)).toThrow("left out revisions 4");
  });

  it("does not bear a repetition, a step back, or a change that a bookmark was ahead of", () => {
    expect(() => told(1, [tell(2), tell(2)])).toThrow("told revision 2 after 2");
    expect(() => told(1, [tell(4), tell(2)])).toThrow("told revision 2 after 4");
    const history = told(1, [tell(2)]);
    history.marks(4);
    expect(() => history.tells(tell(4))).toThrow("told revision 4 after 4");
  });

  it("does not bear a bookmark of a revision that there is not", () => {
    const history = told(5, [tell(6)], { 1: 5, 2: 4 });
    history.marks(7);
    expect(check(history)).toThrow("told of revision 7, which there is not");
  });

  it("does not bear a change that there was not", () => {
    expect(check(told(1, [tell(2), tell(3), tell(4)]))).toThrow("told 3, which changed nothing");
  });

  it("does not bear a change that is told as another one", () => {
    expect(check(told(1, [tell(2), tell(4), tell(5, { type: "ADDED" })]))).toThrow("as ADDED, though it was there");
    expect(check(told(1, [tell(2, { type: "MODIFIED" })]))).toThrow("as MODIFIED, though it was not there");
    expect(check(told(4, [tell(5, { type: "DELETED" })]))).toThrow("as DELETED, and it was written");
    expect(check(told(4, [tell(5), tell(6, { type: "MODIFIED" })]))).toThrow("as MODIFIED, and it was deleted");
  });

  it("does not bear a list that makes up something else together with the changes", () => {
    expect(check(told(4, [tell(5)], { 1: 2, 2: 4, 3: 3 }))).toThrow("/registry/a/ns/3, which nobody wrote");
    expect(check(told(4, [tell(5)], { 1: 2 }))).toThrow("revision none of /registry/a/ns/2, where 4 was");
  });

  it("does not bear an end as expired where all that comes next is kept", () => {
    const history = told(2, [tell(4)]);
    expect(() => history.expires("api-server-0", 1, 3, log)).toThrow("though only 2 of 3 changes came after it");
    // More has come than it keeps; its caches are new; or it is another server.
    expect(() => history.expires("api-server-0", 1, 2, log)).not.toThrow();
    expect(() => history.expires("api-server-0", 2, 3, log)).not.toThrow();
    expect(() => history.expires("api-server-1", 1, 3, log)).not.toThrow();
  });
});
