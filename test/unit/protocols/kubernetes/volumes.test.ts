import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Search } from "../../../../protocols/kubernetes/volumes.ts";
import { boundVolume, findVolume, isVolumeOf, mismatch } from "../../../../protocols/kubernetes/volumes.ts";

type VolumeSpec = NonNullable<PersistentVolume["spec"]>;
type ClaimSpec = NonNullable<PersistentVolumeClaim["spec"]>;

function volume(
  name: string,
  storage: string,
  spec: Partial<VolumeSpec> = {},
  more: Partial<PersistentVolume> = {},
): PersistentVolume {
  return {
    metadata: { name, ...more.metadata },
    spec: { capacity: { storage }, accessModes: ["ReadWriteOnce"], storageClassName: "c", ...spec },
    status: { phase: "Available", ...more.status },
  };
}

function claim(storage: string, spec: Partial<ClaimSpec> = {}): PersistentVolumeClaim {
  return {
    metadata: { namespace: "n", name: "a", uid: "u" },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "c", resources: { requests: { storage } }, ...spec },
  };
}

const here: Node = { metadata: { name: "here", labels: { disk: "1" } } };
const elsewhere = {
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "In", values: ["2"] }] }] },
} as const;

describe("findVolume", () => {
  const cases: readonly (readonly [
    string,
    readonly PersistentVolume[],
    Partial<ClaimSpec>,
    Search,
    string | undefined,
  ])[] = [
    [
      "the smallest that is large enough",
      [volume("big", "9Gi"), volume("fits", "2Gi"), volume("small", "1Mi")],
      {},
      {},
      "fits",
    ],
    ["the first by name of those of one size", [volume("b", "1Gi"), volume("a", "1Gi")], {}, {}, "a"],
    [
      "fewer access modes before a better size",
      [volume("many", "1Gi", { accessModes: ["ReadWriteOnce", "ReadWriteMany"] }), volume("one", "5Gi")],
      {},
      {},
      "one",
    ],
    ["none of another class", [volume("v", "1Gi", { storageClassName: "d" })], {}, {}, undefined],
    ["none of another mode", [volume("v", "1Gi", { volumeMode: "Block" })], {}, {}, undefined],
    ["none without the access mode", [volume("v", "1Gi")], { accessModes: ["ReadOnlyMany"] }, {}, undefined],
    ["none that is bound", [volume("v", "1Gi", {}, { status: { phase: "Bound" } })], {}, {}, undefined],
    [
      "none that is being deleted",
      [volume("v", "1Gi", {}, { metadata: { name: "v", deletionTimestamp: "2026-01-01T00:00:00Z" } })],
      {},
      {},
      undefined,
    ],
    [
      "none that the selector does not mean",
      [volume("v", "1Gi")],
      { selector: { matchLabels: { a: "b" } } },
      {},
      undefined,
    ],
    [
      "the one that names the claim, whatever its size and class",
      [volume("a", "1Gi"), volume("mine", "9Gi", { storageClassName: "d", claimRef: { namespace: "n", name: "a" } })],
      {},
      {},
      "mine",
    ],
    [
      "not one that names another of the name",
      [volume("v", "1Gi", { claimRef: { namespace: "n", name: "a", uid: "other" } })],
      {},
      {},
      undefined,
    ],
    ["only one that names it, while it waits for a node", [volume("v", "1Gi")], {}, { namedOnly: true }, undefined],
    [
      "none that does not reach the node",
      [volume("v", "1Gi", { nodeAffinity: elsewhere })],
      {},
      { node: here },
      undefined,
    ],
    [
      "none instead of the named one that does not reach it",
      [volume("v", "1Gi"), volume("mine", "1Gi", { nodeAffinity: elsewhere, claimRef: { namespace: "n", name: "a" } })],
      {},
      { node: here },
      undefined,
    ],
    ["none that is given away", [volume("v", "1Gi")], {}, { taken: new Set(["v"]) }, undefined],
  ];
  it.each(cases)("%s", (_name, volumes, spec, search, expected) => {
    for (const order of [volumes, volumes.toReversed()]) {
      expect(findVolume(claim("1Gi", spec), order, search)?.metadata?.name).toBe(expected);
    }
  });

  it("never gives a volume that does not suit, nor a larger one where a smaller one does", () => {
    const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom("Available", "Bound")), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (given, wanted) => {
        const volumes = given.map(([size, phase], index) =>
          volume(`v${index}`, `${size}Gi`, {}, { status: { phase: phase as "Bound" } }),
        );
        const found = findVolume(claim(`${wanted}Gi`), volumes);
        const fitting = given.filter(([size, phase]) => phase === "Available" && size >= wanted).map(([size]) => size);
        expect(found?.spec?.capacity?.["storage"]).toBe(fitting.length === 0 ? undefined : `${Math.min(...fitting)}Gi`);
        if (found !== undefined) expect(mismatch(found, claim(`${wanted}Gi`))).toBeUndefined();
      }),
    );
  });
});

it("marks a volume that it has chosen, and not one that has named its claim itself", () => {
  const chosen = boundVolume(volume("v", "1Gi"), claim("1Gi"));
  expect(chosen?.metadata?.annotations).toEqual({ "pv.kubernetes.io/bound-by-controller": "yes" });
  const named = boundVolume(volume("v", "1Gi", { claimRef: { namespace: "n", name: "a" } }), claim("1Gi"));
  expect(named?.metadata?.annotations).toBeUndefined();
  for (const bound of [chosen, named]) {
    expect(bound?.spec?.claimRef).toMatchObject({ namespace: "n", name: "a", uid: "u" });
    expect(isVolumeOf(bound ?? {}, claim("1Gi"))).toBe(true);
    expect(boundVolume(bound ?? {}, claim("1Gi"))).toBeUndefined();
  }
});
