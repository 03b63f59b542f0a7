import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../../../../../actors/etcd/core/bytes.ts";
import type { Command } from "../../../../../../actors/etcd/core/mvcc/command.ts";
import { decodeStore, encodeStore, StoreEncoder } from "../../../../../../actors/etcd/core/mvcc/state-codec.ts";
import { StateMachine } from "../../../../../../actors/etcd/core/mvcc/state-machine.ts";
import type { Store } from "../../../../../../actors/etcd/core/mvcc/store.ts";
import type { RequestOp } from "../../../../../../protocols/etcd.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, lease: string = "0", value: string = "v"): Command => ({
  type: "put",
  request: { key, value: bytes(value), lease, prevKv: true },
});
const remove = (key: string, rangeEnd?: string): Command => ({
  type: "deleteRange",
  request: rangeEnd === undefined ? { key, prevKv: true } : { key, rangeEnd, prevKv: true },
});
const grant = (id: string): Command => ({ type: "leaseGrant", id, ttlSeconds: 60 });
const revoke = (id: string): Command => ({ type: "leaseRevoke", id });

/** A command, or a compaction so many revisions before the newest. */
type Step = Command | { readonly type: "compactOld"; readonly kept: number };

function commandOf(step: Step, { revision }: Store): Command {
  return step.type === "compactOld" ? { type: "compact", revision: Math.max(1, revision - step.kept) } : step;
}

/** All that a store knows, in an order of its own. */
function describeStore(store: Store): unknown {
  const keys: unknown[] = [];
  store.index.scan(
    { start: "", end: undefined },
    ({ key, versions }) => keys.push({ key, versions: [...versions] }) > 0,
  );
  return {
    bounds: [store.compactRevision, store.historyFrom, store.revision],
    keys,
    leases: [...store.leases.values()].map(({ id, ttlSeconds, keys: held }) => [id, ttlSeconds, [...held].sort()]),
    history: store.revisions(store.historyFrom),
    sizeBytes: store.sizeBytes,
    hash: store.hash,
  };
}

/** Values that are views and values that are copies are the same; so are errors with one code. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one: unknown) =>
      one instanceof Uint8Array ? [...one] : one instanceof Error ? { message: one.message } : one,
    ) ?? "null",
  );
}

function machineOf(store?: Store): StateMachine {
  const machine = new StateMachine("c", "1");
  if (store !== undefined) machine.store = store;
  return machine;
}

function run(machine: StateMachine, steps: readonly Step[]): unknown {
  return plain(steps.map((step) => machine.apply(commandOf(step, machine.store), true)));
}

const key = fc.constantFrom("a", "b", "c", "d");
const leaseId = fc.constantFrom("1", "2", "3");
const leaseOrNone = fc.oneof(fc.constant("0"), leaseId);
const value = fc.string({ maxLength: 3 });
const op: fc.Arbitrary<RequestOp> = fc.oneof(
  fc.tuple(key, value, leaseOrNone).map(([of, content, lease]) => ({
    put: { key: of, value: bytes(content), lease, prevKv: true },
  })),
  key.map((of) => ({ deleteRange: { key: of, prevKv: true } })),
  key.map((of) => ({ range: { key: of } })),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(key, leaseOrNone, value).map((of) => put(...of)) },
    { weight: 2, arbitrary: leaseId.map(grant) },
    { weight: 2, arbitrary: leaseId.map(revoke) },
    { weight: 1, arbitrary: key.map((of) => remove(of)) },
    { weight: 1, arbitrary: fc.constant(remove("b", "d")) },
    { weight: 2, arbitrary: fc.nat(4).map((kept): Step => ({ type: "compactOld", kept })) },
    {
      weight: 2,
      arbitrary: fc.tuple(key, fc.uniqueArray(op, { maxLength: 3, selector: keyOf })).map(([of, success]): Step => ({
        type: "txn",
        request: {
          compare: [{ key: of, target: "version", result: "greater", value: 0 }],
          success,
          failure: [{ put: { key: of, value: bytes("made") } }],
          cause: "x#1",
        },
      })),
    },
  ),
  // Long enough that a lease is granted, used, compacted over and revoked in many of them.
  { maxLength: 40, size: "max" },
);

function keyOf(one: RequestOp): string {
  if ("put" in one) return one.put.key;
  if ("range" in one) return one.range.key;
  return "txn" in one ? "" : one.deleteRange.key;
}

describe("a snapshot", () => {
  it("is read back although the lease of a version that compaction kept has ended", () => {
    const machine = machineOf();
    const history = [grant("1"), put("/e", "1"), put("/f"), put("/f"), remove("/none")];
    for (const command of history) machine.apply(command, false);
    machine.apply({ type: "compact", revision: 4 }, false);
    machine.apply(revoke("1"), false);
    const again = decodeStore(encodeStore(machine.store));
    expect(again.get("/e")).toBeUndefined();
    expect(again.range({ key: "/e", revision: 4 }).kvs).toMatchObject([{ lease: "1" }]);
    expect(plain(describeStore(again))).toEqual(plain(describeStore(machine.store)));
  });

  it("gives a lease that was granted anew under an old id only the keys that it has now", () => {
    const machine = machineOf();
    for (const command of [grant("1"), put("/old", "1"), put("/x")]) machine.apply(command, false);
    machine.apply({ type: "compact", revision: 3 }, false);
    for (const command of [revoke("1"), grant("1"), put("/new", "1"), put("/old")]) machine.apply(command, false);
    const again = decodeStore(encodeStore(machine.store));
    expect([...again.leases.get("1")!.keys]).toEqual(["/new"]);
  });

  it("is the store, wherever in its life it is taken, and the store goes on from it as from itself", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (history, at) => {
        const cut = at % (history.length + 1);
        const machine = machineOf();
        run(machine, history.slice(0, cut));
        const snapshot = encodeStore(machine.store);
        const copy = machineOf(decodeStore(snapshot));
        expect(plain(describeStore(copy.store))).toEqual(plain(describeStore(machine.store)));
        expect(Buffer.compare(encodeStore(copy.store), snapshot)).toBe(0);
        expect(run(copy, history.slice(cut))).toEqual(run(machine, history.slice(cut)));
        expect(plain(describeStore(copy.store))).toEqual(plain(describeStore(machine.store)));
      }),
      { numRuns: 500 },
    );
  });

  it("that is written in steps is of no use once a compaction has taken away what was still to be written", () => {
    const machine = machineOf();
    for (const command of [put("/a"), put("/a"), put("/b")]) machine.apply(command, false);
    const encoder = new StoreEncoder(machine.store, new ByteWriter());
    encoder.step(1);
    machine.apply(put("/c"), false);
    expect(encoder.isSpoilt).toBe(false);
    machine.apply({ type: "compact", revision: machine.store.revision }, false);
    expect(encoder.isSpoilt).toBe(true);
  });

  it("that is written in steps is the store as it was at the first, whatever is written meanwhile", () => {
    fc.assert(
      fc.property(steps, steps, fc.integer({ min: 1, max: 60 }), (before, meanwhile, budgetBytes) => {
        const machine = machineOf();
        run(machine, before);
        const whole = encodeStore(machine.store);
        const writer = new ByteWriter();
        const encoder = new StoreEncoder(machine.store, writer);
        const left = [...meanwhile];
        while (!encoder.step(budgetBytes)) {
          const next = left.shift();
          if (next !== undefined) run(machine, [next]);
          if (encoder.isSpoilt) return;
        }
        expect(Buffer.compare(writer.view(), whole)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
