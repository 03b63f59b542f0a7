import { describe, expect, it } from "vitest";
import { changesIn } from "../../../../../actors/trace-collector/core/object-changes.ts";
import { sealed } from "../../../../../actors/trace-collector/core/sealed.ts";
import type { StoredChange } from "../../../../../actors/trace-collector/core/segments/changes.ts";
import { encodeChanges, headsOf, readHeads } from "../../../../../actors/trace-collector/core/segments/changes.ts";
import type { ChangeBatch, ChangePart } from "../../../../../actors/trace-collector/core/segments/format.ts";

const put = (name: string, revision: number): StoredChange => ({
  revision,
  key: `/registry/pods/default/${name}`,
  value: Buffer.from(JSON.stringify({ metadata: { name }, at: revision })),
});
const removed = (name: string, revision: number): StoredChange => ({ ...put(name, revision), value: undefined });

function batch(part: ChangePart, changes: readonly StoredChange[], lastRevision: number, count?: number): ChangeBatch {
  const packed = encodeChanges(changes);
  const heads = headsOf(changes, (bytes) => bytes);
  const firstRevision = changes[0]?.revision ?? lastRevision;
  return { part, firstRevision, lastRevision, bytes: packed.length, count: count ?? changes.length, packed, heads };
}
const change = (...changes: readonly StoredChange[]): ChangeBatch =>
  batch("change", changes, changes.at(-1)?.revision ?? 0);
const base = (revision: number, ...changes: readonly StoredChange[]): readonly ChangeBatch[] => [
  batch("base", changes, revision),
  batch("base-end", [], revision, changes.length),
];
const told = (...batches: readonly ChangeBatch[]): readonly string[] =>
  changesIn(batches, (packed) => packed).map(
    ({ revision, subject, object }) => `${revision} ${subject.split("/").at(-1)}${object === undefined ? " gone" : ""}`,
  );

describe("changes of objects in segments", () => {
  it("have heads that say whose values stand where, with the values between them or without", () => {
    const changes = [put("a", 3), removed("å", 2 ** 40), put("", 5)];
    const bytes = encodeChanges(changes);
    for (const [content, hasValues] of [
      [bytes, true],
      [headsOf(changes, (heads) => heads)!, false],
    ] as const) {
      const read: StoredChange[] = [];
      readHeads(content, hasValues, (revision, key, at, length) =>
        read.push({ revision, key, value: length < 0 ? undefined : Buffer.from(bytes.subarray(at, at + length)) }),
      );
      expect(read).toEqual(changes);
    }
  });

  it("are unpacked where somebody looks at an object, each batch once", () => {
    const whole = base(5, put("a", 2), put("b", 4));
    const later = change(put("a", 6), put("c", 7), removed("b", 8));
    const unpacked: Uint8Array[] = [];
    const changes = changesIn([...whole, later], (packed) => {
      unpacked.push(packed);
      return packed;
    });
    // Of a few not even the heads.
    expect(unpacked).toEqual([later.heads]);
    const [, , a, c, gone] = changes;
    expect(gone!.object).toBeUndefined();
    expect(unpacked).toHaveLength(1);
    expect([a!.object, c!.object, a!.object]).toMatchObject([{ at: 6 }, { at: 7 }, { at: 6 }]);
    expect(unpacked.slice(1)).toEqual([later.packed]);
  });

  it("are read from what is packed, where a file is of a time that wrote no heads", () => {
    const older = (of: ChangeBatch): ChangeBatch => ({ ...of, heads: undefined });
    const batches = [...base(5, put("a", 2)), change(put("b", 6), removed("a", 7))];
    expect(told(...batches.map(older))).toEqual(told(...batches));
  });

  it("begin with what stood and go on with what was written", () => {
    expect(told(...base(5, put("b", 4), put("a", 2)), change(put("a", 6), removed("b", 7)))).toEqual([
      "2 a",
      "4 b",
      "6 a",
      "7 b gone",
    ]);
  });

  it("are told once, however often what stands is told again", () => {
    const first = base(5, put("a", 2));
    expect(told(...first, change(put("b", 6)), ...base(6, put("a", 2), put("b", 6)), change(removed("a", 7)))).toEqual([
      "2 a",
      "6 b",
      "7 a gone",
    ]);
  });

  it("tell after a time that nobody kept what stands then, also of what has gone in it", () => {
    expect(told(...base(5, put("a", 2), put("b", 3)), ...base(20, put("b", 12), put("c", 11)))).toEqual([
      "2 a",
      "3 b",
      "11 c",
      "12 b",
      "20 a gone",
    ]);
  });

  it("need a whole base: neither one whose beginning has gone, nor one that ends in the middle", () => {
    const [, end] = base(5, put("a", 2), put("b", 3));
    const cut = batch("base", [put("b", 3)], 5);
    expect(told(change(put("x", 1)), cut, end!, change(put("c", 6)))).toEqual([]);
    expect(told(cut, ...base(9, put("d", 7)))).toEqual(["7 d"]);
    expect(told(cut, change(put("c", 6)), ...base(9, put("d", 7)))).toEqual(["7 d"]);
  });

  it("begin anew with a store that counts from the beginning", () => {
    expect(told(...base(50, put("old", 40)), ...base(3, put("new", 2)), change(put("more", 4)))).toEqual([
      "2 new",
      "4 more",
    ]);
  });

  it.each([
    ["/registry/pods/default/a", "pods/default/a"],
    ["/registry/minions/worker-0", "nodes/worker-0"],
    ["/registry/services/specs/default/web", "services/default/web"],
    ["/registry/deployments/default/web", "deployments/default/web"],
    ["/registry/shop.example.com/orders/default/o-1", "orders/default/o-1"],
  ])("of %s are about %s, as events are", (key, subject) => {
    const batches = base(5, { revision: 2, key, value: Buffer.from("{}") });
    expect(changesIn(batches, (packed) => packed).map((one) => one.subject)).toEqual([subject]);
  });

  it("leave out what is no object", () => {
    const batches = base(5, { revision: 2, key: "compact_rev_key", value: Buffer.from("no JSON") });
    expect(changesIn(batches, (packed) => packed)).toEqual([]);
  });
});

describe("a sealed Secret", () => {
  const hash = (text: string): string => `#${text.length}`;
  const secret = {
    kind: "Secret",
    metadata: {
      name: "s",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"x"}}', other: "kept" },
    },
    data: { a: "aGVsbG8=", b: "" },
    stringData: { c: "plain" },
    type: "Opaque",
  };
  const of = (key: string, text: string): string => {
    const { value } = sealed({ key, revision: 1, value: Buffer.from(text) }, hash);
    return Buffer.from(value ?? []).toString();
  };

  it("has neither its data nor what it was applied from, and all the rest", () => {
    expect(JSON.parse(of("/registry/secrets/default/s", JSON.stringify(secret)))).toEqual({
      ...secret,
      metadata: {
        name: "s",
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "#18", other: "kept" },
      },
      data: { a: "#8", b: "#0" },
      stringData: { c: "#5" },
    });
  });

  it("has nothing of what can't be read, and other objects stay as they are", () => {
    expect(of("/registry/secrets/default/s", '{"data":{"a":"aGVsbG8="')).not.toContain("aGVsbG8");
    expect(of("/registry/configmaps/default/s", '{"data":{"a":"x"}}')).toBe('{"data":{"a":"x"}}');
    const gone = { key: "/registry/secrets/default/s", revision: 1, value: undefined };
    expect(sealed(gone, hash)).toBe(gone);
  });
});
