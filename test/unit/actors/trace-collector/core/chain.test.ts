import { describe, expect, it } from "vitest";
import { chainTo, linesOf, tellingLines } from "../../../../../actors/trace-collector/core/chain.ts";
import { recordOf } from "../../../../fixtures/trace-lines.ts";

const record = recordOf(
  "api request.create deployments/default/web user=ann",
  "api write deployments/default/web action=put revision=1 user=ann <- api#1",
  "manager reconcile deployment/default/web <- api#1",
  "api request.create pods/default/web-1 user=manager <- manager#1",
  "api write pods/default/web-1 action=put revision=2 user=manager <- api#3",
  "scheduler scheduled pods/default/web-1 node=n <- api#3",
  "runtime container.stopped pods/default/web-1 container=c exitCode=1 <- scheduler#1",
  "runtime container.stopped pods/default/web-1 container=c exitCode=1 <- runtime#1",
  "runtime container.stopped pods/default/web-1 container=c exitCode=1 <- runtime#2",
);
const chain = chainTo(record, record.named("runtime#3")!);
const lines = linesOf(record, chain);

describe("a chain in words", () => {
  it("tells a request by what it wrote, once", () => {
    expect(lines.slice(0, 3).map(({ text }) => text)).toEqual([
      "ann created deployments/default/web (revision 1)",
      "reconciled deployment default/web",
      "manager created pods/default/web-1 (revision 2)",
    ]);
  });

  it("keeps of a long one what says most: its ends, what happened, and what repeats itself twice", () => {
    expect(tellingLines(lines, 4).map(({ event }) => event)).toEqual([
      "api#1",
      "scheduler#1",
      "runtime#1",
      "runtime#3",
    ]);
    expect(tellingLines(lines, 1)).toHaveLength(1);
    expect(tellingLines(lines, 99)).toEqual(lines);
  });
});
