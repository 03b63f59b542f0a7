import { describe, expect, it } from "vitest";
import { byClass } from "../../../../../../actors/trace-collector/core/segments/by-class.ts";
import { TRACE_KINDS } from "../../../../../../protocols/trace-collector.ts";
import { isMessage, memoryOf } from "../../../../../../protocols/trace-words.ts";
import { copyRing, eventsOf } from "../../../../../../runtime/trace/ring.ts";
import { RecordedActors } from "../../../../../fixtures/recorded.ts";

describe("records by class", () => {
  it("tell messages from events by every kind that is recorded, also messages that are written out", () => {
    for (const kind of TRACE_KINDS) {
      const actors = new RecordedActors(["a"]);
      actors.event("a", kind, "pods/default/a");
      const { words } = copyRing(actors.rings["a"]!)!;
      expect(isMessage(memoryOf(words), 0), kind).toBe(["call", "cast", "stream"].includes(kind));
    }
  });

  it("stay whole and in order in each class", () => {
    const actors = new RecordedActors(["a"]);
    const { recorders } = actors;
    actors.messages("a", 2);
    actors.event("a", "write", "pods/default/a");
    actors.event("a", "write", "pods/default/b");
    actors.messages("a", 1);
    recorders["a"]!.message("cast", "raft", "etcd-1", "etcd-2#17");
    actors.event("a", "timer", "lease");
    const copy = copyRing(actors.rings["a"]!)!;
    const apart = byClass(copy.words);
    const told = (words: Int32Array): readonly string[] =>
      eventsOf({ ...copy, words }, "a").map(({ sequence, kind, cause }) => `${sequence} ${kind}${cause}`);
    expect(told(apart.of.messages)).toEqual(["1 call", "2 call", "5 call", "6 castetcd-2#17"]);
    expect(told(apart.of.events)).toEqual(["3 write", "4 write", "7 timer"]);
    expect([apart.firstSequence, apart.lastSequence]).toEqual([1, 7]);
  });
});
