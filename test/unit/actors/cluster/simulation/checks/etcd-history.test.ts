import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer, Operation, Request } from "../../../../../../actors/cluster/simulation/checks/etcd-history.ts";
import { EtcdHistory } from "../../../../../../actors/cluster/simulation/checks/etcd-history.ts";
import { linearize, stepsByKey } from "../../../../../../actors/cluster/simulation/checks/linearize.ts";
import type { RevisionLog } from "../../../../../../actors/cluster/simulation/checks/revision-log.ts";
import type { WatchEvent } from "../../../../../../protocols/etcd.ts";
import { deleted, logOf, put } from "./events.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const write = (value: string): Request => ({ type: "put", key: "k", value });
const swap = (expected: number, expectedValue: string | undefined, value: string | undefined): Request => ({
  type: "swap",
  key: "k",
  expected,
  expectedValue,
  value,
});
const get: Request = { type: "get", key: "k" };
const written = (revision: number): Answer => ({ type: "written", revision });
const found = (revision: number, value?: string, modRevision = revision, version = 1, createRevision = 2): Answer => ({
  type: "found",
  revision,
  kvs: value === undefined ? [] : [{ key: "k", value: bytes(value), createRevision, modRevision, version, lease: "0" }],
});
const unknown: Answer = { type: "unknown" };
const refused: Answer = { type: "refused" };

/** One after the other; those in one list begin before any of them ends. */
function historyOf(...rounds: (readonly (readonly [Request, Answer])[])[]): EtcdHistory {
  const history = new EtcdHistory();
  for (const round of rounds) {
    const begun = round.map(([request, answer], at) => ({ end: history.begins(`c${at}`, request, 0), answer }));
    for (const { end, answer } of begun) end(answer);
  }
  return history;
}

const searched = (history: EtcdHistory): string =>
  [...stepsByKey(history.operations)].map(([, steps]) => linearize(steps).type).join();

const three = logOf([put("k", "v1", 2), put("k", "v2", 3), deleted("k", 4), put("k", "v3", 5)]);

describe("what clients of etcd were told", () => {
  it("is in order when it happened so, with the log as witness and without it", () => {
    const history = historyOf(
      [[write("v1"), written(2)]],
      [
        [write("v2"), unknown],
        [get, found(2, "v1")],
      ],
      [[get, found(3, "v2", 3, 2)]],
      [[swap(2, "v1", "v9"), { type: "differs", revision: 3 }]],
      [[swap(3, "v2", undefined), written(4)]],
      [[get, found(4)]],
      [
        [swap(0, undefined, "v3"), written(5)],
        [get, found(4)],
        [write("v4"), refused],
        [write("v5"), unknown],
      ],
      [[{ type: "list", prefix: "k" }, found(5, "v3", 5, 1, 5)]],
    );
    expect(() => history.check(three)).not.toThrow();
    expect(searched(history)).toBe("ordered");
  });

  it("does not bear a stale read after a pause", () => {
    const history = historyOf([[write("v1"), written(2)]], [[write("v2"), written(3)]], [[get, found(2, "v1")]]);
    expect(() => history.check(logOf([put("k", "v1", 2), put("k", "v2", 3)]))).toThrow("comes before c0's write of v2");
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear a read that is older than what a member had told of", () => {
    const history = new EtcdHistory();
    history.begins("c", write("v1"), 0)(written(2));
    history.begins("c", write("v2"), 0)(unknown);
    history.begins("c", get, 3)(found(2, "v1"));
    const log = logOf([put("k", "v1", 2), put("k", "v2", 3)]);
    expect(() => history.check(log)).toThrow("comes before revision 3, which was known by then");
  });

  it("does not bear a lost update: two swaps from one revision", () => {
    const history = historyOf(
      [[write("v1"), written(2)]],
      [
        [swap(2, "v1", "v2"), written(3)],
        [swap(2, "v1", "v3"), written(4)],
      ],
    );
    const log = logOf([put("k", "v1", 2), put("k", "v2", 3), put("k", "v3", 4)]);
    expect(() => history.check(log)).toThrow("went from revision 2 to 4, but 3 was there");
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear an acknowledged write that is not in the log", () => {
    const history = historyOf([[write("v1"), written(2)]], [[get, found(2)]]);
    expect(() => history.check(logOf([put("other", "v0", 2)]))).toThrow(
      "acknowledged at revision 2, which has nothing",
    );
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear the phantom of a write that was given up: read once, and gone without anybody's doing", () => {
    const history = historyOf(
      [[write("v1"), written(2)]],
      [[write("v2"), unknown]],
      [[get, found(3, "v2", 3, 2)]],
      [[get, found(3, "v1", 2)]],
    );
    expect(() => history.check(logOf([put("k", "v1", 2), put("k", "v2", 3)]))).toThrow("found v1");
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear a write that nobody knows of and that was carried out before it was asked for", () => {
    const history = historyOf([[write("v1"), written(3)]], [[write("v2"), unknown]]);
    const log = logOf([put("k", "v2", 2), put("k", "v1", 3)]);
    expect(() => history.check(log)).toThrow("c0's write of v2 to k, at revision 2, comes before");
  });

  it("does not bear a write that is carried out twice, whatever was said of it", () => {
    const log = logOf([put("k", "v1", 2), put("k", "v2", 3), put("k", "v1", 4)]);
    const told = historyOf([[write("v1"), written(2)]], [[write("v2"), written(3)]], [[get, found(4, "v1", 4, 3)]]);
    expect(() => told.check(log)).toThrow("is at revision 4, and at 2 as well");
    expect(searched(told)).toBe("impossible");
    const untold = historyOf([[write("v1"), unknown]], [[write("v2"), written(3)]]);
    expect(() => untold.check(log)).toThrow("is at revision 4, and at 2 as well");
  });

  it("does not bear a refused write that was carried out", () => {
    const history = historyOf([[write("v1"), refused]], [[get, found(2, "v1")]]);
    expect(() => history.check(logOf([put("k", "v1", 2)]))).toThrow("was refused, but is there at revision 2");
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear a read from the future", () => {
    const history = historyOf([[get, found(2, "v1")]], [[write("v1"), written(2)]]);
    expect(() => history.check(logOf([put("k", "v1", 2)]))).toThrow(
      "c0's write of v1 to k, at revision 2, comes before",
    );
    expect(searched(history)).toBe("impossible");
  });

  it("does not bear a read whose versions are counted otherwise, or of what nobody wrote", () => {
    const counted = historyOf([[write("v1"), written(2)]], [[get, found(2, "v1", 2, 2)]]);
    expect(() => counted.check(logOf([put("k", "v1", 2)]))).toThrow("version 2 of 2");
    const list: Request = { type: "list", prefix: "" };
    const invented = historyOf([[write("v1"), written(3)]], [[list, found(3, "v1", 3, 1, 3)]]);
    expect(() => invented.check(logOf([put("x", "v0", 2), put("k", "v1", 3)]))).toThrow("found nothing at x");
  });

  it("does not bear a comparison that is said to fail though it holds, and one that holds though it fails", () => {
    const log = logOf([put("k", "v1", 2), put("k", "v2", 3)]);
    const differs: Answer = { type: "differs", revision: 2 };
    const failed = historyOf(
      [[write("v1"), written(2)]],
      [[swap(2, "v1", "v9"), differs]],
      [[write("v2"), written(3)]],
    );
    expect(() => failed.check(log)).toThrow("was told at revision 2 that 2 is not there, but it was");
    expect(searched(failed)).toBe("impossible");
  });

  it("does not bear a list of the past that was not so, and asks no order of one that was", () => {
    const log = logOf([put("k", "v1", 2), put("k", "v2", 3)]);
    const past: Request = { type: "past", prefix: "k", revision: 2 };
    const both = (of: Request, answer: Answer): EtcdHistory =>
      historyOf([[write("v1"), written(2)]], [[write("v2"), written(3)]], [[of, answer]]);
    const older: Answer = { ...found(2, "v1"), revision: 3 } as Answer;
    expect(() => both(past, older).check(log)).not.toThrow();
    expect(() => both({ type: "past", prefix: "k" }, found(2, "v1")).check(log)).not.toThrow();
    expect(() => both(past, found(3, "v2", 3, 2)).check(log)).toThrow("as it was at revision 2 found v2");
    expect(() => both({ type: "past", prefix: "k" }, found(3, "v1", 2)).check(log)).toThrow("found v1");
  });

  it("does not bear a deletion that nobody asked for", () => {
    const history = historyOf([[write("v1"), written(2)]]);
    expect(() => history.check(logOf([put("k", "v1", 2), deleted("k", 3)]))).toThrow("nobody asked for revision 3");
  });

  it("does not bear two writes that were both told one revision", () => {
    const history = historyOf([[write("v1"), written(2)]], [[write("v1"), written(2)]]);
    expect(() => history.check(logOf([put("k", "v1", 2)]))).toThrow("are both revision 2");
  });
});

/** Every order that keeps to what ended before what else began, tried one by one. */
function isOrdered(steps: readonly Parameters<typeof linearize>[0][number][], value: string | undefined): boolean {
  if (steps.every(({ ended }) => ended === Infinity)) return true;
  return steps.some((step) => {
    const rest = steps.filter((other) => other !== step);
    if (rest.some(({ ended }) => ended < step.began)) return false;
    const after = step.apply(value);
    return after !== undefined && isOrdered(rest, after.value);
  });
}

describe("the search for an order", () => {
  it("finds one exactly when there is one, by all orders of short histories", () => {
    const value = fc.constantFrom("a", "b");
    const what = fc.oneof(
      value.map((to) => ({ name: `put ${to}`, apply: () => ({ value: to }) })),
      fc.option(value, { nil: undefined }).map((seen) => ({
        name: `get ${seen}`,
        apply: (now: string | undefined) => (now === seen ? { value: now } : undefined),
      })),
      fc.tuple(value, value).map(([from, to]) => ({
        name: `swap ${from} ${to}`,
        apply: (now: string | undefined) => (now === from ? { value: to } : undefined),
      })),
    );
    const times = fc.tuple(fc.nat(20), fc.nat(8), fc.boolean());
    let impossible = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(what, times), { maxLength: 6 }), (drawn) => {
        const steps = drawn.map(([step, [at, length, isKnown]], number) => ({
          ...step,
          began: at + number / 100,
          ended: isKnown || length > 2 ? at + length + 0.5 + number / 100 : Infinity,
        }));
        const { type } = linearize(steps);
        if (type === "impossible") impossible++;
        expect(type).toBe(isOrdered(steps, undefined) ? "ordered" : "impossible");
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(impossible).toBeGreaterThan(200);
  });

  it("takes a write that nobody saw for what another one's comparison failed at", () => {
    const history = historyOf(
      [[write("v1"), written(2)]],
      [
        [write("v2"), unknown],
        [get, found(2, "v1")],
      ],
      [[swap(2, "v1", "v9"), { type: "differs", revision: 3 }]],
      [[write("v3"), written(4)]],
    );
    expect(searched(history)).toBe("ordered");
  });

  it("says that it gave up when there are more ways than it may look at", () => {
    const steps = Array.from({ length: 10 }, (_, at) => ({
      name: `put ${at}`,
      began: at,
      ended: 100 + at,
      apply: () => ({ value: String(at) }),
    }));
    expect(linearize(steps, 50)).toEqual({ type: "undecided" });
    expect(linearize(steps)).toEqual({ type: "ordered" });
  });
});

describe("both checks", () => {
  /** A register behind one lock: clients begin, it acts at a moment of its own, they are told or not. */
  function played(draws: readonly number[]): { operations: Operation[]; history: EtcdHistory; log: RevisionLog } {
    const history = new EtcdHistory();
    const events: WatchEvent[] = [];
    let current: { value: string; modRevision: number; createRevision: number; version: number } | undefined;
    const open: { act: () => Answer; end: (answer: Answer) => void; answer: Answer | undefined }[] = [];
    const act = (request: Request): Answer => {
      const revision = events.length + 1;
      if (request.type === "swap" && (current?.modRevision ?? 0) !== request.expected)
        return { type: "differs", revision };
      if (request.type !== "put" && request.type !== "swap") {
        return {
          type: "found",
          revision,
          kvs: current ? [{ ...current, key: "k", value: bytes(current.value), lease: "0" }] : [],
        };
      }
      const modRevision = revision + 1;
      if (request.value === undefined) {
        events.push(deleted("k", modRevision));
        current = undefined;
      } else {
        events.push(put("k", request.value, modRevision));
        const createRevision = current?.createRevision ?? modRevision;
        current = { value: request.value, modRevision, createRevision, version: (current?.version ?? 0) + 1 };
      }
      return written(modRevision);
    };
    draws.forEach((draw, at) => {
      const kind = draw % 6;
      if (kind < 3) {
        const expected: number = current?.modRevision ?? 0;
        const value = draw % 5 === 0 && expected !== 0 ? undefined : `v${at}`;
        const request = [get, write(`v${at}`), swap(expected, current?.value, value)][kind]!;
        open.push({ act: () => act(request), end: history.begins(`c${at}`, request, 0), answer: undefined });
      } else if (open.length > 0) {
        const one = open[draw % open.length]!;
        if (one.answer === undefined) one.answer = one.act();
        else {
          open.splice(open.indexOf(one), 1);
          one.end(draw % 7 === 0 ? unknown : one.answer);
        }
      }
    });
    for (const { answer, end } of open) end(answer ?? refused);
    return { operations: history.operations, history, log: logOf(events) };
  }

  it("bear whatever a register with one lock does", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 80 }), (draws) => {
        const { history, log } = played(draws);
        history.check(log);
        expect(searched(history)).not.toContain("impossible");
      }),
      { numRuns: 500, seed: 2 },
    );
  });
});
