import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTrace } from "../../../../actors/cluster/open-trace.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-trace-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("openTrace", () => {
  it("answers from a file of lines as `inkube trace --json` prints them", async () => {
    const file = join(directory, "trace.ndjson");
    const asked = { actor: "api", sequence: 1, lamport: 1, timeMs: 1_000, kind: "call", subject: "request" };
    const write = { ...asked, sequence: 2, lamport: 2, kind: "write", subject: "pods/default/a", cause: "api#1" };
    writeFileSync(file, [{ ...asked, peer: "cluster" }, write].map((event) => JSON.stringify(event)).join("\n"));
    const trace = await openTrace(file);
    const { sentence, chain } = await trace.why("pod/a");
    expect(sentence).toBe("a is there: somebody created it.");
    expect(chain.map(({ kind }) => kind)).toEqual(["call", "write"]);
    expect(await trace.events({ kind: "write" })).toHaveLength(1);
    await expect(trace.why("pod/b")).rejects.toMatchObject({ code: "NOT_RECORDED" });
  });

  it("says that there is nothing to open", async () => {
    for (const path of [join(directory, "missing"), directory]) {
      await expect(openTrace(path)).rejects.toMatchObject({ code: "TRACE_NOT_FOUND" });
    }
  });
});
