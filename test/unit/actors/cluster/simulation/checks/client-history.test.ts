import { describe, expect, it } from "vitest";
import type { Read, Write } from "../../../../../../actors/cluster/simulation/checks/client-history.ts";
import { ClientHistory } from "../../../../../../actors/cluster/simulation/checks/client-history.ts";
import { RevisionLog } from "../../../../../../actors/cluster/simulation/checks/revision-log.ts";
import { deleted, put, text } from "./events.ts";

/** Revision 2 writes v1, 3 writes v2, 4 deletes, 5 writes v3. */
function log(): RevisionLog {
  const known = new RevisionLog();
  known.take("etcd-0", 5, [put("k", "v1", 2), put("k", "v2", 3), deleted("k", 4), put("k", "v3", 5)], 0);
  return known;
}

const write = (fields: Partial<Write>): Write => ({
  client: "c",
  key: "k",
  value: "v1",
  floor: 0,
  outcome: 2,
  ...fields,
});
const read = (fields: Partial<Read>): Read => ({
  client: "c",
  key: "k",
  floor: 0,
  revision: 2,
  value: "v1",
  ...fields,
});

function check(writes: readonly Write[], reads: readonly Read[] = []): () => void {
  const history = new ClientHistory();
  for (const each of writes) history.wrote(each);
  for (const each of reads) history.read(each);
  return () => history.check(log(), text);
}

describe("what clients were told", () => {
  it("holds for a history that happened", () => {
    const writes = [
      write({}),
      write({ value: "v2", expected: 2, floor: 2, outcome: 3 }),
      write({ value: undefined, expected: 3, floor: 3, outcome: 4 }),
      write({ value: "v3", expected: 0, floor: 4, outcome: 5 }),
      write({ value: "v4", outcome: "refused" }),
      write({ value: "v5", outcome: "unknown" }),
    ];
    const reads = [
      read({}),
      read({ revision: 3, value: "v2", floor: 3 }),
      // Changed since, but nobody had been told of it when the read began.
      read({ revision: 3, value: "v2", floor: 3 }),
      read({ revision: 0, value: undefined, floor: 3 }),
      read({ revision: 5, value: "v3", floor: 5 }),
    ];
    expect(check(writes, reads)).not.toThrow();
  });

  it("does not bear an acknowledged write that is lost, or has another value", () => {
    expect(check([write({ key: "other" })])).toThrow("acknowledged at revision 2, which has nothing there");
    expect(check([write({ value: "v9" })])).toThrow("acknowledged at revision 2, which has v1 there");
  });

  it("does not bear a write at a revision that somebody had been told of before it began", () => {
    expect(check([write({ floor: 2 })])).toThrow("2 had been told of before it began");
  });

  it("does not bear a refused write that was carried out", () => {
    expect(check([write({ value: "v2", outcome: "refused" })])).toThrow("was refused, but is there at revision 3");
  });

  it("does not bear a swap over somebody else's change", () => {
    expect(check([write({ value: "v3", expected: 3, outcome: 5 })])).toThrow("from revision 3, but 4 came between");
    expect(check([write({ value: "v2", expected: 0, outcome: 3 })])).toThrow("from revision 0, but 2 came between");
  });

  it("does not bear a stale read", () => {
    expect(check([], [read({ floor: 3 })])).toThrow("stale: 3 had changed it");
    expect(check([], [read({ revision: 3, value: "v2", floor: 4 })])).toThrow("stale: 4 had changed it");
    expect(check([], [read({ revision: 0, value: undefined, floor: 5 })])).toThrow(
      "found no k, but revision 5 wrote it",
    );
  });

  it("does not bear a read of what nobody wrote", () => {
    expect(check([], [read({ value: "v2" })])).toThrow("but v1 was written there");
  });
});
