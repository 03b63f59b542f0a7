import { writeFileSync } from "node:fs";
import { it } from "vitest";
import { pageOf } from "../../actors/trace-collector/io/page.ts";
import { readRecord } from "../../actors/cluster/open-trace.ts";
import { ndjsonOf } from "../../actors/trace-collector/core/ndjson.ts";
import { recordedRun } from "../fixtures/recorded-run.ts";
it("makes", async () => {
  const record = await recordedRun();
  writeFileSync("/tmp/traceshow/sim.html", [...pageOf(record, "simulated: a node is lost")].join(""));
  writeFileSync("/tmp/traceshow/sim.ndjson", ndjsonOf(record));
  writeFileSync("/tmp/traceshow/sim2.html", [...pageOf(await recordedRun(2), "simulated two")].join(""));
  writeFileSync("/tmp/traceshow/live.html", [...pageOf(await readRecord("/tmp/traceshow/live.ndjson"), "live")].join(""));
  console.log(record.events.length, record.changes.length);
});
