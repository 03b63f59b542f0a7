import { describe, expect, it } from "vitest";
import type { Response, WatchStream } from "../../../../../../actors/cluster/simulation/checks/etcd-watches.ts";
import {
  checkWatches,
  GUARANTEES,
  violationOf,
} from "../../../../../../actors/cluster/simulation/checks/etcd-watches.ts";
import type { Version } from "../../../../../../actors/cluster/simulation/checks/replay.ts";
import { Replay } from "../../../../../../actors/cluster/simulation/checks/replay.ts";
import type { WatchEvent, WatchRequest } from "../../../../../../protocols/etcd.ts";
import { deleted, logOf, put } from "./events.ts";

/** Revision 4 changes two keys of the range and one beside it; 6 deletes one. */
const log = logOf([
  put("/a/1", "one", 2),
  put("/b/1", "other", 3),
  put("/a/1", "two", 4),
  put("/a/2", "three", 4),
  put("/b/2", "other", 4),
  put("/a/1", "four", 5),
  deleted("/a/2", 6),
]);
const replay = new Replay(log);

/** The event of a key at a revision, with what was before it. */
function event(key: string, revision: number): WatchEvent {
  const told = log.eventAt(key, revision)!;
  const before = replay.at(key, revision - 1);
  return before === undefined || before === "unknown" ? told : { ...told, prevKv: { key, ...before } };
}

const first = { revision: 2, events: [event("/a/1", 2)] };
const second = { revision: 4, events: [event("/a/1", 4), event("/a/2", 4)] };
const third = { revision: 5, events: [event("/a/1", 5)] };
const last = { revision: 6, events: [event("/a/2", 6)] };
const mark = (revision: number): Response => ({ revision, events: [] });

function stream(responses: readonly Response[], request: Partial<WatchRequest> = {}, compacted?: number): WatchStream {
  return {
    client: "c",
    member: "etcd-0",
    request: { key: "/a/", rangeEnd: "/a0", startRevision: 1, prevKv: true, progressNotify: true, ...request },
    responses: [...responses],
    ...(compacted === undefined ? {} : { compacted }),
  };
}

/** The guarantees that do not hold of it. */
function brokenOf(told: WatchStream): string {
  return GUARANTEES.filter((guarantee) => violationOf(guarantee, told, log, replay) !== undefined).join();
}

describe("a watch at etcd", () => {
  it.each([
    ["from the beginning", stream([first, second, third, last])],
    ["with news of progress between", stream([mark(1), first, mark(3), second, third, mark(5), last, mark(6)])],
    [
      "of several revisions in one response",
      stream([{ revision: 6, events: [first, second, third, last].flatMap((r) => r.events) }]),
    ],
    [
      "of one key",
      stream([first, { revision: 4, events: [event("/a/1", 4)] }, third], {
        key: "/a/1",
        rangeEnd: undefined as never,
      }),
    ],
    ["that goes on from a revision", stream([third, last], { startRevision: 5 })],
    ["that goes on where nothing happened", stream([second], { startRevision: 3 })],
    ["from now on", stream([mark(4), third, last], { startRevision: 0 })],
    ["from now on, without news of progress", stream([third, last], { startRevision: 0 })],
    ["that is not there any more", stream([], { startRevision: 2 }, 4)],
    ["of which nothing came", stream([])],
  ])("holds %s", (_, told) => {
    expect(brokenOf(told)).toBe("");
    expect(() => checkWatches([told], log)).not.toThrow();
  });

  it("does not bear a key that is not watched (Filter)", () => {
    expect(brokenOf(stream([first, { revision: 3, events: [event("/b/1", 3)] }, second]))).toContain("Filter");
  });

  it("does not bear a step back (Ordered)", () => {
    expect(brokenOf(stream([{ revision: 6, events: [event("/a/1", 4), event("/a/1", 2)] }]))).toContain("Ordered");
  });

  it("does not bear an event twice (Unique)", () => {
    const twice = { revision: 4, events: [...second.events, event("/a/1", 4)] };
    expect(brokenOf(stream([first, twice]))).toContain("Unique");
  });

  it("does not bear a revision in parts (Atomic)", () => {
    const [one, other] = second.events.map((each) => ({ revision: 4, events: [each] }));
    expect(brokenOf(stream([first, one!, other!]))).toContain("Atomic");
  });

  it("does not bear progress before the events (Bookmarkable)", () => {
    expect(brokenOf(stream([first, mark(4), second]))).toBe("Bookmarkable");
    expect(brokenOf(stream([{ ...first, revision: 1 }]))).toBe("Bookmarkable");
    expect(brokenOf(stream([first, mark(3), mark(2)]))).toBe("Bookmarkable");
  });

  it("does not bear a watch that goes on a revision late, or early, or is refused for what is there (Resumable)", () => {
    expect(brokenOf(stream([last], { startRevision: 5 }))).toBe("Resumable");
    expect(brokenOf(stream([mark(5)], { startRevision: 5 }))).toBe("Resumable");
    expect(brokenOf(stream([third, last], { startRevision: 6 }))).toBe("Resumable");
    expect(brokenOf(stream([first, second], {}, 5))).toBe("Resumable");
  });

  it("does not bear a change that is left out, in part, or told as another one (Reliable)", () => {
    expect(brokenOf(stream([first, third]))).toBe("Reliable");
    expect(brokenOf(stream([first, second, mark(5)]))).toBe("Reliable");
    expect(brokenOf(stream([first, { revision: 4, events: [event("/a/1", 4)] }]))).toBe("Reliable");
    const other = event("/a/1", 5);
    const value = new TextEncoder().encode("else");
    expect(brokenOf(stream([third, { revision: 6, events: [event("/a/2", 6)] }]))).toBe("Resumable");
    expect(brokenOf(stream([first, second, { revision: 5, events: [{ ...other, kv: { ...other.kv, value } }] }]))).toBe(
      "Reliable",
    );
    expect(brokenOf(stream([mark(4), last], { startRevision: 0 }))).toBe("Reliable");
  });

  it("does not bear a change told as a creation, or the other way round (IsCreate)", () => {
    const changed = event("/a/1", 5);
    const created = { ...changed, kv: { ...changed.kv, createRevision: 5, version: 1 } };
    expect(brokenOf(stream([first, second, { revision: 5, events: [created] }]))).toContain("IsCreate");
    const born = event("/a/1", 2);
    const grown = { ...born, kv: { ...born.kv, createRevision: 1, version: 2 } };
    expect(brokenOf(stream([{ revision: 2, events: [grown] }]))).toContain("IsCreate");
  });

  it("does not bear what was before left out, another one, or unasked for (PrevKV)", () => {
    const { prevKv, ...bare } = event("/a/1", 5);
    expect(brokenOf(stream([first, second, { revision: 5, events: [bare] }]))).toBe("PrevKV");
    const older = { ...bare, prevKv: { ...prevKv!, ...(replay.at("/a/1", 2) as Version) } };
    expect(brokenOf(stream([first, second, { revision: 5, events: [older] }]))).toBe("PrevKV");
    expect(brokenOf(stream([third], { startRevision: 5, prevKv: false }))).toBe("PrevKV");
  });

  it("is named with the guarantee and the stream", () => {
    expect(() => checkWatches([stream([first, third])], log)).toThrow(
      `Reliable: c's watch of "/a/ to /a0" at etcd-0 from 1 told of revision 4 nothing, and not put /a/1`,
    );
  });
});
