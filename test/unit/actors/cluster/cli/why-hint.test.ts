import { describe, expect, it } from "vitest";
import { whyHint } from "../../../../../actors/cluster/cli/why-hint.ts";
import type { Table } from "../../../../../actors/cluster/cli/table.ts";

function tableOf(columns: readonly string[], ...rows: readonly (readonly string[])[]): Table {
  return {
    kind: "Table",
    columnDefinitions: columns.map((name) => ({ name })),
    rows: rows.map((cells) => ({ cells, object: { metadata: { name: cells[0]!, namespace: "shop" } } })),
  };
}

describe("the hint under a table", () => {
  const PODS = ["Name", "Ready", "Status"];
  it.each<[string, Table, string | undefined]>([
    [
      "pods",
      tableOf(PODS, ["a", "1/1", "Running"], ["b", "0/1", "ImagePullBackOff"]),
      "why: inkube trace why pods/shop/b",
    ],
    ["pods", tableOf(PODS, ["a", "0/1", "Running"]), "why: inkube trace why pods/shop/a"],
    ["pods", tableOf(PODS, ["a", "0/1", "Pending"]), "why: inkube trace why pods/shop/a"],
    ["pods", tableOf(PODS, ["a", "1/1", "Running"], ["b", "0/1", "Completed"]), undefined],
    ["deployments", tableOf(["Name", "Ready"], ["web", "2/3"]), "why: inkube trace why deployments/shop/web"],
    ["nodes", tableOf(["Name", "Status"], ["n", "NotReady"]), "why: inkube trace why nodes/shop/n"],
    ["configmaps", tableOf(["Name", "Data"], ["c", "3"]), undefined],
  ])("of %s names the first that is not ready, if any", (resource, table, hint) => {
    expect(whyHint(resource, table)).toBe(hint);
  });
});
