import { describe, expect, it } from "vitest";
import { queryRecord } from "../../../../../actors/trace-collector/io/sql.ts";
import { recordOf, recordOfWrites } from "../../../../fixtures/trace-lines.ts";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const hasSqlite = major > 22 || (major === 22 && minor >= 5);
const record = recordOf(
  "supervisor fault power kind=actor-crash what=hits",
  "api write pods/default/a action=put revision=4 user=ann <- supervisor#1",
);

describe.runIf(hasSqlite)("a query", () => {
  it("reads events, edges, writes, faults and objects", async () => {
    const sql = "SELECT w.user, e.cause FROM writes w JOIN edges e ON e.effect = w.event WHERE w.revision = 4";
    expect(await queryRecord(record, sql)).toEqual({
      columns: ["user", "cause"],
      rows: [["ann", "supervisor#1"]],
      isCut: false,
    });
    expect((await queryRecord(record, "SELECT fault, kind FROM faults")).rows).toEqual([["power", "actor-crash"]]);
    const written = recordOfWrites(["pods/default/a", { spec: {} }], ["pods/default/a", undefined]);
    expect((await queryRecord(written, "SELECT object FROM objects")).rows).toEqual([['{"spec":{}}'], [null]]);
  });

  it("is cut where it has too many rows, and ended where it takes too long", async () => {
    const count = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    expect(await queryRecord(record, `${count} SELECT x FROM c`, { rowsMax: 2 })).toMatchObject({
      rows: [[1], [2]],
      isCut: true,
    });
    await expect(queryRecord(record, `${count} SELECT count(*) FROM c`, { timeoutMs: 50 })).rejects.toThrow(
      expect.objectContaining({ code: "QUERY_TIMEOUT" }),
    );
  });

  it.each([
    ["DELETE FROM events", /can only be read/],
    ["ATTACH '/tmp/x' AS x", /can only be read/],
    ["WITH x AS (SELECT 1) DELETE FROM events", /readonly/],
    ["SELECT nope FROM events", /no such column: nope; there are the tables events\(event, actor/],
  ])("refuses %s", async (sql, why) => {
    await expect(queryRecord(record, sql)).rejects.toThrow(why);
  });
});

it.runIf(!hasSqlite)("says which Node.js it needs", async () => {
  await expect(queryRecord(record, "SELECT 1")).rejects.toThrow(/since 22\.5; this is /);
});
