import { describe, expect, it } from "vitest";
import type { Table } from "../../../../../actors/cluster/cli/table.ts";
import { TablePrinter } from "../../../../../actors/cluster/cli/table.ts";

const table: Table = {
  kind: "Table",
  columnDefinitions: [{ name: "Name" }, { name: "Ready" }, { name: "Node", priority: 1 }],
  rows: [
    { cells: ["web-1", "1/1", "worker-0"], object: { metadata: { namespace: "shop" } } },
    { cells: ["a-longer-name", "0/1", null], object: { metadata: { namespace: "default" } } },
  ],
};

describe("a printed table", () => {
  it("has the ordinary columns, three blanks apart", () => {
    expect(new TablePrinter({ wide: false, namespaces: false, prefix: "" }).lines(table)).toEqual([
      "NAME            READY",
      "web-1           1/1",
      "a-longer-name   0/1",
    ]);
  });

  it("has all columns when wide, namespaces when asked, and <none> for what is not there", () => {
    expect(new TablePrinter({ wide: true, namespaces: true, prefix: "pod/" }).lines(table)).toEqual([
      "NAMESPACE   NAME                READY   NODE",
      "shop        pod/web-1           1/1     worker-0",
      "default     pod/a-longer-name   0/1     <none>",
    ]);
  });

  it("keeps its columns for what a watch brings later, which has no heading", () => {
    const printer = new TablePrinter({ wide: false, namespaces: false, prefix: "" });
    printer.lines(table);
    expect(printer.lines({ kind: "Table", columnDefinitions: null, rows: [{ cells: ["b", "1/1", "w"] }] })).toEqual([
      "b               1/1",
    ]);
  });
});
