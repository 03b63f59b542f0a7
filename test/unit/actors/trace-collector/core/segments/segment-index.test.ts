import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventList } from "../../../../../../actors/trace-collector/core/events.ts";
import { SegmentIndex } from "../../../../../../actors/trace-collector/core/segments/segment-index.ts";
import { nameOf } from "../../../../../../protocols/trace-events.ts";
import { NAMES_AT, copyRing, eventsOf } from "../../../../../../runtime/trace/ring.ts";
import { RecordedActors } from "../../../../../fixtures/recorded.ts";

const ACTORS = ["etcd-0", "etcd-1", "worker-0/kubelet"];
const NUMBER_MAX = 40;
const actor = fc.constantFrom(...ACTORS);
const number = fc.integer({ min: 0, max: NUMBER_MAX });
/** What an event came of: of a message it is mostly a number of its peer's, of others any text. */
const recorded = fc.record({
  by: actor,
  peer: actor,
  cause: fc.oneof(
    number,
    fc.tuple(actor, number).map(([of, at]) => `${of}#${at}`),
    fc.constantFrom(
      "",
      "#",
      "#7",
      "7",
      "etcd-0#",
      "etcd-0#7x",
      "etcd-0#07",
      "å#3",
      "etcd-0#4294967303",
      "00-4bf9-07-01",
    ),
  ),
});

describe("an index of a segment", () => {
  it("finds what came of each event, as a look at all of them does", () => {
    fc.assert(
      fc.property(fc.array(recorded, { maxLength: 60 }), (all) => {
        const actors = new RecordedActors(ACTORS, 64 * 1_024);
        for (const { by, peer, cause } of all) {
          if (typeof cause === "number") actors.recorders[by]!.message("call", "request", peer, cause);
          else actors.event(by, "write", "pods/default/a", cause);
        }
        const copies = ACTORS.flatMap((name) => {
          const copy = copyRing(actors.rings[name]!);
          return copy === undefined ? [] : [{ name, copy }];
        });
        const records = copies.map(({ name, copy: { words, names } }) => ({
          actor: name,
          namesAt: NAMES_AT,
          names,
          words,
        }));
        const header = { class: "events", run: 1, number: 1 } as const;
        const index = new SegmentIndex({ header, records, gaps: [], changes: [], damages: [], tornBytes: 0 });
        const list = new EventList(copies.flatMap(({ name, copy }) => eventsOf(copy, name)));
        for (const name of ACTORS) {
          for (let sequence = 1; sequence <= NUMBER_MAX; sequence++) {
            const found = index.causedBy(`${name}#${sequence}`).map(nameOf).sort();
            expect(found).toEqual(list.causedBy(`${name}#${sequence}`).map(nameOf).sort());
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
