import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Identity } from "../../../../actors/cluster/io/identity.ts";
import {
  decodeClusterSnapshot,
  encodeClusterSnapshot,
  objectsIn,
  SNAPSHOT_FORMAT,
} from "../../../../actors/cluster/snapshot.ts";
import { encodeStore } from "../../../../actors/etcd/core/mvcc/state-codec.ts";
import { StateMachine } from "../../../../actors/etcd/core/mvcc/state-machine.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const IDENTITY: Identity = {
  clusterId: "c",
  authority: "authority",
  authorityKey: "key",
  server: { certificate: "certificate", key: "key" },
  serviceAccountKey: "key",
  token: "token",
};

function machineWith(objects: Readonly<Record<string, string>>): StateMachine {
  const machine = new StateMachine("c", "1");
  for (const [key, text] of Object.entries(objects)) {
    machine.apply({ type: "put", request: { key, value: bytes("old") } }, false);
    machine.apply({ type: "put", request: { key, value: bytes(text) } }, false);
  }
  machine.apply({ type: "put", request: { key: "/gone", value: bytes("x") } }, false);
  machine.apply({ type: "deleteRange", request: { key: "/gone" } }, false);
  return machine;
}
const snapshotOf = (objects: Readonly<Record<string, string>>, slot = 0): Uint8Array =>
  encodeClusterSnapshot(encodeStore(machineWith(objects).store), IDENTITY, slot);
const textsIn = (snapshot: Uint8Array, slot: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Array.from(objectsIn(decodeClusterSnapshot(snapshot), slot), ([key, { value }]) => [
      key,
      new TextDecoder().decode(value),
    ]),
  );

describe("a snapshot of a cluster", () => {
  it("holds every object as it was, with its revisions and versions, and who the cluster is", () => {
    const { store } = machineWith({ "/a": "ä", "/b": "2" });
    const found = decodeClusterSnapshot(encodeClusterSnapshot(encodeStore(store), IDENTITY, 5));
    expect(found).toMatchObject({ identity: IDENTITY, slot: 5, revision: store.revision });
    expect([...objectsIn(found, 5).values()]).toEqual(store.range({ key: "\0", rangeEnd: "\0" }).kvs);
  });

  it("of an empty store is one of revision 1", () => {
    expect(decodeClusterSnapshot(snapshotOf({})).revision).toBeGreaterThan(0);
    const empty = encodeClusterSnapshot(encodeStore(new StateMachine("c", "1").store), IDENTITY, 0);
    expect(decodeClusterSnapshot(empty).revision).toBe(1);
  });

  it("says that it is damaged, wherever a bit of it is another", () => {
    const whole = snapshotOf({ "/a": "1" });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
        const flipped = whole.slice();
        flipped[at]! ^= 1 << bit;
        expect(() => decodeClusterSnapshot(flipped)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^SNAPSHOT_(DAMAGED|NEWER)$/) as string }),
        );
      }),
    );
    expect(() => decodeClusterSnapshot(whole.subarray(0, 9))).toThrow("the snapshot is damaged, or none");
  });

  it("of a newer format names both formats", () => {
    const newer = snapshotOf({}).slice();
    newer[8] = SNAPSHOT_FORMAT + 1;
    expect(() => decodeClusterSnapshot(newer)).toThrow(
      expect.objectContaining({
        code: "SNAPSHOT_NEWER",
        message: expect.stringContaining("format 2, this one knows 1") as string,
      }),
    );
  });

  it.each([
    ["a Service's address", "127.130.0.7", "127.133.0.7"],
    ["a node's", '{"ip":"127.194.0.1"}', '{"ip":"127.197.0.1"}'],
    ["a pod's, also beyond 256 nodes", "127.66.3.4,127.67.0.9", "127.69.3.4,127.70.0.9"],
    ["a range", "127.66.0.0/15", "127.69.0.0/15"],
    ["an address with a port", "http://127.130.0.7:80/", "http://127.133.0.7:80/"],
    ["none of another slot", "127.131.0.7 127.0.0.1 10.127.130.0.7", "127.131.0.7 127.0.0.1 10.127.130.0.7"],
    ["none that is a part of a longer number", "1127.130.0.7 127.130.0", "1127.130.0.7 127.130.0"],
  ])("moves to other addresses with keys and values: %s", (_what, before, after) => {
    expect(textsIn(snapshotOf({ [`/x/${before}`]: before }, 2), 5)).toEqual({ [`/x/${after}`]: after });
    expect(textsIn(snapshotOf({ [`/x/${before}`]: before }, 2), 2)).toEqual({ [`/x/${before}`]: before });
  });
});
