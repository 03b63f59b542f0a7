import { it } from "vitest";
import { readRecord } from "../../actors/cluster/open-trace.ts";
import { Model } from "../../actors/trace-collector/page/model.ts";
it("rows", async () => {
  const m = new Model(await readRecord("/tmp/traceshow/sim.ndjson"));
  console.log(m.view("objects").rows.map((r) => [r.key, r.depth, r.parent, r.isOpen].join(" ")).join("\n"));
});
