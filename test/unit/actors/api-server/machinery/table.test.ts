import { describe, expect, it } from "vitest";
import { humanDuration } from "../../../../../actors/api-server/core/machinery/duration.ts";
import {
  toPartialObjectMetadata,
  toPartialObjectMetadataList,
  toTable,
} from "../../../../../actors/api-server/core/machinery/table.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { readFixture } from "./oracle-fixture.ts";
import { servedAs } from "../harness/catalog.ts";

interface Case {
  readonly apiVersion: string;
  readonly resource: string;
  /** When kube-apiserver made the row. */
  readonly now: string;
  readonly object: KubernetesObject;
  readonly columns: readonly unknown[];
  readonly row: { readonly cells: readonly unknown[]; readonly conditions?: unknown };
}

/** Ages of objects that were just made may differ by a second. */
function withoutYoungAges(cells: readonly unknown[]): readonly unknown[] {
  return cells.map((cell) => (typeof cell === "string" && /^[0-9]s$/.test(cell) ? "young" : cell));
}

describe("toTable", () => {
  for (const { apiVersion, resource, now, object, columns, row } of (readFixture("tables") as { cases: Case[] })
    .cases) {
    it(`prints ${resource}/${object.metadata?.name} as kube-apiserver does`, () => {
      const options = { includeObject: "None", nowMs: Date.parse(now), columns: true } as const;
      const table = toTable(servedAs(apiVersion, resource), [object], { resourceVersion: "1" }, options);
      const found = table.columnDefinitions?.map(({ name, type, format, priority }) => [name, type, format, priority]);
      expect(found).toEqual(columns);
      expect(withoutYoungAges(table.rows[0]?.cells ?? [])).toEqual(withoutYoungAges(row.cells));
      expect(table.rows[0]?.conditions).toEqual(row.conditions);
    });
  }

  it("carries as much of each object as was asked for", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "b" } };
    const of = (includeObject: "None" | "Metadata" | "Object"): unknown =>
      toTable(servedAs("v1", "configmaps"), [object], {}, { includeObject, nowMs: 0, columns: false }).rows[0]?.object;
    expect(of("None")).toBeNull();
    expect(of("Object")).toBe(object);
    expect(of("Metadata")).toEqual(toPartialObjectMetadata(servedAs("v1", "configmaps"), object));
  });

  it("leaves the columns out where the watcher knows them", () => {
    const options = { includeObject: "None", nowMs: 0, columns: false } as const;
    expect(toTable(servedAs("v1", "pods"), [], {}, options).columnDefinitions).toBeNull();
  });
});

describe("toPartialObjectMetadataList", () => {
  it("keeps the metadata of the list and of its items only", () => {
    const list = { metadata: { resourceVersion: "7" }, items: [{ metadata: { name: "a" }, spec: {} }] };
    expect(toPartialObjectMetadataList(servedAs("v1", "configmaps"), list)).toEqual({
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: "7" },
      items: [{ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } }],
    });
  });
});

describe("humanDuration", () => {
  // Source: apimachinery `duration.HumanDuration`.
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const cases: readonly (readonly [number, string])[] = [
    [-5 * second, "<invalid>"],
    [-second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [2 * minute + second, "2m1s"],
    [10 * minute + 5 * second, "10m"],
    [3 * hour, "3h"],
    [3 * hour + 7 * minute, "3h7m"],
    [8 * hour + 30 * minute, "8h"],
    [48 * hour, "2d"],
    [50 * hour, "2d2h"],
    [8 * day + 5 * hour, "8d"],
    [400 * day, "400d"],
    [3 * 365 * day + 5 * day, "3y5d"],
    [9 * 365 * day, "9y"],
  ];
  for (const [ms, text] of cases) it(`shows ${ms} ms as ${text}`, () => expect(humanDuration(ms)).toBe(text));
});
